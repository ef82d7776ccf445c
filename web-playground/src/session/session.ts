import { create } from 'zustand';
import signInDocument from '../../../operations/SignIn.graphql?raw';
import { send } from '../network/send';

export interface Session {
  accessToken: string;
  expiresAt: string;
  user: { id: string; name: string; role: string };
}

interface SessionState {
  session: Session | null;
  /** Why the last session ended, where its owner did not end it. */
  notice: string | null;
}

interface SignInData {
  login: {
    session: { accessToken: string; expiresAt: string } | null;
    user: Session['user'] | null;
    userErrors: { message: string }[];
  };
}

const KEY = 'lyceum:session';
// A longer delay overflows the browser's timer, which would then fire at once.
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export const useSession = create<SessionState>(() => ({ session: restore(), notice: null }));

let expiry: ReturnType<typeof setTimeout> | undefined;
useSession.subscribe(({ session }) => keep(session));
keep(useSession.getState().session);

export function accessToken(): string | undefined {
  return useSession.getState().session?.accessToken;
}

/** Signs in, or throws with a sentence for the person who tried. */
export async function signIn(email: string, password: string): Promise<void> {
  const reply = await send<SignInData>({ query: signInDocument, variables: { input: { email, password } } });
  const { session, user, userErrors } = reply.data?.login ?? {};

  if (!session || !user) {
    const reason = userErrors?.[0] ?? reply.errors?.[0];
    throw new Error(reason?.message ?? 'The server did not sign you in, and did not say why.');
  }
  const { accessToken, expiresAt } = session;
  useSession.setState({
    session: { accessToken, expiresAt, user: { id: user.id, name: user.name, role: user.role } },
    notice: null,
  });
}

export function signOut(): void {
  useSession.setState({ session: null, notice: null });
}

/** Ends the session of this token; a newer one, made in the meantime, stays. */
export function endSession(token: string, notice: string): void {
  if (accessToken() === token) useSession.setState({ session: null, notice });
}

/** The token outlives a reload of the page, and nothing more. */
function keep(session: Session | null): void {
  clearTimeout(expiry);
  if (!session) {
    sessionStorage.removeItem(KEY);
    return;
  }
  sessionStorage.setItem(KEY, JSON.stringify(session));
  const delay = Date.parse(session.expiresAt) - Date.now();
  expiry = setTimeout(
    () => endSession(session.accessToken, 'Your session has ended. Please sign in again.'),
    Math.min(Math.max(delay, 0), LONGEST_DELAY_MS),
  );
}

function restore(): Session | null {
  try {
    const session = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Session | null;
    return session && Date.parse(session.expiresAt) > Date.now() && session.user.name ? session : null;
  } catch {
    // Not ours, or of an older page: nobody is signed in.
    return null;
  }
}
