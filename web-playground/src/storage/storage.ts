import { showNotice } from '../notice/notice';
import { redactRecord, redactSecrets } from './secrets';

// Another server on the same local port may have stored its own GraphiQL state.
const PREFIX = 'lyceum:';
/** JSON with documents and variables: GraphiQL's tabs, and ours. */
const RECORDS = ['graphiql:tabState', 'history', 'collections', 'extensions'];

/**
 * The texts in the editors belong to one tab of the browser: what somebody writes in another tab, perhaps as another
 * person, must not take their place. A new tab begins with those that were written last.
 */
const OF_TAB = ['graphiql:tabState', 'graphiql:query', 'graphiql:variables', 'extensions'];

const NOT_STORED =
  'This browser does not let the page store anything: open tabs and history are lost on a reload.';

/** What the browser refused to store, while the page is open. */
const unstored = new Map<string, string>();
let hasTold = false;

function keys(): string[] {
  const stored = attempt(() => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) ?? [];
  return [...new Set([...stored, ...unstored.keys()])];
}

/** Our part of `localStorage`. Passwords and tokens are not stored in it. */
export const storage = {
  get length() {
    return keys().length;
  },
  getItem(key: string): string | null {
    return (
      unstored.get(PREFIX + key) ?? readTab(key) ?? attempt(() => localStorage.getItem(PREFIX + key)) ?? null
    );
  },
  setItem(key: string, value: string): void {
    const kept = RECORDS.includes(key) ? redactRecord(value) : redactSecrets(value);
    if (OF_TAB.includes(key)) writeTab(key, kept);
    const isStored = attempt(() => {
      localStorage.setItem(PREFIX + key, kept);
      return true;
    });
    if (isStored) unstored.delete(PREFIX + key);
    else keepInMemory(PREFIX + key, kept);
  },
  removeItem(key: string): void {
    unstored.delete(PREFIX + key);
    if (OF_TAB.includes(key)) attempt(() => sessionStorage.removeItem(PREFIX + key));
    attempt(() => localStorage.removeItem(PREFIX + key));
  },
  clear(): void {
    for (const key of keys()) storage.removeItem(key.slice(PREFIX.length));
  },
};

function readTab(key: string): string | undefined {
  return OF_TAB.includes(key)
    ? (attempt(() => sessionStorage.getItem(PREFIX + key)) ?? undefined)
    : undefined;
}

function writeTab(key: string, value: string): void {
  const isStored = attempt(() => {
    sessionStorage.setItem(PREFIX + key, value);
    return true;
  });
  // An older text must not come back after a reload.
  if (!isStored) attempt(() => sessionStorage.removeItem(PREFIX + key));
}

/** Storage may be full, or forbidden for this page. */
function keepInMemory(key: string, value: string): void {
  unstored.set(key, value);
  // The older value must not come back after a reload.
  attempt(() => localStorage.removeItem(key));
  if (hasTold) return;
  hasTold = true;
  showNotice(NOT_STORED);
}

function attempt<Result>(task: () => Result): Result | undefined {
  try {
    return task();
  } catch {
    return undefined;
  }
}
