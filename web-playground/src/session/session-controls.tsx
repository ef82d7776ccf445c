import { useEffect, useRef } from 'react';
import { loadSettings, useSettings } from '../network/playground-settings';
import { type Session, signOut, useSession } from './session';
import { SignInDialog } from './sign-in-dialog';
import { closeSignIn, openSignIn, useSignInRequest } from './sign-in-request';
import './session-controls.css';

/** The signed-in user, and the buttons to sign in and out. */
export function SessionControls() {
  const { session, notice } = useSession();
  const { samples } = useSettings();
  const { isOpen } = useSignInRequest();
  const section = useFocusRestored(session);

  useEffect(() => {
    void loadSettings();
  }, []);

  return (
    <section ref={section} tabIndex={-1} className="session" aria-label="Session">
      {session ? <SignedInUser session={session} /> : <SignedOut notice={notice} />}
      <button
        type="button"
        className={session ? 'button' : 'button button-main'}
        aria-haspopup="dialog"
        onClick={openSignIn}
      >
        Sign in as…
      </button>
      {session && (
        <button type="button" className="button" onClick={signOut}>
          Sign out
        </button>
      )}
      {isOpen && <SignInDialog samples={samples} onClose={closeSignIn} />}
    </section>
  );
}

/** Keeps the keyboard focus in the section when the button that had it is removed. */
function useFocusRestored(session: Session | null) {
  const section = useRef<HTMLElement>(null);
  const shown = useRef(session);

  useEffect(() => {
    if (shown.current === session) return;
    shown.current = session;
    if (document.activeElement === document.body) section.current?.focus();
  }, [session]);

  return section;
}

function SignedInUser({ session }: { session: Session }) {
  const until = new Date(session.expiresAt);
  return (
    <p className="session-status">
      <span role="status">
        <strong>{session.user.name}</strong> {session.user.role.toLowerCase()}{' '}
      </span>
      {/* Not part of the status: screen readers must not announce a refreshed token. */}
      <span
        className="session-quiet"
        title="When the access token expires. It is refreshed automatically before."
      >
        until <time dateTime={session.expiresAt}>{until.toLocaleTimeString([], { timeStyle: 'short' })}</time>
      </span>
    </p>
  );
}

function SignedOut({ notice }: { notice: string | null }) {
  return (
    <p className="session-status session-quiet" role="status">
      {notice ?? 'Not signed in'}
    </p>
  );
}
