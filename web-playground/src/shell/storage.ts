import { recordWithoutSecrets, withoutSecrets } from './secrets';

// Other servers on the same local port may have left a GraphiQL state of their own behind.
const PREFIX = 'lyceum:';
/** GraphiQL's tabs and history: JSON that holds documents and variables. */
const RECORDS = ['graphiql:tabState', 'graphiql:queries', 'graphiql:favorites'];

function keys(): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}

/** The browser's storage, as far as it is ours. What signs somebody in is not kept in it. */
export const storage = {
  get length() {
    return keys().length;
  },
  getItem(key: string) {
    return localStorage.getItem(PREFIX + key);
  },
  setItem(key: string, value: string) {
    const kept = RECORDS.includes(key) ? recordWithoutSecrets(value) : withoutSecrets(value);
    localStorage.setItem(PREFIX + key, kept);
  },
  removeItem(key: string) {
    localStorage.removeItem(PREFIX + key);
  },
  clear() {
    for (const key of keys()) localStorage.removeItem(key);
  },
};
