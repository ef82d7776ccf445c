import { expect, test } from 'vitest';
import { milliseconds, readCost } from './cost';

test('a cost is formatted with two significant digits', () => {
  expect([0, 0.0312, 0.25, 1.28, 9.96, 12.4, 4_000, 60_000.9].map(milliseconds)).toEqual([
    '0 ms',
    '0.031 ms',
    '0.25 ms',
    '1.3 ms',
    '10 ms',
    '12 ms',
    '4,000 ms',
    '60,001 ms',
  ]);
});

test('a missing limit, and a cost that was not executed, are null', () => {
  expect(readCost({ estimated: 1.5, actual: null, limit: null })).toEqual({
    estimated: 1.5,
    actual: null,
    limit: null,
    remaining: null,
  });
});

test('a response without a cost has none', () => {
  expect([undefined, null, 3, {}, { estimated: '3' }].map(readCost)).toEqual(Array(5).fill(undefined));
});
