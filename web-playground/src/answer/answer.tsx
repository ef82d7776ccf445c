import { useGraphiQLActions } from '@graphiql/react';
import { type Cost, milliseconds } from '../cost/cost';
import { type Answer, type Problem, problemsOf, useAnswer } from '../network/answers';
import { type StreamEvent, useStream } from '../network/stream';
import { Prose } from '../shell/prose';
import { eventLine } from './event-line';
import '../graph/subgraphs.css';
import './answer.css';

/** What the answer's text does not say by itself: errors by what they are, and a stream's events. */
export function AnswerFooter() {
  const { answer } = useAnswer();
  const stream = useStream();
  if (stream.state !== 'none') return <Events />;
  if (!answer) return <p className="answer answer-summary">{NOTHING_YET}</p>;

  const problems = problemsOf(answer.reply);
  return (
    <section className="answer" aria-label="Errors and size">
      <p className="answer-summary" role="status" title={UNITS}>
        <span>{summary(answer, problems.length)}</span>
        {answer.cost && <span>{costText(answer.cost)}</span>}
      </p>
      {problems.length > 0 && <Problems problems={problems} />}
    </section>
  );
}

const NOTHING_YET =
  'The answer comes here: run the operation with the button beside it, or with Ctrl+Enter (⌘ Enter).';

const UNITS =
  'The size is that of the JSON, uncompressed. The cost is work of the databases and of the servers, in milliseconds.';

function summary({ tookMs, bytes, traceBytes }: Answer, errors: number): string {
  const said = errors === 0 ? 'No errors' : errors === 1 ? '1 error' : `${errors} errors`;
  const trace = traceBytes > 0 ? `, and ${size(traceBytes)} of trace` : '';
  return `${said} · ${Math.round(tookMs)} ms · ${size(bytes)}${trace}`;
}

function costText({ estimated, actual, remaining }: Cost): string {
  const cost = `Cost ${milliseconds(actual ?? 0)}, estimated ${milliseconds(estimated)}`;
  return remaining === null ? cost : `${cost} · ${milliseconds(remaining)} of the budget left`;
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Errors beyond this are alike, and in the answer's text. */
const SHOWN = 50;

function Problems({ problems }: { problems: Problem[] }) {
  return (
    <ul className="problems" aria-label="Errors">
      {problems.slice(0, SHOWN).map((problem, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is replaced as a whole.
        <li key={index} className="problem" data-subgraph={problem.subgraph}>
          <p className="problem-what">
            {problem.code && <code className="problem-code">{problem.code}</code>}
            {problem.path && (
              <span>
                at <code>{problem.path}</code>
              </span>
            )}
            {problem.place && <span>line {problem.place}</span>}
            {problem.note && <span>{problem.note}</span>}
            {problem.subgraph && <span className="problem-subgraph">{problem.subgraph}</span>}
            {problem.code && (
              <a className="problem-link" href={`#error=${encodeURIComponent(problem.code)}`}>
                What does it mean?
              </a>
            )}
          </p>
          <p className="problem-message">
            <Prose text={problem.message} />
          </p>
        </li>
      ))}
      {problems.length > SHOWN && <li className="problem">… and {problems.length - SHOWN} more.</li>}
    </ul>
  );
}

const STATES = {
  none: '',
  connecting: 'Connecting…',
  live: 'Live: waiting for events',
  reconnecting: 'The server is away. Connecting again…',
  ended: 'Ended',
};

const MAY_MISS =
  'What came while the connection was lost may be missing: it was not known after which event to go on. Ask for the id of each event.';

function Events() {
  const { state, events, count, losses, mayMiss } = useStream();
  const { stop } = useGraphiQLActions();
  const isOver = state === 'ended';
  const problems = problemsOf(events[0]?.reply ?? {});
  return (
    <section className="answer" aria-label="Events">
      <p className="answer-summary">
        <span role="status">{STATES[state]}</span>
        <span>
          {count === 1 ? '1 event' : `${count} events`}
          {losses > 0 && `, connection lost ${losses === 1 ? 'once' : `${losses} times`}`}
        </span>
        {!isOver && (
          <button type="button" className="button button-main" onClick={stop}>
            Stop
          </button>
        )}
      </p>
      {problems.length > 0 && <Problems problems={problems} />}
      {mayMiss && <p className="answer-warning">{MAY_MISS}</p>}
      <ol className="events" reversed aria-label="Events as they came">
        {events.map((event) => (
          <EventItem key={event.number} event={event} />
        ))}
      </ol>
    </section>
  );
}

function EventItem({ event: { at, reply } }: { event: StreamEvent }) {
  return (
    <li className="event">
      <time dateTime={at.toISOString()}>{at.toLocaleTimeString([], { timeStyle: 'medium' })}</time>{' '}
      <details>
        <summary>
          <code>{eventLine(reply)}</code>
        </summary>
        <pre>{JSON.stringify(reply, null, 2)}</pre>
      </details>
    </li>
  );
}
