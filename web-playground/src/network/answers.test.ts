import { expect, test } from 'vitest';
import { problemsOf, takeOut } from './answers';

test('an error is shown with code, path, subgraph and place', () => {
  const reply = {
    data: { me: null },
    errors: [
      {
        message: 'No.',
        path: ['me', 'payments', 0],
        locations: [{ line: 2, column: 5 }],
        extensions: { code: 'FORBIDDEN', service: 'payment', retryAfter: 5, requestId: 'r1' },
      },
    ],
  };

  expect(problemsOf(reply)).toEqual([
    {
      code: 'FORBIDDEN',
      message: 'No.',
      path: 'me.payments.0',
      subgraph: 'payment',
      place: '2:5',
      note: 'try again in 5 s, in the log as r1',
    },
  ]);
});

test('a refusal within a payload is a problem, too', () => {
  const userErrors = [{ code: 'INVALID_CREDENTIALS', message: 'No such account.', field: 'email' }];

  expect(problemsOf({ data: { login: { session: null, userErrors } } })).toMatchObject([
    { code: 'INVALID_CREDENTIALS', message: 'No such account.', path: 'login.email' },
  ]);
});

test('an answer without errors has no problems', () => {
  expect(problemsOf({ data: { me: { userErrors: null }, courses: null } })).toEqual([]);
  expect(problemsOf({})).toEqual([]);
});

test.each([
  { data: { me: null }, extensions: { trace: { version: 1, sql: 'select "ü"' } } },
  { data: { me: null }, extensions: { trace: { version: 1 }, other: true } },
  { data: { me: null }, extensions: { cost: { estimated: 1.5 }, trace: { version: 1 } } },
])('a trace is taken out of an answer, and counted to the byte: %o', (reply) => {
  const size = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length;

  const { extension, rest, bytes } = takeOut('trace', reply);

  expect(extension).toEqual(reply.extensions.trace);
  expect(JSON.stringify(rest)).not.toContain('trace');
  expect(size(reply) - bytes).toBe(size(rest));
});

test('nothing is left of extensions that were taken out', () => {
  const reply = { data: { me: null }, extensions: { cost: { estimated: 1.5 }, trace: { version: 1 } } };

  expect(takeOut('cost', takeOut('trace', reply).rest).rest).toEqual({ data: { me: null } });
});

test('an answer without a trace is as it came', () => {
  const reply = { data: { me: null } };

  expect(takeOut('trace', reply)).toEqual({ extension: undefined, rest: reply, bytes: 0 });
});
