import { useState } from 'react';
import { Link } from 'wouter';
import { useAction } from '../client/use-action';
import { RequestPasswordResetDocument } from '../gql/graphql';
import { Field, Form } from '../parts/form';
import { PageTitle } from '../parts/page-title';

export default function ForgottenPassword() {
  const request = useAction(RequestPasswordResetDocument);
  const [sentTo, setSentTo] = useState<string | null>(null);
  async function submit({ email = '' }: Record<string, string>) {
    const { data } = await request.run({ input: { email } });
    if (data) setSentTo(email);
  }
  return (
    <div className="sign-in-page">
      <header className="page-head">
        <PageTitle>A new password</PageTitle>
      </header>
      {sentTo === null ? (
        <Form onSubmit={submit} problems={request.problems}>
          <Field
            label="E-mail address"
            name="email"
            type="email"
            autoComplete="username"
            required
            problems={request.problems}
          />
          <button type="submit" className="button primary block" aria-disabled={request.busy}>
            Send me a link
          </button>
        </Form>
      ) : (
        <p className="notice" role="status">
          If {sentTo} has an account, a mail with a link is on its way. The link works for an hour.
        </p>
      )}
      <p className="sign-in-page-links">
        <Link href="/sign-in">Back to sign in</Link>
      </p>
    </div>
  );
}
