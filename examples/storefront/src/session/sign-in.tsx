import { useEffect, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { useAction } from '../client/use-action';
import { SignInDocument } from '../gql/graphql';
import { Field, Form } from '../parts/form';
import { PageTitle } from '../parts/page-title';
import { enter, useNext } from './enter';

interface Sample {
  label: string;
  email: string;
  password: string;
}

export default function SignIn() {
  const signIn = useAction(SignInDocument);
  const [, navigate] = useLocation();
  const search = useSearch();
  const next = useNext();

  const [asksForCode, setAsksForCode] = useState(false);

  async function submit({ email = '', password = '', secondFactorCode }: Record<string, string>) {
    const input = { email, password, ...(secondFactorCode ? { secondFactorCode } : {}) };
    const { data, problems } = await signIn.run({ input });
    if (problems.some(({ code }) => code === 'SECOND_FACTOR_REQUIRED')) setAsksForCode(true);
    const { session, user } = data?.login ?? {};
    if (session && user) enter(session, user.id, next, navigate);
  }
  return (
    <div className="sign-in-page">
      <header className="page-head">
        <PageTitle>Welcome back</PageTitle>
      </header>
      <Form onSubmit={submit} problems={signIn.problems}>
        <Field
          label="E-mail address"
          name="email"
          type="email"
          autoComplete="username"
          required
          problems={signIn.problems}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          problems={signIn.problems}
        />
        {asksForCode && (
          <Field
            label="Code"
            name="secondFactorCode"
            autoComplete="one-time-code"
            required
            hint="From your authenticator app, or one of your recovery codes"
            problems={signIn.problems}
          />
        )}
        <button type="submit" className="button primary block" aria-disabled={signIn.busy}>
          {signIn.busy ? 'Signing in…' : 'Sign in'}
        </button>
      </Form>
      <p className="sign-in-page-links">
        <Link href="/forgotten-password">Forgotten your password?</Link>
        <Link href={`/sign-up${search ? `?${search}` : ''}`}>New here? Join</Link>
      </p>
      <Samples onChoose={submit} />
    </div>
  );
}

/** On a development server there are people to try the shop as. */
function Samples({ onChoose }: { onChoose: (values: Record<string, string>) => void }) {
  const [samples, setSamples] = useState<Sample[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    fetch('/playground.json', { signal: stop.signal })
      .then((response) => (response.ok ? response.json() : { samples: [] }))
      .then(({ samples }: { samples: Sample[] }) => setSamples(samples))
      .catch(() => {});
    return () => stop.abort();
  }, []);
  if (samples.length === 0) return null;
  return (
    <section className="samples" aria-labelledby="samples">
      <h2 id="samples" className="samples-title">
        Or look around as
      </h2>
      <div className="chips">
        {samples.map(({ label, email, password }) => (
          <button key={email} type="button" className="chip" onClick={() => onChoose({ email, password })}>
            {label}
          </button>
        ))}
      </div>
    </section>
  );
}
