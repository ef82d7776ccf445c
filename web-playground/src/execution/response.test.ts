import { expect, test } from 'vitest';
import { displayedErrors, extractExtension } from './response';

test('an error is displayed with code, path, subgraph and location', () => {
  const response = {
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

  expect(displayedErrors(response)).toEqual([
    {
      code: 'FORBIDDEN',
      message: 'No.',
      path: 'me.payments.0',
      subgraph: 'payment',
      location: '2:5',
      note: 'try again in 5 s, in the log as r1',
    },
  ]);
});

test('the userErrors of a payload are displayed, too', () => {
  const userErrors = [{ code: 'INVALID_CREDENTIALS', message: 'No such account.', field: 'email' }];

  expect(displayedErrors({ data: { login: { session: null, userErrors } } })).toMatchObject([
    { code: 'INVALID_CREDENTIALS', message: 'No such account.', path: 'login.email' },
  ]);
});

test('a response without errors displays none', () => {
  expect(displayedErrors({ data: { me: { userErrors: null }, courses: null } })).toEqual([]);
  expect(displayedErrors({})).toEqual([]);
});

test.each([
  { data: { me: null }, extensions: { trace: { version: 1, sql: 'select "ü"' } } },
  { data: { me: null }, extensions: { trace: { version: 1 }, other: true } },
  { data: { me: null }, extensions: { cost: { estimated: 1.5 }, trace: { version: 1 } } },
])('a trace is extracted from a response, with its exact size: %o', (response) => {
  const size = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length;

  const { extension, rest, bytes } = extractExtension('trace', response);

  expect(extension).toEqual(response.extensions.trace);
  expect(JSON.stringify(rest)).not.toContain('trace');
  expect(size(response) - bytes).toBe(size(rest));
});

test('no empty extensions are left', () => {
  const response = { data: { me: null }, extensions: { cost: { estimated: 1.5 }, trace: { version: 1 } } };

  expect(extractExtension('cost', extractExtension('trace', response).rest).rest).toEqual({
    data: { me: null },
  });
});

test('a response without a trace is unchanged', () => {
  const response = { data: { me: null } };

  expect(extractExtension('trace', response)).toEqual({ extension: undefined, rest: response, bytes: 0 });
});
