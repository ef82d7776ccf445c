import { redactRecord, redactSecrets } from './secrets';

// Another server on the same local port may have stored its own GraphiQL state.
const PREFIX = 'lyceum:';
/** The keys of GraphiQL's tabs and history: JSON with documents and variables. */
const RECORDS = ['graphiql:tabState', 'graphiql:queries', 'graphiql:favorites'];

function keys(): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}

/** Our part of `localStorage`. Passwords and tokens are not stored in it. */
export const storage = {
  get length() {
    return keys().length;
  },
  getItem(key: string) {
    return localStorage.getItem(PREFIX + key);
  },
  setItem(key: string, value: string) {
    const kept = RECORDS.includes(key) ? redactRecord(value) : redactSecrets(value);
    localStorage.setItem(PREFIX + key, kept);
  },
  removeItem(key: string) {
    localStorage.removeItem(PREFIX + key);
  },
  clear() {
    for (const key of keys()) localStorage.removeItem(key);
  },
};
