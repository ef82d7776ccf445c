/**
 * A mutex across tabs for browsers without Web Locks: a tab writes its id into `localStorage`, waits until every
 * other tab would have seen it, and holds the lock if its id is still there.
 */

/** Longer than it takes for a write to be visible in other tabs. */
const PROPAGATION_MS = 60;
/** A lock held for longer than this belonged to a tab that was closed. */
const LOCK_EXPIRY_MS = 15_000;

/** Runs a task while no other tab holds the lock of this name. */
export async function withLock<Result>(name: string, task: () => Promise<Result>): Promise<Result> {
  const owner = Math.random().toString(36).slice(2);
  await acquire(name, owner);
  try {
    return await task();
  } finally {
    if (holder(name) === owner) localStorage.removeItem(name);
  }
}

async function acquire(name: string, owner: string): Promise<void> {
  while (holder(name) !== owner) {
    // Where nothing can be stored, there is no session that tabs could share either.
    if (holder(name) === undefined && !claim(name, owner)) return;
    await new Promise((resolve) => setTimeout(resolve, PROPAGATION_MS));
  }
}

function claim(name: string, owner: string): boolean {
  try {
    localStorage.setItem(name, JSON.stringify({ by: owner, at: Date.now() }));
    return true;
  } catch {
    return false;
  }
}

/** The id of the tab that holds the lock. */
function holder(name: string): string | undefined {
  try {
    const { by, at } = JSON.parse(localStorage.getItem(name) ?? '{}') as { by?: string; at?: number };
    const age = Date.now() - Number(at);
    return age >= 0 && age < LOCK_EXPIRY_MS ? by : undefined;
  } catch {
    // Written by something else, or storage is forbidden: the lock is free.
    return undefined;
  }
}
