import { useEffect, useRef, useState } from 'react';
import { loadSettings, useSettings } from '../network/playground-settings';
import { type Session, signOut, useSession } from './session';
import { SignInDialog } from './sign-in-dialog';
import './session-controls.css';

/** Who is asking, and how to be someone else. */
export function SessionControls() {
  const { session, notice } = useSession();
  const { samples } = useSettings();
  const [isOpen, setIsOpen] = useState(false);
  const section = useFocusKeptIn(session);

  useEffect(() => {
    void loadSettings();
  }, []);

  return (
    <section ref={section} tabIndex={-1} className="session" aria-label="Session">
      {session ? <Who session={session} /> : <Nobody notice={notice} />}
      <button
        type="button"
        className={session ? 'button' : 'button button-main'}
        aria-haspopup="dialog"
        onClick={() => setIsOpen(true)}
      >
        Sign in as…
      </button>
      {session && (
        <button type="button" className="button" onClick={signOut}>
          Sign out
        </button>
      )}
      {isOpen && <SignInDialog samples={samples} onClose={() => setIsOpen(false)} />}
    </section>
  );
}

/** The button that was pressed goes away with the change it made; the keyboard's place stays here. */
function useFocusKeptIn(session: Session | null) {
  const section = useRef<HTMLElement>(null);
  const shown = useRef(session);

  useEffect(() => {
    if (shown.current === session) return;
    shown.current = session;
    if (document.activeElement === document.body) section.current?.focus();
  }, [session]);

  return section;
}

function Who({ session }: { session: Session }) {
  const until = new Date(session.expiresAt);
  return (
    <p className="session-status">
      <span role="status">
        <strong>{session.user.name}</strong> {session.user.role.toLowerCase()}{' '}
      </span>
      {/* Not part of the status: a renewed token is no news to be read out. */}
      <span className="session-quiet" title="When the access token ends; it is renewed before.">
        until <time dateTime={session.expiresAt}>{until.toLocaleTimeString([], { timeStyle: 'short' })}</time>
      </span>
    </p>
  );
}

function Nobody({ notice }: { notice: string | null }) {
  return (
    <p className="session-status session-quiet" role="status">
      {notice ?? 'Not signed in'}
    </p>
  );
}
