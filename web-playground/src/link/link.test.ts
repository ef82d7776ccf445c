import { expect, test } from 'vitest';
import { linkTo, readLink } from './link';

const page = 'http://localhost:4000/';
const fragment = (link: string) => link.slice(link.indexOf('#'));

test('an operation survives a round trip', () => {
  const operation = { query: 'query Ü { me { name } } # 学', variables: '{\n  "first": 3\n}' };

  expect(readLink(fragment(linkTo(operation, `${page}#error=FORBIDDEN`)))).toEqual(operation);
});

test('passwords and tokens are removed', () => {
  const link = linkTo(
    { query: '{ login(password: "hunter2") }', variables: '{ "refreshToken": "abc" }' },
    page,
  );

  expect(readLink(fragment(link))).toEqual({
    query: '{ login(password: "") }',
    variables: '{ "refreshToken": "" }',
  });
});

test('no fragment, or another one, has no operation', () => {
  expect(readLink('')).toBeUndefined();
  expect(readLink('#error=FORBIDDEN')).toBeUndefined();
});

test.each([
  '#operation=',
  '#operation=%%%',
  '#operation=e30',
  '#operation=WyJhIl0',
  '#operation=WyJhIiwx',
  '#operation=_w',
])('a broken link is named as such: %s', (broken) => {
  expect(() => readLink(broken)).toThrow('This link');
});
