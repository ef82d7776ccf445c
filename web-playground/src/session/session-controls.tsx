import { useEffect, useRef, useState } from 'react';
import { findSample, loadSamples, type Sample, useSamples } from '../network/playground-settings';
import { type Session, signIn, signOut, useSession } from './session';
import { SignInDialog } from './sign-in-dialog';
import './session-controls.css';

/** Who is asking, and how to be someone else. */
export function SessionControls() {
  const { session, notice } = useSession();
  const section = useFocusKeptIn(session);

  useEffect(() => {
    void loadSamples();
  }, []);

  return (
    <section ref={section} tabIndex={-1} className="session" aria-label="Session">
      {session ? <SignedIn session={session} /> : <SignedOut notice={notice} />}
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

function SignedIn({ session }: { session: Session }) {
  const until = new Date(session.expiresAt);
  return (
    <>
      <p className="session-status" role="status">
        <strong>{session.user.name}</strong> {session.user.role.toLowerCase()}{' '}
        <span className="session-quiet">
          until{' '}
          <time dateTime={session.expiresAt}>{until.toLocaleTimeString([], { timeStyle: 'short' })}</time>
        </span>
      </p>
      <button type="button" className="button" onClick={signOut}>
        Sign out
      </button>
    </>
  );
}

function SignedOut({ notice }: { notice: string | null }) {
  const samples = useSamples();
  const [problem, setProblem] = useState<string | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  const student = findSample(samples, 'Student') ?? samples[0];

  async function signInAs(sample: Sample) {
    setProblem(null);
    try {
      await signIn(sample.email, sample.password);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <>
      <p className="session-status session-quiet" role="status">
        {problem ?? notice ?? 'Not signed in'}
      </p>
      {student && (
        <button type="button" className="button button-main" onClick={() => void signInAs(student)}>
          Sign in as {student.label.toLowerCase()}
        </button>
      )}
      <button type="button" className="button" aria-haspopup="dialog" onClick={() => setIsOpen(true)}>
        Sign in…
      </button>
      {isOpen && <SignInDialog samples={samples} onClose={() => setIsOpen(false)} />}
    </>
  );
}
