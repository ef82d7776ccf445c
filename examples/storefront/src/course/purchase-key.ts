import { randomKey } from '../client/random-key';

/**
 * The idempotency key of a purchase. It is kept until the purchase is decided, so that a double click, a lost answer
 * or a reloaded page repeats the same purchase and charges nobody twice.
 */
const PREFIX = 'lyceum-store:purchase:';

export function purchaseKey(userId: string, courseId: string): string {
  const name = `${PREFIX}${userId}:${courseId}`;
  const known = localStorage.getItem(name);
  if (known) return known;
  const key = randomKey();
  localStorage.setItem(name, key);
  return key;
}

/** The purchase was completed or declined: another one is a new one. */
export function purchaseDecided(userId: string, courseId: string): void {
  localStorage.removeItem(`${PREFIX}${userId}:${courseId}`);
}
