/** `extensions.cost`, in milliseconds. */
export interface Cost {
  estimated: number;
  /** Null when nothing was executed. */
  actual: number | null;
  /** The limit for one operation; null without one. */
  limit: number | null;
  /** The remaining budget; null without one. */
  remaining: number | null;
}

const NUMBERS = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const SMALL_NUMBERS = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });

export function readCost(extension: unknown): Cost | undefined {
  if (typeof extension !== 'object' || extension === null) return undefined;
  const { estimated, actual, limit, remaining } = extension as Record<string, unknown>;
  if (typeof estimated !== 'number') return undefined;
  return { estimated, actual: numberOf(actual), limit: numberOf(limit), remaining: numberOf(remaining) };
}

/** Such as `0.25 ms`, `12 ms`, `4,000 ms`. */
export function milliseconds(cost: number): string {
  return `${(cost < 10 ? SMALL_NUMBERS : NUMBERS).format(cost)} ms`;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
