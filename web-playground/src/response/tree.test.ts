import { expect, test } from 'vitest';
import { findPaths, summarize } from './tree';

const DATA = { courses: { nodes: [{ title: 'Rust' }, { title: 'Rusty pipes' }] }, me: null };

test('names and values are found, with what has to be unfolded to see them', () => {
  const { matches, ancestors } = findPaths(DATA, 'rusty');

  expect([...matches]).toEqual(['/courses/nodes/1/title']);
  expect([...ancestors].sort()).toEqual(['', '/courses', '/courses/nodes', '/courses/nodes/1']);
  expect(findPaths(DATA, 'TITLE').matches.size).toBe(2);
  expect(findPaths(DATA, ' ').matches.size).toBe(0);
});

test('a search that finds very much ends early', () => {
  const { matches, isCut } = findPaths({ list: Array.from({ length: 5_000 }, () => 'x') }, 'x');

  expect(matches.size).toBe(200);
  expect(isCut).toBe(true);
});

test('what is folded says what is in it', () => {
  expect(summarize([1])).toBe('1 item');
  expect(summarize({ a: 1, b: 2, c: 3, d: 4, e: 5 })).toBe('{ a, b, c, d, … }');
});
