import { type ReactNode, useId, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { Link, useLocation } from 'wouter';
import { session, signedOut } from '../client/session';
import { useAction } from '../client/use-action';
import {
  AccountDocument,
  ChangeEmailDocument,
  ChangePasswordDocument,
  RequestEmailVerificationDocument,
  SignOutDocument,
  UpdateProfileDocument,
} from '../gql/graphql';
import { Field, Form, Problems } from '../parts/form';
import { PageTitle } from '../parts/page-title';
import { Failed, Loading } from '../parts/states';
import { say } from '../parts/toasts';
import { onDay } from '../parts/words';
import { DeleteAccount } from './delete-account';
import { Export } from './export';
import type { Me } from './me';
import { NotificationSettings } from './notification-settings';
import { Payments } from './payments';
import { Sessions } from './sessions';

export default function Account() {
  const [{ data, error }] = useQuery({ query: AccountDocument, requestPolicy: 'cache-and-network' });
  const me = data?.me;
  if (!me) return error ? <Failed error={error} /> : <Loading what="your account" />;
  return (
    <div className="narrow">
      <header className="page-head with-action">
        <div>
          <PageTitle>My account</PageTitle>
          <p className="lead">Here since {onDay(me.createdAt)}</p>
        </div>
        <SignOut />
      </header>
      <Section title="Profile">
        <Profile me={me} />
      </Section>
      <Section title="E-mail address">
        <Email me={me} />
      </Section>
      <Section title="Password">
        <Password />
      </Section>
      <Section title="Payments">
        <Payments />
      </Section>
      <Section title="Notifications">
        <NotificationSettings settings={me.notificationSettings ?? []} />
      </Section>
      <Section title="Devices">
        <Sessions sessions={me.sessions ?? []} />
      </Section>
      <Section title="My data">
        <Export found={data.dataExport} />
        <DeleteAccount />
      </Section>
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id} className="panel-title">
        {title}
      </h2>
      <div className="panel-body">{children}</div>
    </section>
  );
}

function SignOut() {
  const client = useClient();
  const [, navigate] = useLocation();
  async function signOut() {
    const refreshToken = session()?.refreshToken;
    // The session ends here even if the server cannot be told; there it expires.
    if (refreshToken) await client.mutation(SignOutDocument, { input: { refreshToken } }).toPromise();
    navigate('/');
    signedOut();
  }
  return (
    <button type="button" className="button" onClick={signOut}>
      Sign out
    </button>
  );
}

function Profile({ me }: { me: Me }) {
  const update = useAction(UpdateProfileDocument);
  async function save({ name = '' }: Record<string, string>) {
    const { data } = await update.run({ input: { name } });
    if (data) say('Your name is saved.');
  }
  return (
    <>
      <Form onSubmit={save} problems={update.problems} label="Profile">
        <Field
          label="Name"
          name="name"
          autoComplete="name"
          required
          maxLength={255}
          defaultValue={me.name}
          problems={update.problems}
        />
        <div className="actions start">
          <button type="submit" className="button primary" aria-disabled={update.busy}>
            Save
          </button>
        </div>
      </Form>
      <p className="small">
        {me.role === 'TEACHER' && <Link href={`/teachers/${me.id}`}>My public page</Link>}
      </p>
    </>
  );
}

function Email({ me }: { me: Me }) {
  const verify = useAction(RequestEmailVerificationDocument);
  const change = useAction(ChangeEmailDocument);
  const [isChanging, setIsChanging] = useState(false);
  async function send() {
    const { data } = await verify.run({});
    if (data) say('A mail with a link is on its way.');
  }
  async function submit({ newEmail = '', password = '' }: Record<string, string>) {
    const { data } = await change.run({ input: { newEmail, password } });
    if (!data) return;
    say(`A mail is on its way to ${newEmail}. Its link makes the address yours.`);
    setIsChanging(false);
  }
  return (
    <>
      <p className="email">
        <span>{me.email}</span>
        <span className={me.isEmailVerified ? 'tag published' : 'tag'}>
          {me.isEmailVerified ? 'Confirmed' : 'Not confirmed'}
        </span>
      </p>
      <Problems problems={verify.problems} />
      {isChanging ? (
        <Form onSubmit={submit} problems={change.problems} label="New e-mail address">
          <Field
            label="New e-mail address"
            name="newEmail"
            type="email"
            autoComplete="email"
            required
            problems={change.problems}
          />
          <Field
            label="Password"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            problems={change.problems}
          />
          <div className="actions start">
            <button type="submit" className="button primary" aria-disabled={change.busy}>
              Send the mail
            </button>
            <button type="button" className="button" onClick={() => setIsChanging(false)}>
              Not now
            </button>
          </div>
        </Form>
      ) : (
        <div className="actions start">
          {!me.isEmailVerified && (
            <button type="button" className="button" aria-disabled={verify.busy} onClick={send}>
              Send me the link again
            </button>
          )}
          <button type="button" className="button" onClick={() => setIsChanging(true)}>
            Change it
          </button>
        </div>
      )}
    </>
  );
}

function Password() {
  const change = useAction(ChangePasswordDocument);
  async function submit(
    { currentPassword = '', newPassword = '' }: Record<string, string>,
    form: HTMLFormElement,
  ) {
    const { data } = await change.run({ input: { currentPassword, newPassword } });
    if (!data) return;
    form.reset();
    say('Your password is changed. All other devices were signed out.');
  }
  return (
    <Form onSubmit={submit} problems={change.problems} label="Password">
      <Field
        label="Current password"
        name="currentPassword"
        type="password"
        autoComplete="current-password"
        required
        problems={change.problems}
      />
      <Field
        label="New password"
        name="newPassword"
        type="password"
        autoComplete="new-password"
        required
        minLength={8}
        maxLength={128}
        hint="At least 8 characters. Other devices are signed out."
        problems={change.problems}
      />
      <div className="actions start">
        <button type="submit" className="button primary" aria-disabled={change.busy}>
          Change the password
        </button>
      </div>
    </Form>
  );
}
