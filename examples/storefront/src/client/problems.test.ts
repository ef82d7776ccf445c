import { CombinedError } from '@urql/core';
import { expect, test } from 'vitest';
import { ofError, ofUserErrors } from './problems';

function graphQLError(code: string, extensions: object = {}, message = 'internal details') {
  return new CombinedError({ graphQLErrors: [{ message, extensions: { code, ...extensions } }] });
}

test('a refusal is said in words, at its field', () => {
  expect(ofUserErrors([{ code: 'EMAIL_TAKEN', message: 'taken', field: ['input', 'email'] }])).toEqual([
    {
      code: 'EMAIL_TAKEN',
      text: 'There is an account with this e-mail address already. Do you want to sign in?',
      field: 'email',
    },
  ]);
});

test('what only the server knows is said as it says it', () => {
  const [problem] = ofUserErrors([
    { code: 'INVALID_INPUT', message: 'the password is too common', field: [] },
  ]);
  expect(problem).toEqual({ code: 'INVALID_INPUT', text: 'The password is too common.' });
});

test('a limit says how long to wait', () => {
  expect(ofError(graphQLError('RATE_LIMITED', { retryAfter: 30 })).text).toContain('in 30 seconds');
  expect(ofError(graphQLError('RATE_LIMITED', { retryAfter: 300 })).text).toContain('in 5 minutes');
  expect(ofError(graphQLError('RATE_LIMITED')).text).toContain('in a moment');
});

test('an error of the server shows nothing of its insides', () => {
  for (const code of ['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE', 'A_NEW_CODE'])
    expect(ofError(graphQLError(code)).text).not.toContain('internal details');
});

test('no answer is a network that is away', () => {
  const error = ofError(new CombinedError({ networkError: new Error('Failed to fetch') }));
  expect(error).toEqual({
    code: 'NETWORK',
    text: 'We cannot reach the server. Check your connection, then try again.',
  });
});
