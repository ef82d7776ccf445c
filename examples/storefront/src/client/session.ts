/**
 * Who is signed in, shared by all tabs of this browser. The tokens are in `localStorage`, so that a new tab is signed
 * in and a closed browser stays so; the content security policy keeps foreign scripts, which could read them, out.
 */
import { stringifyDocument } from '@urql/core';
import { useSyncExternalStore } from 'react';
import { RefreshSessionDocument, type RefreshSessionMutation, type TokensFragment } from '../gql/graphql';

export interface Session extends TokensFragment {
  userId: string;
}

const KEY = 'lyceum-store:session';
/** A token that ends this soon is renewed before it is used. */
const MARGIN_MS = 15_000;

const listeners = new Set<() => void>();
let current = read();

// Sent to all other tabs when one of them signs in, out, or renews the tokens.
window.addEventListener('storage', ({ key }) => {
  if (key === KEY || key === null) set(read());
});

export function session(): Session | null {
  return current;
}

/** The signed-in user's id: unlike the tokens it stays the same as long as the session. */
export function useUserId(): string | null {
  return useSyncExternalStore(subscribe, () => current?.userId ?? null);
}

export function signedIn(tokens: TokensFragment, userId: string): void {
  store({ ...received(tokens), userId });
}

/** Ends the session in all tabs of this browser. */
export function signedOut(): void {
  store(null);
}

/** The session, with an access token that has not expired. */
export async function validSession(): Promise<Session | null> {
  if (current && Date.parse(current.expiresAt) - Date.now() < MARGIN_MS) await renew(current);
  return current;
}

/**
 * Renews the tokens, unless another tab has done so since `used` was read: a refresh token works once, and using
 * it twice looks like theft. Where the browser has no locks (a page without TLS), the server's few seconds of grace
 * have to do.
 */
export async function renew(used: Session): Promise<void> {
  await exclusively(async () => {
    const newest = read();
    if (newest?.refreshToken !== used.refreshToken) {
      set(newest);
      return;
    }
    const answer = await refresh(newest.refreshToken);
    // A sign-out in another tab must not be undone by an answer that comes later.
    if (answer === 'unreachable' || read()?.refreshToken !== newest.refreshToken) return;
    store(answer ? { ...received(answer), userId: newest.userId } : null);
  });
}

function exclusively(task: () => Promise<void>): Promise<void> {
  return navigator.locks ? navigator.locks.request(KEY, task) : task();
}

async function refresh(refreshToken: string): Promise<TokensFragment | null | 'unreachable'> {
  const body = JSON.stringify({
    query: stringifyDocument(RefreshSessionDocument),
    variables: { input: { refreshToken } },
  });
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body,
    });
    const { data } = (await response.json()) as { data?: RefreshSessionMutation | null };
    // Only the server's word ends a session: a limit or an outage does not.
    return data?.refreshSession ? data.refreshSession.session : 'unreachable';
  } catch {
    return 'unreachable';
  }
}

/** The tokens, which expire by the clock of this machine: it may be wrong, and the lifetime is right. */
function received(tokens: TokensFragment): TokensFragment {
  try {
    const payload = tokens.accessToken.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? '';
    const { exp, iat } = JSON.parse(atob(payload)) as { exp: number; iat: number };
    return { ...tokens, expiresAt: new Date(Date.now() + (exp - iat) * 1000).toISOString() };
  } catch {
    return tokens;
  }
}

function store(next: Session | null): void {
  if (next) localStorage.setItem(KEY, JSON.stringify(next));
  else localStorage.removeItem(KEY);
  set(next);
}

function set(next: Session | null): void {
  current = next;
  for (const listener of listeners) listener();
}

function read(): Session | null {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Session | null;
    return found?.accessToken && found.refreshToken && found.userId ? found : null;
  } catch {
    return null;
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
