import { useState } from 'react';
import { Link } from 'wouter';
import { useAction } from '../client/use-action';
import { ConfirmEmailChangeDocument, ResetPasswordDocument, VerifyEmailDocument } from '../gql/graphql';
import { Field, Form, Problems } from '../parts/form';
import { PageTitle } from '../parts/page-title';

type Kind = 'reset-password' | 'verify-email' | 'confirm-email-change';

/** Where the link of a mail leads. Its token is behind the `#`, which browsers send to nobody. */
export default function MailLink({ kind }: { kind: Kind }) {
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token') ?? '');
  if (kind === 'reset-password') return <Reset token={token} />;
  return <Confirm kind={kind} token={token} />;
}

function Reset({ token }: { token: string }) {
  const reset = useAction(ResetPasswordDocument);
  const [isDone, setIsDone] = useState(false);
  async function submit({ newPassword = '' }: Record<string, string>) {
    const { data } = await reset.run({ input: { token, newPassword } });
    setIsDone(data !== undefined);
  }
  return (
    <div className="sign-in-page">
      <header className="page-head">
        <PageTitle>Choose a new password</PageTitle>
      </header>
      {isDone ? (
        <Done>Your new password is set. All devices were signed out.</Done>
      ) : (
        <Form onSubmit={submit} problems={reset.problems}>
          <Field
            label="New password"
            name="newPassword"
            type="password"
            autoComplete="new-password"
            required
            minLength={8}
            maxLength={128}
            hint="At least 8 characters"
            problems={reset.problems}
          />
          <button type="submit" className="button primary block" aria-disabled={reset.busy}>
            Set the password
          </button>
        </Form>
      )}
    </div>
  );
}

/** Asks for a click: programs that look into mails open links, too, and a token works once. */
function Confirm({ kind, token }: { kind: Exclude<Kind, 'reset-password'>; token: string }) {
  const verify = useAction(VerifyEmailDocument);
  const change = useAction(ConfirmEmailChangeDocument);
  const action = kind === 'verify-email' ? verify : change;
  const [isDone, setIsDone] = useState(false);
  async function confirm() {
    const { data } = await action.run({ input: { token } });
    setIsDone(data !== undefined);
  }
  return (
    <div className="sign-in-page">
      <header className="page-head">
        <PageTitle>{kind === 'verify-email' ? 'Is this your address?' : 'Your new address'}</PageTitle>
      </header>
      {isDone ? (
        <Done>Thank you, the address is confirmed.</Done>
      ) : (
        <>
          <Problems problems={action.problems} />
          <p>Confirm that the e-mail address is yours.</p>
          <button
            type="button"
            className="button primary block"
            aria-disabled={action.busy}
            onClick={confirm}
          >
            Confirm
          </button>
        </>
      )}
    </div>
  );
}

function Done({ children }: { children: string }) {
  return (
    <>
      <p className="notice" role="status">
        {children}
      </p>
      <p className="sign-in-page-links">
        <Link href="/sign-in">Sign in</Link>
        <Link href="/">To the catalogue</Link>
      </p>
    </>
  );
}
