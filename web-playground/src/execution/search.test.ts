import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Search } from './search';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const settle = () => vi.advanceTimersByTimeAsync(0);

test('it asks when it is woken, until there is an event', async () => {
  const answers = [[], ['b', 'a']];
  const ask = vi.fn(() => Promise.resolve(answers.shift()));
  const found = vi.fn();
  const search = new Search<string>(ask, found);

  expect(ask).not.toHaveBeenCalled();
  search.wake();
  await settle();
  expect(found).not.toHaveBeenCalled();
  search.wake();
  await settle();
  expect(found).toHaveBeenCalledExactlyOnceWith(['b', 'a']);
  search.wake();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(ask).toHaveBeenCalledTimes(2);
});

test('it asks again for what came while it asked', async () => {
  const answers: ((events: string[]) => void)[] = [];
  const ask = vi.fn(() => new Promise<string[]>((resolve) => answers.push(resolve)));
  const found = vi.fn();
  const search = new Search<string>(ask, found);

  search.wake();
  search.wake();
  expect(ask).toHaveBeenCalledTimes(1);
  answers[0]?.([]);
  await settle();
  expect(ask).toHaveBeenCalledTimes(2);
  answers[1]?.(['a']);
  await settle();
  expect(found).toHaveBeenCalledExactlyOnceWith(['a']);
});

test('it asks by itself at growing intervals, after a failure, too, until it is stopped', async () => {
  const ask = vi.fn(() => Promise.reject(new Error('unreachable')));
  const search = new Search<string>(ask, () => {});

  search.wake();
  await vi.advanceTimersByTimeAsync(7_500);
  // At once, and after 1, 2 and 4 seconds more.
  expect(ask).toHaveBeenCalledTimes(4);
  await vi.advanceTimersByTimeAsync(3_600_000);
  const asked = ask.mock.calls.length;
  expect(asked).toBeLessThan(70);
  search.stop();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(ask).toHaveBeenCalledTimes(asked);
});
