import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import type { SampleUser } from '../network/playground-settings';
import { signIn, signOut } from './session';
import './sign-in-dialog.css';

interface Props {
  samples: SampleUser[];
  onClose: () => void;
}

/** Sign in with an email address and a password, or as a sample user. */
export function SignInDialog({ samples, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);

  function stayAnonymous() {
    signOut();
    dialog.current?.close();
  }

  async function trySignIn(email: string, password: string) {
    setIsBusy(true);
    setError(null);
    try {
      await signIn(email, password);
      dialog.current?.close();
    } catch (error) {
      setError(error instanceof Error ? error.message : String(error));
      setIsBusy(false);
    }
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void trySignIn(String(form.get('email')), String(form.get('password')));
  }

  return (
    <dialog ref={dialog} className="sign-in" aria-labelledby={titleId} onClose={onClose}>
      <h2 id={titleId} className="sign-in-title">
        Sign in
      </h2>
      {samples.length > 0 && (
        <fieldset className="sign-in-samples">
          <legend>Sample users</legend>
          <button type="button" className="button" disabled={isBusy} onClick={stayAnonymous}>
            Anonymous
          </button>
          {samples.map((sample) => (
            <button
              key={sample.email}
              type="button"
              className="button"
              disabled={isBusy}
              onClick={() => void trySignIn(sample.email, sample.password)}
            >
              {sample.label}
            </button>
          ))}
        </fieldset>
      )}
      <form className="sign-in-form" onSubmit={submit}>
        <label className="field">
          E-mail address
          <input name="email" type="email" autoComplete="username" required />
        </label>
        <label className="field">
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {error && (
          <p className="sign-in-problem" role="alert">
            {error}
          </p>
        )}
        <div className="sign-in-actions">
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" className="button button-main" disabled={isBusy}>
            {isBusy ? 'Signing in…' : 'Sign in'}
          </button>
        </div>
      </form>
    </dialog>
  );
}
