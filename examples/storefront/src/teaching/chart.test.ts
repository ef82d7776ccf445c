import { expect, test } from 'vitest';
import { roundedUp } from './chart';

test('a scale ends with a round number above all bars', () => {
  expect([0, 9, 10, 11, 64, 100, 101, 5_601, 90_001].map(roundedUp)).toEqual([
    10, 10, 10, 20, 80, 100, 200, 6_000, 100_000,
  ]);
});
