import { create } from 'zustand';
import signInDocument from '../../../operations/SignIn.graphql?raw';
import { send } from '../network/send';
import { type SharedSession, TabSync } from './tab-sync';

export interface Session extends SharedSession {
  accessToken: string;
  expiresAt: string;
  refreshToken: string;
  user: { id: string; name: string; role: string };
}

interface SessionState {
  session: Session | null;
  /** Why the last session ended, if the user did not sign out here. */
  notice: string | null;
}

export type Tokens = Pick<Session, 'accessToken' | 'expiresAt' | 'refreshToken'>;

interface SignInData {
  login: {
    session: Tokens | null;
    user: Session['user'] | null;
    userErrors: { code: string; message: string }[];
  } | null;
}

/** The password is right, but the account needs a code of its second factor, too. */
export class SecondFactorRequired extends Error {}

interface RefreshData {
  refreshSession?: { session: Tokens | null } | null;
}

const STORAGE_KEY = 'lyceum:session';
export const SESSION_EXPIRED = 'Your session has ended. Please sign in again.';
const SIGNED_OUT_IN_OTHER_TAB = 'You have signed out in another tab.';
const REFRESH_MUTATION =
  'mutation($input: RefreshSessionInput!) { refreshSession(input: $input) { session { accessToken expiresAt refreshToken } } }';
const LOGOUT_MUTATION = 'mutation($input: LogoutInput!) { logout(input: $input) { userErrors { code } } }';
/** How long before its expiry a token is refreshed; for a short-lived token a quarter of its lifetime. */
const REFRESH_LEAD_MS = 60_000;
const RETRY_MS = 5_000;
/** By a clock that is ahead, each new token has expired already: it must not be refreshed without end. */
const MIN_REFRESH_DELAY_MS = 1_000;
/** A token that expires sooner is refreshed before it is sent. */
const MIN_VALIDITY_MS = 2_000;
// A longer delay overflows the browser's timer, which would then fire immediately.
const MAX_TIMER_DELAY_MS = 2 ** 31 - 1;

export const useSession = create<SessionState>(() => ({ session: restoreSession(), notice: null }));

let timer: ReturnType<typeof setTimeout> | undefined;
let pendingRefresh: Promise<string | undefined> | undefined;
const tabSync = new TabSync<Session>({
  current: () => useSession.getState().session,
  onNewer: (session) => useSession.setState({ session }),
  onEnded: () => useSession.setState({ session: null, notice: SIGNED_OUT_IN_OTHER_TAB }),
});
useSession.subscribe(({ session }) => persist(session));
persist(useSession.getState().session);

export function accessToken(): string | undefined {
  return useSession.getState().session?.accessToken;
}

/** A token that has not expired, if possible; undefined when nobody is signed in. */
export async function validToken(): Promise<string | undefined> {
  const { session } = useSession.getState();
  if (!session || remainingMs(session) > MIN_VALIDITY_MS) return session?.accessToken;
  // If the refresh fails, the expired token is sent and rejected, rather than silently sending no token.
  return (await renewToken(session.accessToken)) ?? accessToken();
}

/** Signs in, or throws an error with a message for the user. */
export async function signIn(email: string, password: string, secondFactorCode?: string): Promise<void> {
  const response = await send<SignInData>({
    query: signInDocument,
    variables: { input: { email, password, secondFactorCode } },
  });
  const { session, user, userErrors } = response.data?.login ?? {};

  if (!session || !user) {
    const rejection = userErrors?.[0];
    if (rejection?.code === 'SECOND_FACTOR_REQUIRED') throw new SecondFactorRequired(rejection.message);
    const reason = rejection ?? response.errors?.[0];
    throw new Error(reason?.message ?? 'Sign-in failed for an unknown reason.');
  }
  await adoptSession(session, user);
}

/** Makes a session that the server has issued the page's own. */
export async function adoptSession(session: Tokens, { id, name, role }: Session['user']): Promise<void> {
  const previous = useSession.getState().session;
  useSession.setState({
    session: { ...tokens(session), user: { id, name, role }, family: newFamily(), renewals: 0 },
    notice: null,
  });
  if (previous) await revokeUnlessShared(previous);
}

/** Signs out in this tab, on the server, and in the tabs that share the session. */
export function signOut(): void {
  const { session } = useSession.getState();
  useSession.setState({ session: null, notice: null });
  if (!session) return;
  tabSync.publishEnd(session.family);
  revokeOnServer(session);
}

/** Replaces a token that the server rejected; undefined when the session has ended. */
export async function renewToken(rejected: string): Promise<string | undefined> {
  if (accessToken() !== rejected) return accessToken();
  // A refresh token works once, so all callers wait for the same refresh.
  pendingRefresh ??= refreshExclusively().finally(() => {
    pendingRefresh = undefined;
  });
  return pendingRefresh;
}

async function refreshExclusively(): Promise<string | undefined> {
  const { session } = useSession.getState();
  return session ? tabSync.runExclusively(session.family, () => refreshSession(session)) : undefined;
}

async function refreshSession(session: Session): Promise<string | undefined> {
  // Another tab was faster.
  if (useSession.getState().session !== session) return accessToken();

  const input = { refreshToken: session.refreshToken };
  const response = await send<RefreshData>({ query: REFRESH_MUTATION, variables: { input } }).catch(
    () => null,
  );
  const payload = response?.data?.refreshSession;
  if (useSession.getState().session !== session) {
    if (payload?.session) await giveUpLate(session, payload.session);
    return accessToken();
  }
  if (!payload) {
    scheduleRefresh(session, RETRY_MS);
    return undefined;
  }
  const next = payload.session;
  if (!next) {
    useSession.setState({ session: null, notice: SESSION_EXPIRED });
    return undefined;
  }
  const renewed = { ...session, ...tokens(next), renewals: session.renewals + 1 };
  useSession.setState({ session: renewed });
  tabSync.publish(renewed);
  return next.accessToken;
}

/** Tokens that arrive when the user has signed out, or somebody else has signed in: nobody here would revoke them. */
async function giveUpLate(session: Session, late: Tokens): Promise<void> {
  const current = useSession.getState().session;
  if (current?.family === session.family) return;
  const renewed = { ...session, ...tokens(late), renewals: session.renewals + 1 };
  if (!current) return revokeOnServer(renewed);
  // Another tab may go on with the session.
  tabSync.publish(renewed);
  await revokeUnlessShared(renewed);
}

/** Identifies a sign-in across tabs. It is not a secret. */
function newFamily(): string {
  return `${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}`;
}

/** Keeps the session alive on the server while another tab uses it. */
async function revokeUnlessShared(session: Session): Promise<void> {
  if ((await tabSync.countOtherTabs(session.family)) === 0) revokeOnServer(session);
}

function tokens({ accessToken, expiresAt, refreshToken }: Tokens): Tokens {
  return { accessToken, expiresAt, refreshToken };
}

/** Revokes the refresh token, so that it cannot be used if it leaks later. */
function revokeOnServer({ refreshToken }: Session): void {
  send({ query: LOGOUT_MUTATION, variables: { input: { refreshToken } } }).catch(() => {
    // The server is unreachable: the session expires there automatically.
  });
}

/** The tokens survive a reload of the page, but not the tab. */
function persist(session: Session | null): void {
  clearTimeout(timer);
  tabSync.join(session?.family);
  if (!session) {
    writeStored(null);
    return;
  }
  writeStored(JSON.stringify(session));
  const left = remainingMs(session);
  scheduleRefresh(session, left - Math.min(REFRESH_LEAD_MS, left / 4));
}

/** Where storage is full or forbidden, the session lasts until a reload. */
function writeStored(value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, value);
  } catch {
    // An older session must not come back after a reload.
    if (value !== null) writeStored(null);
  }
}

function scheduleRefresh(session: Session, delay: number): void {
  clearTimeout(timer);
  timer = setTimeout(
    () => void renewToken(session.accessToken),
    Math.min(Math.max(delay, MIN_REFRESH_DELAY_MS), MAX_TIMER_DELAY_MS),
  );
}

function remainingMs({ expiresAt }: Session): number {
  return Date.parse(expiresAt) - Date.now();
}

function restoreSession(): Session | null {
  try {
    const session = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? 'null') as Session | null;
    const isComplete = session?.accessToken && session.refreshToken && session.user.name;
    if (!isComplete || Number.isNaN(remainingMs(session))) return null;
    return { ...session, family: session.family || newFamily(), renewals: session.renewals || 0 };
  } catch {
    // Written by something else, or an older version of the page.
    return null;
  }
}
