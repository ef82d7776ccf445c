import { expect, test, vi } from 'vitest';

// What runs an operation needs a page.
vi.mock('./actions', () => ({ runOperationAt: () => {} }));
const { severalOperations } = await import('./run-buttons');

test('each operation of a document with several has its line', () => {
  const document = 'query A { me { id } }\n\nfragment F on User { id }\n# B\nmutation B { logout }';
  expect(severalOperations(document)).toEqual([
    { name: 'A', line: 1 },
    { name: 'B', line: 5 },
  ]);
});

test('one operation, none, or half a one', () => {
  expect(severalOperations('query A { me { id } }')).toEqual([]);
  expect(severalOperations('{ me { id } }')).toEqual([]);
  expect(severalOperations('')).toEqual([]);
  expect(severalOperations('query A { me { id } } query B {')).toBeUndefined();
});
