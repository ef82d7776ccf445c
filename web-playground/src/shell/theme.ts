import { storage } from './storage';

/** GraphiQL's settings own the theme; the page takes it over before GraphiQL is there. */
export function applyStoredTheme() {
  const theme = storage.getItem('graphiql:theme');
  if (theme === 'light' || theme === 'dark') document.body.classList.add(`graphiql-${theme}`);
}
