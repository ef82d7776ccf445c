import { expect, test } from 'vitest';
import { problemsOf } from './answers';

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
