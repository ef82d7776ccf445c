import { beforeEach, expect, test, vi } from 'vitest';

const session = (accessToken: string, minutes: number) => ({
  accessToken,
  refreshToken: `${accessToken}-refresh`,
  expiresAt: new Date(Date.now() + minutes * 60_000).toISOString(),
});
const stored = JSON.stringify({
  ...session('first', 15),
  user: { id: 'u1', name: 'Ada', role: 'STUDENT' },
  family: 'f',
  renewals: 0,
});

let sent: string[] = [];

/** The module, with a server that accepts only the second token. */
async function signedIn(text = stored) {
  vi.resetModules();
  vi.stubGlobal('sessionStorage', { getItem: () => text, setItem: () => {}, removeItem: () => {} });
  const request = (_name: string, ...rest: unknown[]) => (rest.at(-1) as () => unknown)();
  vi.stubGlobal('navigator', { locks: { request, query: async () => ({}) } });
  vi.stubGlobal('fetch', async (_url: string, { body, headers }: RequestInit) => {
    const token = new Headers(headers).get('authorization');
    const isRefresh = String(body).includes('refreshSession');
    sent.push(isRefresh ? 'refresh' : String(token));
    if (isRefresh) return Response.json({ data: { refreshSession: { session: session('second', 15) } } });
    if (token === 'Bearer second') return Response.json({ data: { a: 1 } });
    return Response.json({ errors: [{ message: 'no', extensions: { code: 'UNAUTHENTICATED' } }] });
  });
  return import('./send-as-viewer');
}

beforeEach(() => {
  sent = [];
});

test('a token that the server rejects is renewed, and the request is sent once more', async () => {
  const { sendAsViewer } = await signedIn();

  expect((await sendAsViewer({ query: '{ a }' })).response).toEqual({ data: { a: 1 } });

  expect(sent).toEqual(['Bearer first', 'refresh', 'Bearer second']);
});

test('a token that has expired is renewed before the request', async () => {
  const { sendAsViewer } = await signedIn(
    JSON.stringify({ ...JSON.parse(stored), expiresAt: new Date(0).toISOString() }),
  );

  expect((await sendAsViewer({ query: '{ a }' })).response).toEqual({ data: { a: 1 } });

  expect(sent).toEqual(['refresh', 'Bearer second']);
});

test('a token of the request itself is neither replaced nor renewed', async () => {
  const { sendAsViewer } = await signedIn();

  const { response } = await sendAsViewer({ query: '{ a }' }, new Headers({ authorization: 'Bearer own' }));

  expect(response.errors).toHaveLength(1);
  expect(sent).toEqual(['Bearer own']);
});

test('nobody sends no token', async () => {
  const { sendAsViewer } = await signedIn('null');

  await sendAsViewer({ query: '{ a }' });

  expect(sent).toEqual(['null']);
});
