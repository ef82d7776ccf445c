import { Link, useLocation, useSearch } from 'wouter';
import { useAction } from '../client/use-action';
import { SignUpDocument, type SignUpRole } from '../gql/graphql';
import { Field, Form } from '../parts/form';
import { PageTitle } from '../parts/page-title';
import { enter, useNext } from './enter';

export default function SignUp() {
  const signUp = useAction(SignUpDocument);
  const [, navigate] = useLocation();
  const search = useSearch();
  const next = useNext();

  async function submit({ name = '', email = '', password = '', role }: Record<string, string>) {
    const { data } = await signUp.run({ input: { name, email, password, role: role as SignUpRole } });
    const { session, user } = data?.register ?? {};
    if (session && user) enter(session, user.id, role === 'TEACHER' ? '/teaching' : next, navigate);
  }
  return (
    <div className="sign-in-page">
      <header className="page-head">
        <PageTitle>Join Lyceum</PageTitle>
      </header>
      <Form onSubmit={submit} problems={signUp.problems}>
        <Field
          label="Name"
          name="name"
          autoComplete="name"
          required
          maxLength={255}
          problems={signUp.problems}
        />
        <Field
          label="E-mail address"
          name="email"
          type="email"
          autoComplete="username"
          required
          problems={signUp.problems}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          required
          minLength={8}
          maxLength={128}
          hint="At least 8 characters"
          problems={signUp.problems}
        />
        <fieldset className="field choice">
          <legend>I am here to</legend>
          <div className="chips">
            {[
              ['STUDENT', 'Learn'],
              ['TEACHER', 'Teach'],
            ].map(([value, label]) => (
              <label key={value} className="chip">
                <input type="radio" name="role" value={value} defaultChecked={value === 'STUDENT'} />
                {label}
              </label>
            ))}
          </div>
        </fieldset>
        <button type="submit" className="button primary block" aria-disabled={signUp.busy}>
          {signUp.busy ? 'Creating your account…' : 'Create my account'}
        </button>
      </Form>
      <p className="sign-in-page-links">
        <Link href={`/sign-in${search ? `?${search}` : ''}`}>I have an account</Link>
      </p>
    </div>
  );
}
