/**
 * Taking turns among tabs where there are no Web Locks: one writes its name into `localStorage`, waits until
 * every other one would have seen it, and begins if its name still stands there.
 */

/** Longer than it takes until another tab sees what was written. */
const SETTLE_MS = 60;
/** Whoever holds the turn longer than this has gone away in the middle of it. */
const LONGEST_MS = 15_000;

/** Does something while no other tab does what has the same name. */
export async function inTurn<Result>(name: string, what: () => Promise<Result>): Promise<Result> {
  const me = Math.random().toString(36).slice(2);
  await take(name, me);
  try {
    return await what();
  } finally {
    if (holder(name) === me) localStorage.removeItem(name);
  }
}

async function take(name: string, me: string): Promise<void> {
  while (holder(name) !== me) {
    if (holder(name) === undefined) localStorage.setItem(name, JSON.stringify({ by: me, at: Date.now() }));
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }
}

/** Who has the turn at present. */
function holder(name: string): string | undefined {
  try {
    const { by, at } = JSON.parse(localStorage.getItem(name) ?? '{}') as { by?: string; at?: number };
    const age = Date.now() - Number(at);
    return age >= 0 && age < LONGEST_MS ? by : undefined;
  } catch {
    // Not ours: nobody has it.
    return undefined;
  }
}
