import { describe, expect, test, vi } from 'vitest';
import { missed, type Position, positionOf, search } from './catch-up';

const event = (id: string, second: number) => ({
  data: { notificationAdded: { id, createdAt: `2026-01-01T00:00:0${second}.5+00:00` } },
});
const at = (id: string, second: number) => positionOf(event(id, second)) as Position;
const ids = (events: Parameters<typeof positionOf>[0][]) => events.map((one) => positionOf(one)?.id);

describe('what a stream has missed', () => {
  const latest = [event('d', 4), event('c', 3), event('b', 2), event('a', 1)];

  test('is all that there is when there was nothing, the oldest first', () => {
    expect(ids(missed(latest, undefined, new Set()))).toEqual(['a', 'b', 'c', 'd']);
    expect(missed([], undefined, new Set())).toEqual([]);
  });

  test('is what came after the last one, though that was deleted', () => {
    expect(ids(missed(latest, at('b', 2), new Set()))).toEqual(['c', 'd']);
    expect(ids(missed(latest, at('deleted', 2), new Set()))).toEqual(['b', 'c', 'd']);
    expect(missed(latest, at('deleted', 5), new Set())).toEqual([]);
  });

  test('is nothing that was seen, of the same moment, too', () => {
    expect(ids(missed(latest, at('deleted', 2), new Set(['b', 'd'])))).toEqual(['c']);
  });

  test('is not what has no id or time', () => {
    expect(
      missed([{ data: null }, { data: { notificationAdded: { id: 'a' } } }], undefined, new Set()),
    ).toEqual([]);
  });
});

describe('the search for an event to resume after', () => {
  test('asks when it is woken, and hands over what there is', async () => {
    const answers = [[], ['b', 'a']];
    const found = vi.fn();
    const latest = vi.fn(() => Promise.resolve(answers.shift()));
    const { wake } = search<string>(latest, found);

    wake();
    await vi.waitFor(() => expect(latest).toHaveBeenCalledTimes(1));
    expect(found).not.toHaveBeenCalled();
    await Promise.resolve();
    wake();
    await vi.waitFor(() => expect(found).toHaveBeenCalledWith(['b', 'a']));
    wake();
    expect(latest).toHaveBeenCalledTimes(2);
  });

  test('asks again for what came while it was asked', async () => {
    let answer: (events: string[]) => void = () => {};
    const latest = vi.fn(
      () =>
        new Promise<string[]>((resolve) => {
          answer = resolve;
        }),
    );
    const found = vi.fn();
    const { wake } = search<string>(latest, found);

    wake();
    wake();
    expect(latest).toHaveBeenCalledTimes(1);
    answer([]);
    await vi.waitFor(() => expect(latest).toHaveBeenCalledTimes(2));
    answer(['a']);
    await vi.waitFor(() => expect(found).toHaveBeenCalledWith(['a']));
  });

  test('asks by itself, less and less often, after a failure, too, until it is stopped', async () => {
    vi.useFakeTimers();
    try {
      const latest = vi.fn(() => Promise.reject(new Error('unreachable')));
      const { wake, stop } = search<string>(latest, () => {});
      wake();
      await vi.advanceTimersByTimeAsync(7_500);
      // At once, and after 1, 2 and 4 seconds more.
      expect(latest).toHaveBeenCalledTimes(4);
      await vi.advanceTimersByTimeAsync(3_600_000);
      const asked = latest.mock.calls.length;
      expect(asked).toBeLessThan(70);
      stop();
      await vi.advanceTimersByTimeAsync(3_600_000);
      expect(latest).toHaveBeenCalledTimes(asked);
    } finally {
      vi.useRealTimers();
    }
  });
});
