import { useGraphiQLActions } from '@graphiql/react';
import { type Cost, milliseconds } from '../cost/cost';
import { type DisplayedError, displayedErrors, type LastResponse } from '../execution/response';
import { stopRun, useActiveRun, useRuns } from '../execution/runs';
import type { Stream, StreamEvent } from '../execution/subscription';
import { Prose } from '../panel/prose';
import { widenPanel } from '../panel/wide-panel';
import { PERFORMANCE_PLUGIN } from '../plugins/performance';
import { eventLine } from './event-line';
import { SessionHints } from './session-hints';
import './response-footer.css';

/** Below the response: its errors, size and cost, or the events of a subscription. */
export function ResponseFooter() {
  const run = useActiveRun();
  if (run?.stream) return <Events stream={run.stream} />;
  if (run?.isRunning || run?.problem) return null;
  if (!run?.response) return <p className="response response-summary">{NO_RESPONSE}</p>;

  const { response } = run;
  const errors = displayedErrors(response.response);
  return (
    <section className="response" aria-label="Errors and size">
      <div className="response-first">
        <p className="response-summary" role="status" title={UNITS}>
          <span>{summary(response, errors.length)}</span>
          {response.cost && <span>{costText(response.cost)}</span>}
        </p>
        {response.traceBytes > 0 && <WhySlow />}
      </div>
      <SessionHints response={response.response} />
      {errors.length > 0 && <ErrorList errors={errors} />}
    </section>
  );
}

/** Opens the panel that explains the time, in the whole window. */
function WhySlow() {
  const { setVisiblePlugin } = useGraphiQLActions();
  return (
    <button
      type="button"
      className="button response-why"
      onClick={() => {
        setVisiblePlugin(PERFORMANCE_PLUGIN);
        widenPanel(PERFORMANCE_PLUGIN.title);
      }}
    >
      Why is it slow?
    </button>
  );
}

const NO_RESPONSE =
  'Run the operation to see its response here: use the Execute button or Ctrl+Enter (⌘ Enter).';

const UNITS = 'Size: uncompressed JSON. Cost: work of the databases and servers, in milliseconds.';

function summary({ durationMs, bytes, traceBytes }: LastResponse, errors: number): string {
  const errorText = errors === 0 ? 'No errors' : errors === 1 ? '1 error' : `${errors} errors`;
  const trace = traceBytes > 0 ? ` + ${size(traceBytes)} trace` : '';
  return `${errorText} · ${Math.round(durationMs)} ms · ${size(bytes)}${trace}`;
}

function costText({ estimated, actual, remaining }: Cost): string {
  const cost = `Cost ${milliseconds(actual ?? 0)}, estimated ${milliseconds(estimated)}`;
  return remaining === null ? cost : `${cost} · ${milliseconds(remaining)} of the budget remaining`;
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** The response above has all errors. */
const MAX_SHOWN_ERRORS = 50;

function ErrorList({ errors }: { errors: DisplayedError[] }) {
  return (
    <ul className="response-errors" aria-label="Errors">
      {errors.slice(0, MAX_SHOWN_ERRORS).map((error, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is replaced as a whole.
        <li key={index} className="response-error" data-subgraph={error.subgraph}>
          <p className="response-error-what">
            {error.code && <code className="response-error-code">{error.code}</code>}
            {error.path && (
              <span>
                at <code>{error.path}</code>
              </span>
            )}
            {error.location && <span>line {error.location}</span>}
            {error.note && <span>{error.note}</span>}
            {error.subgraph && <span className="response-error-subgraph">{error.subgraph}</span>}
            {error.code && (
              <a className="response-error-link" href={`#error=${encodeURIComponent(error.code)}`}>
                What does it mean?
              </a>
            )}
          </p>
          <p className="response-error-message">
            <Prose text={error.message} />
          </p>
        </li>
      ))}
      {errors.length > MAX_SHOWN_ERRORS && (
        <li className="response-error">… and {errors.length - MAX_SHOWN_ERRORS} more.</li>
      )}
    </ul>
  );
}

const STATE_LABELS = {
  connecting: 'Connecting…',
  live: 'Live: waiting for events',
  reconnecting: 'Connection lost. Reconnecting…',
  ended: 'Ended',
};

const MISSED_EVENTS_WARNING =
  'Events may be missing: the subscription could not be resumed after the connection was lost. Select the id of each event to make it resumable.';

function Events({ stream }: { stream: Stream }) {
  const { state, events, count, disconnects, mayHaveMissedEvents } = stream;
  const isOver = state === 'ended';
  const errors = displayedErrors(events[0]?.response ?? {});
  return (
    <section className="response" aria-label="Events">
      <p className="response-summary">
        <span role="status">{STATE_LABELS[state]}</span>
        <span>
          {count === 1 ? '1 event' : `${count} events`}
          {disconnects > 0 && `, connection lost ${disconnects === 1 ? 'once' : `${disconnects} times`}`}
        </span>
        {!isOver && (
          <button
            type="button"
            className="button button-main"
            onClick={() => stopRun(useRuns.getState().activeTab)}
          >
            Stop
          </button>
        )}
      </p>
      {errors.length > 0 && <ErrorList errors={errors} />}
      {mayHaveMissedEvents && <p className="response-warning">{MISSED_EVENTS_WARNING}</p>}
      <ol className="events" reversed aria-label="Events, newest first">
        {events.map((event) => (
          <EventItem key={event.number} event={event} />
        ))}
      </ol>
    </section>
  );
}

function EventItem({ event: { at, response } }: { event: StreamEvent }) {
  return (
    <li className="event">
      <time dateTime={at.toISOString()}>{at.toLocaleTimeString([], { timeStyle: 'medium' })}</time>{' '}
      <details>
        <summary>
          <code>{eventLine(response)}</code>
        </summary>
        <pre>{JSON.stringify(response, null, 2)}</pre>
      </details>
    </li>
  );
}
