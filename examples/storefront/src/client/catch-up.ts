/** Which events a stream has missed, and how to find out: events of one kind that are in a list, too. */
import type { ExecutionResult } from '@urql/core';

export interface Position {
  id: string;
  createdAt: string;
}

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;

/** The id and the time of an event; undefined if it has none. */
export function positionOf(event: ExecutionResult | undefined): Position | undefined {
  const [data] = Object.values((event?.data ?? {}) as Record<string, Partial<Position> | null>);
  return data?.id && data.createdAt ? { id: data.id, createdAt: data.createdAt } : undefined;
}

/** Of the latest events, the newest first, those after `last` that were not seen, in the order in which they came. */
export function missed(
  latest: ExecutionResult[],
  last: Position | undefined,
  seen: ReadonlySet<string>,
): ExecutionResult[] {
  const since = last ? Date.parse(last.createdAt) : Number.NEGATIVE_INFINITY;
  const isMissed = (event: ExecutionResult) => {
    const position = positionOf(event);
    return (
      position &&
      position.id !== last?.id &&
      !seen.has(position.id) &&
      Date.parse(position.createdAt) >= since
    );
  };
  return latest.filter(isMissed).toReversed();
}

/**
 * Asks for the latest events until there are some: when it is woken, and by itself, less and less often, since a stream
 * does not say from when on it sends what is created.
 */
export function search<Event>(
  latest: () => Promise<Event[] | undefined>,
  onFound: (events: [Event, ...Event[]]) => void,
): { wake: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let delay = FIRST_DELAY_MS;
  let state: 'idle' | 'asking' | 'asking again' | 'over' = 'idle';

  function wake() {
    if (state === 'idle') void ask();
    else if (state === 'asking') state = 'asking again';
  }
  async function ask() {
    clearTimeout(timer);
    state = 'asking';
    const [newest, ...older] = (await latest().catch(() => undefined)) ?? [];
    if (isOver()) return;
    if (newest !== undefined) {
      stop();
      onFound([newest, ...older]);
      return;
    }
    // What woke it meanwhile may have come after the answer.
    if (isWokenAgain()) return ask();
    state = 'idle';
    timer = setTimeout(wake, delay);
    delay = Math.min(delay * 2, MAX_DELAY_MS);
  }
  // Changed while it was waited for the answer.
  const isOver = () => state === 'over';
  const isWokenAgain = () => state === 'asking again';
  function stop() {
    state = 'over';
    clearTimeout(timer);
  }
  return { wake, stop };
}
