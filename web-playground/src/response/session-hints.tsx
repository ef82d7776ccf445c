import { useState } from 'react';
import type { GraphQLResponse } from '../network/send';
import { adoptSession, useSession } from '../session/session';
import { SignInAs } from '../session/sign-in-as';
import { issuedSession } from './issued-session';

/** What the response has to do with who is signed in. */
export function SessionHints({ response }: { response: GraphQLResponse<unknown> }) {
  const { session } = useSession();
  const issued = issuedSession(response.data);
  const isMissing = !session && 'me' in asRecord(response.data) && asRecord(response.data).me === null;

  if (issued && issued.tokens.accessToken !== session?.accessToken) return <Adopt {...issued} />;
  if (!isMissing) return null;
  return (
    <p className="response-hint">
      Nobody is signed in, so <code>me</code> is null. <SignInAs viewers={['student']} />
    </p>
  );
}

function Adopt({ tokens, user }: NonNullable<ReturnType<typeof issuedSession>>) {
  const [isAdopted, setIsAdopted] = useState(false);
  if (isAdopted) return null;
  return (
    <p className="response-hint">
      This response has a session for {user.name}.{' '}
      <button
        type="button"
        className="button"
        onClick={() => {
          setIsAdopted(true);
          void adoptSession(tokens, user);
        }}
      >
        Sign in with it
      </button>
    </p>
  );
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
