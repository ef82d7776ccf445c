import { storage } from '../storage/storage';

/** GraphiQL stores the theme; the page applies it before GraphiQL is loaded. */
export function applyStoredTheme() {
  const theme = storage.getItem('graphiql:theme');
  if (theme === 'light' || theme === 'dark') document.body.classList.add(`graphiql-${theme}`);
}
