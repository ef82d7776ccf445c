// Other servers on the same local port may have left a GraphiQL state of their own behind.
const PREFIX = 'lyceum:';

function keys(): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}

/** The browser's storage, as far as it is ours. */
export const storage = {
  get length() {
    return keys().length;
  },
  getItem(key: string) {
    return localStorage.getItem(PREFIX + key);
  },
  setItem(key: string, value: string) {
    localStorage.setItem(PREFIX + key, value);
  },
  removeItem(key: string) {
    localStorage.removeItem(PREFIX + key);
  },
  clear() {
    for (const key of keys()) localStorage.removeItem(key);
  },
};
