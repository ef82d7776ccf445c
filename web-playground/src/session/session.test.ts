import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const user = { id: 'u1', name: 'Bob', role: 'STUDENT' };
const stored = new Map<string, string>();

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetModules();
  stored.clear();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function inMinutes(minutes: number) {
  return new Date(Date.now() + minutes * 60_000).toISOString();
}

function answerWith(body: unknown) {
  vi.stubGlobal('fetch', async () => Response.json(body));
}

function answerWithSession() {
  const session = { accessToken: 'token', expiresAt: inMinutes(15), refreshToken: 'refresh' };
  answerWith({ data: { login: { session, user, userErrors: [] } } });
}

test('who signs in is signed in, and still is after a reload', async () => {
  answerWithSession();
  const first = await import('./session');
  await first.signIn('bob@example.com', 'password');
  vi.resetModules();

  const reloaded = await import('./session');

  expect(first.accessToken()).toBe('token');
  expect(reloaded.useSession.getState().session?.user).toEqual(user);
  expect([...stored.values()].join()).not.toContain('password');
});

test('a refusal is told in the words of the server', async () => {
  const userErrors = [{ message: 'The password is wrong.' }];
  answerWith({ data: { login: { session: null, user: null, userErrors } } });
  const { signIn, accessToken } = await import('./session');

  await expect(signIn('bob@example.com', 'wrong')).rejects.toThrow('The password is wrong.');
  expect(accessToken()).toBeUndefined();
});

test('an error of the whole request is told, too', async () => {
  answerWith({ errors: [{ message: 'Too many tries.' }] });
  const { signIn } = await import('./session');

  await expect(signIn('bob@example.com', 'password')).rejects.toThrow('Too many tries.');
});

test('a session ends when its token does', async () => {
  answerWithSession();
  const { signIn, useSession } = await import('./session');
  await signIn('bob@example.com', 'password');

  vi.advanceTimersByTime(15 * 60_000);

  expect(useSession.getState().session).toBeNull();
  expect(useSession.getState().notice).toContain('ended');
  expect(stored.size).toBe(0);
});

test('an ended session is not restored', async () => {
  stored.set('lyceum:session', JSON.stringify({ accessToken: 'old', expiresAt: inMinutes(-1), user }));

  const { accessToken } = await import('./session');

  expect(accessToken()).toBeUndefined();
  expect(stored.size).toBe(0);
});

test.each(['{broken', '{}', '"text"', '{"accessToken":"token","expiresAt":"2999-01-01T00:00:00Z"}'])(
  'a stored session that is none signs nobody in: %s',
  async (text) => {
    stored.set('lyceum:session', text);

    const { accessToken } = await import('./session');

    expect(accessToken()).toBeUndefined();
  },
);

test('the end of an older token does not end the session of a newer one', async () => {
  answerWithSession();
  const { signIn, endSession, accessToken } = await import('./session');
  await signIn('bob@example.com', 'password');

  endSession('older', 'ended');

  expect(accessToken()).toBe('token');
});
