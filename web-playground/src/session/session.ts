import { create } from 'zustand';
import signInDocument from '../../../operations/SignIn.graphql?raw';
import { send } from '../network/send';
import { type Shared, Tabs } from './tabs';

export interface Session extends Shared {
  accessToken: string;
  expiresAt: string;
  refreshToken: string;
  user: { id: string; name: string; role: string };
}

interface SessionState {
  session: Session | null;
  /** Why the last session ended, where its owner did not end it. */
  notice: string | null;
}

type Tokens = Pick<Session, 'accessToken' | 'expiresAt' | 'refreshToken'>;

interface SignInData {
  login: { session: Tokens | null; user: Session['user'] | null; userErrors: { message: string }[] } | null;
}

interface RefreshData {
  refreshSession?: { session: Tokens | null } | null;
}

const KEY = 'lyceum:session';
const ENDED = 'Your session has ended. Please sign in again.';
const ENDED_ELSEWHERE = 'You have signed out in another tab.';
const REFRESH =
  'mutation($input: RefreshSessionInput!) { refreshSession(input: $input) { session { accessToken expiresAt refreshToken } } }';
const LOG_OUT = 'mutation($input: LogoutInput!) { logout(input: $input) { userErrors { code } } }';
/** How long before its end a token is replaced, at the most: a short one has a quarter of its time left. */
const LEAD_MS = 60_000;
const RETRY_MS = 5_000;
/** A token this close to its end is not sent any more. */
const TOO_CLOSE_MS = 2_000;
// A longer delay overflows the browser's timer, which would then fire at once.
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export const useSession = create<SessionState>(() => ({ session: restore(), notice: null }));

let timer: ReturnType<typeof setTimeout> | undefined;
let refreshing: Promise<string | undefined> | undefined;
const tabs = new Tabs<Session>({
  current: () => useSession.getState().session,
  onNewer: (session) => useSession.setState({ session }),
  onOver: () => useSession.setState({ session: null, notice: ENDED_ELSEWHERE }),
});
useSession.subscribe(({ session }) => keep(session));
keep(useSession.getState().session);

export function accessToken(): string | undefined {
  return useSession.getState().session?.accessToken;
}

/** A token that has not ended yet, as far as there is one, if anybody is signed in. */
export async function freshToken(): Promise<string | undefined> {
  const { session } = useSession.getState();
  if (!session || remaining(session) > TOO_CLOSE_MS) return session?.accessToken;
  // While it cannot be renewed the old one is sent, and refused: nobody is made anonymous without a word.
  return (await renew(session.accessToken)) ?? accessToken();
}

/** Signs in, or throws with a sentence for the person who tried. */
export async function signIn(email: string, password: string): Promise<void> {
  const reply = await send<SignInData>({ query: signInDocument, variables: { input: { email, password } } });
  const { session, user, userErrors } = reply.data?.login ?? {};

  if (!session || !user) {
    const reason = userErrors?.[0] ?? reply.errors?.[0];
    throw new Error(reason?.message ?? 'The server did not sign you in, and did not say why.');
  }
  const previous = useSession.getState().session;
  const { id, name, role } = user;
  useSession.setState({
    session: { ...tokens(session), user: { id, name, role }, family: newFamily(), renewals: 0 },
    notice: null,
  });
  if (previous) await endUnlessShared(previous);
}

/** Here, on the server, and in the tabs that were opened from this one. */
export function signOut(): void {
  const { session } = useSession.getState();
  useSession.setState({ session: null, notice: null });
  if (!session) return;
  tabs.tellOver(session.family);
  endOnServer(session);
}

/** The token that takes the place of one the server does not accept; none if the session is over. */
export async function renew(refused: string): Promise<string | undefined> {
  if (accessToken() !== refused) return accessToken();
  // A refresh token works once, so all who need a new token wait for the same one.
  refreshing ??= refresh().finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

async function refresh(): Promise<string | undefined> {
  const { session } = useSession.getState();
  return session ? tabs.alone(session.family, () => replace(session)) : undefined;
}

async function replace(session: Session): Promise<string | undefined> {
  // Another tab has been first.
  if (useSession.getState().session !== session) return accessToken();

  const input = { refreshToken: session.refreshToken };
  const reply = await send<RefreshData>({ query: REFRESH, variables: { input } }).catch(() => null);
  // Somebody else may have signed in meanwhile.
  if (useSession.getState().session !== session) return accessToken();

  const payload = reply?.data?.refreshSession;
  if (!payload) {
    schedule(session, RETRY_MS);
    return undefined;
  }
  const next = payload.session;
  if (!next) {
    useSession.setState({ session: null, notice: ENDED });
    return undefined;
  }
  const renewed = { ...session, ...tokens(next), renewals: session.renewals + 1 };
  useSession.setState({ session: renewed });
  tabs.tell(renewed);
  return next.accessToken;
}

/** Names a sign-in among the tabs; it is no secret. */
function newFamily(): string {
  return `${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}`;
}

/** Another tab may go on as whoever this one was. */
async function endUnlessShared(session: Session): Promise<void> {
  if ((await tabs.othersIn(session.family)) === 0) endOnServer(session);
}

function tokens({ accessToken, expiresAt, refreshToken }: Tokens): Tokens {
  return { accessToken, expiresAt, refreshToken };
}

/** So that nobody who finds the token later can go on with it. */
function endOnServer({ refreshToken }: Session): void {
  send({ query: LOG_OUT, variables: { input: { refreshToken } } }).catch(() => {
    // The server is away: the session ends there by itself, when nobody refreshes it.
  });
}

/** The tokens outlive a reload of the page, and nothing more. */
function keep(session: Session | null): void {
  clearTimeout(timer);
  tabs.join(session?.family);
  if (!session) {
    sessionStorage.removeItem(KEY);
    return;
  }
  sessionStorage.setItem(KEY, JSON.stringify(session));
  const left = remaining(session);
  schedule(session, left - Math.min(LEAD_MS, left / 4));
}

function schedule(session: Session, delay: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void renew(session.accessToken), Math.min(Math.max(delay, 0), LONGEST_DELAY_MS));
}

function remaining({ expiresAt }: Session): number {
  return Date.parse(expiresAt) - Date.now();
}

function restore(): Session | null {
  try {
    const session = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Session | null;
    const isWhole = session?.accessToken && session.refreshToken && session.user.name;
    if (!isWhole || Number.isNaN(remaining(session))) return null;
    return { ...session, family: session.family || newFamily(), renewals: session.renewals || 0 };
  } catch {
    // Not ours, or of an older page: nobody is signed in.
    return null;
  }
}
