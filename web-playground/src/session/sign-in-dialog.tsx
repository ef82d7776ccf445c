import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import type { SampleUser } from '../network/playground-settings';
import { SecondFactorRequired, signIn, signOut } from './session';
import { type Credentials, useSignInRequest } from './sign-in-request';
import './sign-in-dialog.css';

interface Props {
  samples: SampleUser[];
  onClose: () => void;
}

/** Sign in with an email address and a password, and a second factor if the account has one, or as a sample user. */
export function SignInDialog({ samples, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const { needsCode } = useSignInRequest();

  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);

  function stayAnonymous() {
    signOut();
    dialog.current?.close();
  }

  async function trySignIn(credentials: Credentials, code?: string) {
    setIsBusy(true);
    setError(null);
    try {
      await signIn(credentials.email, credentials.password, code);
      dialog.current?.close();
    } catch (error) {
      if (error instanceof SecondFactorRequired) useSignInRequest.setState({ needsCode: credentials });
      else setError(error instanceof Error ? error.message : String(error));
      setIsBusy(false);
    }
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    if (needsCode) void trySignIn(needsCode, String(form.get('code')).trim());
    else void trySignIn({ email: String(form.get('email')), password: String(form.get('password')) });
  }

  return (
    <dialog ref={dialog} className="sign-in" aria-labelledby={titleId} onClose={onClose}>
      <h2 id={titleId} className="sign-in-title">
        Sign in
      </h2>
      {samples.length > 0 && !needsCode && (
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
              onClick={() => void trySignIn(sample)}
            >
              {sample.label}
            </button>
          ))}
        </fieldset>
      )}
      <form className="sign-in-form" onSubmit={submit}>
        {needsCode ? <CodeField account={needsCode.email} /> : <CredentialFields />}
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

function CredentialFields() {
  useEffect(() => validateAnotherAddress, []);

  return (
    <>
      <label className="field">
        E-mail address
        <input name="email" type="email" autoComplete="username" required />
      </label>
      <label className="field">
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
    </>
  );
}

/** The browser keeps the address that it has validated last in its memory. */
function validateAnotherAddress() {
  const input = document.createElement('input');
  input.type = 'email';
  input.value = 'nobody@example.com';
  input.checkValidity();
}

function CodeField({ account }: { account: string }) {
  const input = useRef<HTMLInputElement>(null);
  // What had the focus is gone.
  useEffect(() => input.current?.focus(), []);

  return (
    <>
      <p className="sign-in-account">{account} has a second factor.</p>
      <label className="field">
        Code of the authenticator app, or a recovery code
        <input ref={input} name="code" autoComplete="one-time-code" spellCheck={false} required />
      </label>
    </>
  );
}
