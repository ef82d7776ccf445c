import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const user = { id: 'u1', name: 'Bob', role: 'STUDENT' };
const stored = new Map<string, string>();

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetModules();
  stored.clear();
  vi.stubGlobal('sessionStorage', storageIn(stored));
  vi.stubGlobal('navigator', { locks: new Locks() });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function storageIn(map: Map<string, string>) {
  return {
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => map.set(key, value),
    removeItem: (key: string) => map.delete(key),
  };
}

function inMinutes(minutes: number) {
  return new Date(Date.now() + minutes * 60_000).toISOString();
}

/** Responds to each request by its field, and counts the requests. */
function lastResponse(answers: Record<string, unknown>) {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
    const { query } = JSON.parse(String(init.body)) as { query: string };
    const name = Object.keys(answers).find((candidate) => query.includes(candidate));
    if (!name) throw new TypeError('no such answer');
    asked.push(name);
    return Response.json({ data: { [name]: answers[name] } });
  });
  return asked;
}

function session(name: string, minutes = 15) {
  return { accessToken: name, expiresAt: inMinutes(minutes), refreshToken: `${name}-refresh` };
}

const login = (name = 'token') => ({ session: session(name), user, userErrors: [] });

async function signedIn(answers: Record<string, unknown> = {}) {
  const asked = lastResponse({ login: login(), ...answers });
  const module = await import('./session');
  await module.signIn('bob@example.com', 'password');
  return { ...module, asked };
}

test('a sign-in survives a reload', async () => {
  const first = await signedIn();
  vi.resetModules();

  const reloaded = await import('./session');

  expect(first.accessToken()).toBe('token');
  expect(reloaded.useSession.getState().session?.user).toEqual(user);
  expect([...stored.values()].join()).not.toContain('password');
});

test('a rejected sign-in has the message of the server', async () => {
  lastResponse({ login: { session: null, user: null, userErrors: [{ message: 'The password is wrong.' }] } });
  const { signIn, accessToken } = await import('./session');

  await expect(signIn('bob@example.com', 'wrong')).rejects.toThrow('The password is wrong.');
  expect(accessToken()).toBeUndefined();
});

test('an account with a second factor needs a code, which is sent with the password', async () => {
  const required = { code: 'SECOND_FACTOR_REQUIRED', message: 'Send a code, too.' };
  lastResponse({ login: { session: null, user: null, userErrors: [required] } });
  const { signIn, accessToken, SecondFactorRequired } = await import('./session');
  await expect(signIn('bob@example.com', 'password')).rejects.toBeInstanceOf(SecondFactorRequired);

  let sent: unknown;
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
    sent = JSON.parse(String(init.body)).variables;
    return Response.json({ data: { login: login() } });
  });
  await signIn('bob@example.com', 'password', '123456');

  expect(sent).toEqual({
    input: { email: 'bob@example.com', password: 'password', secondFactorCode: '123456' },
  });
  expect(accessToken()).toBe('token');
});

test('a request error has its message, too', async () => {
  vi.stubGlobal('fetch', async () => Response.json({ errors: [{ message: 'Too many tries.' }] }));
  const { signIn } = await import('./session');

  await expect(signIn('bob@example.com', 'password')).rejects.toThrow('Too many tries.');
});

test('a session is renewed before its token expires', async () => {
  const { asked, accessToken, useSession } = await signedIn({
    refreshSession: { session: session('second', 30) },
  });

  await vi.advanceTimersByTimeAsync(13 * 60_000);
  expect(asked).toEqual(['login']);
  await vi.advanceTimersByTimeAsync(60_000);

  expect(asked).toEqual(['login', 'refreshSession']);
  expect(accessToken()).toBe('second');
  expect(useSession.getState().session?.user).toEqual(user);
  expect(stored.get('lyceum:session')).toContain('second-refresh');
});

test('by a clock that is ahead, tokens are renewed again and again, but not without end', async () => {
  const { asked, accessToken } = await signedIn({ refreshSession: { session: session('second', -5) } });
  await vi.advanceTimersByTimeAsync(14 * 60_000);
  const before = asked.length;

  await vi.advanceTimersByTimeAsync(10_000);

  expect(accessToken()).toBe('second');
  expect(asked.length - before).toBeGreaterThan(0);
  expect(asked.length - before).toBeLessThanOrEqual(10);
});

test('a session that cannot be renewed ends, with a notice', async () => {
  const { useSession } = await signedIn({ refreshSession: { session: null } });

  await vi.advanceTimersByTimeAsync(14 * 60_000);

  expect(useSession.getState().session).toBeNull();
  expect(useSession.getState().notice).toContain('ended');
  expect(stored.size).toBe(0);
});

test('an unreachable server does not end a session: the refresh is retried', async () => {
  const { accessToken } = await signedIn();
  await vi.advanceTimersByTimeAsync(16 * 60_000);
  expect(accessToken()).toBe('token');

  lastResponse({ refreshSession: { session: session('second', 30) } });
  await vi.advanceTimersByTimeAsync(5_000);

  expect(accessToken()).toBe('second');
});

test('tokens that arrive after signing out are revoked, too', async () => {
  const { renewToken, signOut, accessToken } = await signedIn();
  const revoked: string[] = [];
  let renewed: (response: Response) => void = () => {};
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => {
    const { query, variables } = JSON.parse(String(init.body));
    if (query.includes('refreshSession')) return new Promise((resolve) => (renewed = resolve));
    revoked.push(variables.input.refreshToken);
    return Promise.resolve(Response.json({ data: { logout: { userErrors: [] } } }));
  });

  const renewal = renewToken('token');
  await vi.advanceTimersByTimeAsync(0);
  signOut();
  renewed(Response.json({ data: { refreshSession: { session: session('late') } } }));
  await renewal;

  expect(revoked).toEqual(['token-refresh', 'late-refresh']);
  expect(accessToken()).toBeUndefined();
  expect(stored.size).toBe(0);
});

test('concurrent callers share one refresh', async () => {
  const { asked, renewToken } = await signedIn({ refreshSession: { session: session('second', 30) } });

  expect(await Promise.all([renewToken('token'), renewToken('token')])).toEqual(['second', 'second']);
  expect(await renewToken('token')).toBe('second');
  expect(asked).toEqual(['login', 'refreshSession']);
});

test('an expired token is not used', async () => {
  stored.set('lyceum:session', JSON.stringify({ ...session('old', -1), user }));
  lastResponse({ refreshSession: { session: session('second', 30) } });

  const { validToken } = await import('./session');

  expect(await validToken()).toBe('second');
});

test('the user stays signed in while the server is unreachable', async () => {
  stored.set('lyceum:session', JSON.stringify({ ...session('old', -1), user }));
  lastResponse({});

  const { validToken } = await import('./session');

  expect(await validToken()).toBe('old');
});

test('signing out revokes the session on the server', async () => {
  const { asked, signOut, accessToken } = await signedIn({ logout: { userErrors: [] } });

  signOut();

  expect(accessToken()).toBeUndefined();
  expect(stored.size).toBe(0);
  expect(asked).toEqual(['login', 'logout']);
});

describe.each([
  ['with Web Locks', () => ({ locks: new Locks() })],
  ['where there are no Web Locks', () => ({})],
])('in two tabs, of which one was opened from the other, %s', (_where, navigator) => {
  const shared = new Map<string, string>();

  /** Only in this test, the tabs share one storage. It does not matter, since each reads it when it opens. */
  async function twoTabs(answers: Record<string, unknown>) {
    vi.useRealTimers();
    vi.stubGlobal('navigator', navigator());
    vi.stubGlobal('localStorage', storageIn(shared));
    const first = await signedIn(answers);
    vi.resetModules();
    const second = await import('./session');
    return { first, second, asked: first.asked };
  }

  test('one tab refreshes the session for both', async () => {
    const { first, second, asked } = await twoTabs({ refreshSession: { session: session('second', 30) } });

    expect(await Promise.all([first.renewToken('token'), second.renewToken('token')])).toEqual([
      'second',
      'second',
    ]);

    expect([first.accessToken(), second.accessToken()]).toEqual(['second', 'second']);
    expect(asked).toEqual(['login', 'refreshSession']);
    expect([...shared.values()]).toEqual([]);
  });

  test('a suspended tab requests the newest token before it refreshes', async () => {
    const { first, second, asked } = await twoTabs({ refreshSession: { session: session('second', 30) } });
    await first.renewToken('token');
    const slept = second.useSession.getState().session;
    if (!slept) throw new Error('the second tab is signed in');
    second.useSession.setState({ session: { ...slept, ...session('token'), renewals: 0 } });

    expect(await second.renewToken('token')).toBe('second');
    expect(asked).toEqual(['login', 'refreshSession']);
  });

  test('signing in as another user in one tab does not sign the other one out', async () => {
    const { first, second, asked } = await twoTabs({ logout: { userErrors: [] } });

    await second.signIn('alice@example.com', 'password');

    expect(first.accessToken()).toBe('token');
    expect(asked).toEqual(['login', 'login']);
  });

  test('signing out in one tab signs out both', async () => {
    const { first, second } = await twoTabs({ logout: { userErrors: [] } });

    second.signOut();

    await vi.waitFor(() => expect(first.accessToken()).toBeUndefined());
    expect(first.useSession.getState().notice).toContain('another tab');
  });
});

/** A fake of the browser's `LockManager`, as far as it is used. */
class Locks {
  readonly #held: { name: string }[] = [];
  readonly #queues = new Map<string, Promise<unknown>>();

  request(name: string, ...rest: unknown[]): Promise<unknown> {
    const what = rest.at(-1) as () => Promise<unknown>;
    if (rest.length > 1) return this.#hold(name, what);
    const turn = (this.#queues.get(name) ?? Promise.resolve()).then(() => this.#hold(name, what));
    this.#queues.set(
      name,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async query() {
    return { held: [...this.#held] };
  }

  async #hold(name: string, what: () => Promise<unknown>): Promise<unknown> {
    const lock = { name };
    this.#held.push(lock);
    try {
      return await what();
    } finally {
      this.#held.splice(this.#held.indexOf(lock), 1);
    }
  }
}

test('a refresh that completes after another user has signed in changes nothing', async () => {
  const { renewToken, signIn, accessToken } = await signedIn({
    refreshSession: { session: session('second', 30) },
  });
  lastResponse({ refreshSession: { session: session('second', 30) }, login: login('other'), logout: {} });

  const renewal = renewToken('token');
  await Promise.all([renewal, signIn('eve@example.com', 'password')]);
  await vi.advanceTimersByTimeAsync(0);

  expect(accessToken()).toBe('other');
});

test.each([
  '{broken',
  '{}',
  '"text"',
  '{"accessToken":"token","expiresAt":"2999-01-01T00:00:00Z"}',
  '{"accessToken":"token","refreshToken":"r","expiresAt":"soon","user":{"name":"Bob"}}',
])('a stored session that is none signs nobody in: %s', async (text) => {
  stored.set('lyceum:session', text);

  const { accessToken } = await import('./session');

  expect(accessToken()).toBeUndefined();
});
