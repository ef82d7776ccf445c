import { useAction } from '../client/use-action';
import { EndOtherSessionsDocument, EndSessionDocument } from '../gql/graphql';
import { Problems } from '../parts/form';
import { say } from '../parts/toasts';
import { ago, at, deviceName } from '../parts/words';
import type { Me } from './me';

type Session = NonNullable<Me['sessions']>[number];

export function Sessions({ sessions }: { sessions: Session[] }) {
  const endOthers = useAction(EndOtherSessionsDocument);
  async function end() {
    const { data } = await endOthers.run({});
    if (data) say('All other devices are signed out.');
  }
  return (
    <>
      <ul className="lines">
        {sessions.map((session) => (
          <Line key={session.id} session={session} />
        ))}
      </ul>
      <Problems problems={endOthers.problems} />
      {sessions.length > 1 && (
        <div className="actions start">
          <button type="button" className="button" aria-disabled={endOthers.busy} onClick={end}>
            Sign out all others
          </button>
        </div>
      )}
    </>
  );
}

function Line({ session }: { session: Session }) {
  const end = useAction(EndSessionDocument);
  const name = deviceName(session.client);
  return (
    <li className="line">
      <span className="line-main">
        {name}
        <span className="muted small">
          <span title={at(session.lastUsedAt)}>used {ago(session.lastUsedAt)}</span>, since{' '}
          {at(session.createdAt)}
        </span>
      </span>
      {session.isCurrent ? (
        <span className="tag published">This one</span>
      ) : (
        <button
          type="button"
          className="button small"
          aria-disabled={end.busy}
          onClick={() => end.run({ input: { sessionId: session.id } })}
        >
          Sign out<span className="visually-hidden"> {name}</span>
        </button>
      )}
      <Problems problems={end.problems} />
    </li>
  );
}
