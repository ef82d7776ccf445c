import { expect, test } from 'vitest';
import { issuedSession } from './issued-session';

const tokens = { accessToken: 'a', refreshToken: 'r', expiresAt: '2030-01-01T00:00:00Z' };
const user = { id: '1', name: 'Ada', role: 'STUDENT' };

test('a session that a mutation has issued is found, whatever its alias', () => {
  expect(issuedSession({ mine: { session: tokens, user } })).toEqual({ tokens, user });
});

test.each([
  ['nothing', null],
  ['a rejected sign-in', { login: { session: null, user: null } }],
  ['a session without its refresh token', { login: { session: { accessToken: 'a' }, user } }],
  ['a session without its user', { login: { session: tokens } }],
  ['a list', { courses: [{ session: tokens }] }],
])('%s has none that the page could use', (_what, data) => {
  expect(issuedSession(data)).toBeUndefined();
});
