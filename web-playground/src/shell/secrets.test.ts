import { expect, test } from 'vitest';
import { recordWithoutSecrets, withoutSecrets } from './secrets';

test('a password in a document is left out', () => {
  expect(
    withoutSecrets('mutation { login(input: { email: "a@b.c", password: "pa\\"ss" }) { user { id } } }'),
  ).toBe('mutation { login(input: { email: "a@b.c", password: "" }) { user { id } } }');
});

test('a password in a block string, or given to a variable, is left out', () => {
  expect(withoutSecrets('{ login(password: """hunter"2""", name: "n") }')).toBe(
    '{ login(password: "", name: "n") }',
  );
  expect(withoutSecrets('query ($password: String! = "hunter3", $name: String = "n") { a }')).toBe(
    'query ($password: String! = "", $name: String = "n") { a }',
  );
});

test('a token in variables is left out', () => {
  expect(withoutSecrets('{ "input": { "refreshToken": "abc", "first": 3 } }')).toBe(
    '{ "input": { "refreshToken": "", "first": 3 } }',
  );
});

test('fields and variables of such names stay', () => {
  const document = 'query($token: ID) { session { accessToken refreshToken } }';
  expect(withoutSecrets(document)).toBe(document);
});

test('in a record of the history, neither headers nor tokens are left', () => {
  const record = JSON.stringify({
    queries: [
      {
        query: '{ me { id } }',
        variables: '{"refreshToken":"abc"}',
        headers: '{"authorization":"Bearer xyz"}',
      },
    ],
  });

  const kept = recordWithoutSecrets(record);

  expect(kept).not.toContain('abc');
  expect(kept).not.toContain('xyz');
  expect(JSON.parse(kept).queries[0].query).toBe('{ me { id } }');
});

test('what is no record is treated as text', () => {
  expect(recordWithoutSecrets('{ login(password: "x") }')).toBe('{ login(password: "") }');
});
