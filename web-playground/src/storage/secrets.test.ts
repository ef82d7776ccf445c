import { expect, test } from 'vitest';
import { redactRecord, redactSecrets } from './secrets';

test('a password in a document is removed', () => {
  expect(
    redactSecrets('mutation { login(input: { email: "a@b.c", password: "pa\\"ss" }) { user { id } } }'),
  ).toBe('mutation { login(input: { email: "a@b.c", password: "" }) { user { id } } }');
});

test('a password in a block string, or a default of a variable, is removed', () => {
  expect(redactSecrets('{ login(password: """hunter"2""", name: "n") }')).toBe(
    '{ login(password: "", name: "n") }',
  );
  expect(redactSecrets('query ($password: String! = "hunter3", $name: String = "n") { a }')).toBe(
    'query ($password: String! = "", $name: String = "n") { a }',
  );
});

test('a token in variables is removed', () => {
  expect(redactSecrets('{ "input": { "refreshToken": "abc", "first": 3 } }')).toBe(
    '{ "input": { "refreshToken": "", "first": 3 } }',
  );
});

test('a code of a second factor is removed', () => {
  expect(redactSecrets('{ "input": { "email": "a@b.c", "secondFactorCode": "123456" } }')).toBe(
    '{ "input": { "email": "a@b.c", "secondFactorCode": "" } }',
  );
});

test('fields and variables with such names are kept', () => {
  const document = 'query($token: ID) { session { accessToken refreshToken } }';
  expect(redactSecrets(document)).toBe(document);
});

test('headers and tokens are removed from the history', () => {
  const record = JSON.stringify({
    queries: [
      {
        query: '{ me { id } }',
        variables: '{"refreshToken":"abc"}',
        headers: '{"authorization":"Bearer xyz"}',
      },
    ],
  });

  const kept = redactRecord(record);

  expect(kept).not.toContain('abc');
  expect(kept).not.toContain('xyz');
  expect(JSON.parse(kept).queries[0].query).toBe('{ me { id } }');
});

test('an invalid record is treated as text', () => {
  expect(redactRecord('{ login(password: "x") }')).toBe('{ login(password: "") }');
});
