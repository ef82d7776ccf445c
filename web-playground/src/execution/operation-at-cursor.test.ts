import { expect, test } from 'vitest';
import { operationAt } from './operation-at-cursor';

const DOCUMENT = '# first\nquery First { a }\n\nmutation Second { b }\n\nfragment F on T { c }';
const at = (text: string) => operationAt(DOCUMENT, DOCUMENT.indexOf(text))?.name;

test('the operation around the cursor is found', () => {
  expect(at('a }')).toBe('First');
  expect(at('b }')).toBe('Second');
  expect(operationAt(DOCUMENT, DOCUMENT.indexOf('b }'))?.kind).toBe('mutation');
});

test('between operations it is the one above, and before all of them the first', () => {
  expect(at('\n\nmutation')).toBe('First');
  expect(at('fragment')).toBe('Second');
  expect(at('# first')).toBe('First');
});

test.each(['', '{', 'fragment F on T { c }'])('%o has no operation', (document) => {
  expect(operationAt(document, 0)).toBeUndefined();
});

test('an operation without a name is found, too', () => {
  expect(operationAt('{ a }', 0)).toEqual({ name: undefined, kind: 'query' });
});
