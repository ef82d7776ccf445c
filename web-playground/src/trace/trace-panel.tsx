import type { LastResponse } from '../execution/response';
import { useActiveRun } from '../execution/runs';
import { Panel } from '../panel/panel';
import { useCanTrace } from '../session/trace-access';
import { readTrace } from './trace';
import { type Bar, cacheNote, duration, type FetchRow, layOutTrace, type Waterfall } from './waterfall';
import './trace-panel.css';

const LEAD = 'Where the last response spent its time: in the router, the subgraphs and their SQL.';

const NO_SUBSCRIPTION_TRACE = 'Subscriptions have no trace. Run a query or mutation to see its trace.';

/** The trace of the last response. */
export default function TracePanel() {
  const run = useActiveRun();
  const isAllowed = useCanTrace();
  return (
    <Panel title="Trace" lead={LEAD}>
      <Content lastResponse={run?.response ?? null} isStream={Boolean(run?.stream)} isAllowed={isAllowed} />
    </Panel>
  );
}

interface ContentProps {
  lastResponse: LastResponse | null;
  isStream: boolean;
  isAllowed: boolean;
}

function Content({ lastResponse, isStream, isAllowed }: ContentProps) {
  if (!isAllowed) return <p>Traces are available on development servers, and to admins.</p>;
  if (isStream) return <p>{NO_SUBSCRIPTION_TRACE}</p>;
  if (!lastResponse) return <p>Run an operation to see its trace.</p>;
  const trace = readTrace(lastResponse.trace);
  if (!trace) return <p>The last response has no trace.</p>;
  const waterfall = layOutTrace(trace);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/useSemanticElements: it is not a section of its own.
    <div className="trace" role="group" aria-label="Waterfall" tabIndex={0}>
      <Summary waterfall={waterfall} lastResponse={lastResponse} />
      <ul className="trace-rows" aria-label="Phases">
        {waterfall.phases.map(({ phase, bar }) => (
          <Row
            key={`${phase.name} ${phase.start}`}
            label={phase.name}
            note={cacheNote(phase)}
            micros={phase.duration}
            bar={bar}
          />
        ))}
      </ul>
      <ul className="trace-rows" aria-label="Fetches">
        {waterfall.fetches.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the trace is replaced as a whole.
          <Fetch key={index} row={row} />
        ))}
      </ul>
      <details className="trace-raw">
        <summary>Raw extension</summary>
        <pre>{JSON.stringify(trace, null, 2)}</pre>
      </details>
    </div>
  );
}

function Summary({
  waterfall: { totalMicros, fetches },
  lastResponse,
}: {
  waterfall: Waterfall;
  lastResponse: LastResponse;
}) {
  const slowest = fetches.find(({ isSlowest }) => isSlowest) ?? fetches[0];
  const name = lastResponse.operationName || 'The operation';
  return (
    <p className="trace-summary" role="status">
      {name} took {duration(totalMicros)} in the router
      {slowest && (
        <>
          ; its longest fetch, from{' '}
          <strong className="trace-subgraph" data-subgraph={slowest.fetch.subgraph}>
            {slowest.fetch.subgraph}
          </strong>
          , {duration(slowest.fetch.duration)}, of which {duration(slowest.sqlMicros)} in the database
        </>
      )}
      .
    </p>
  );
}

interface RowProps {
  label: string;
  note: string;
  micros: number;
  bar: Bar;
  subgraph?: string;
}

function Row({ label, note, micros, bar, subgraph }: RowProps) {
  return (
    <li className="trace-row" data-subgraph={subgraph}>
      <Line label={label} note={note} micros={micros} bar={bar} />
    </li>
  );
}

function Line({ label, note, micros, bar }: Omit<RowProps, 'subgraph'>) {
  return (
    <>
      <span className="trace-label">
        <span className="trace-name">{label}</span> <span className="trace-note">{note}</span>
      </span>
      <span className="trace-time">{duration(micros)}</span>
      <span className="trace-track" aria-hidden="true">
        <span className="trace-bar" style={{ left: `${bar.left * 100}%`, width: `${bar.width * 100}%` }} />
      </span>
    </>
  );
}

function Fetch({ row: { fetch, bar, statements, catalog, isSlowest } }: { row: FetchRow }) {
  return (
    <li className="trace-fetch" data-subgraph={fetch.subgraph}>
      <div className={isSlowest ? 'trace-row trace-slowest' : 'trace-row'}>
        <Line
          label={fetch.subgraph}
          note={fetchNote({ fetch, isSlowest })}
          micros={fetch.duration}
          bar={bar}
        />
      </div>
      {statements.length > 0 && (
        <ul className="trace-rows" aria-label={`Statements of ${fetch.subgraph}`}>
          {statements.map(({ statement, bar: own }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the trace is replaced as a whole.
            <li key={index} className="trace-row trace-statement">
              <details className="trace-label">
                <summary>
                  <code>{statement.sql}</code>
                </summary>
                <pre>{statement.sql}</pre>
              </details>
              <span className="trace-time">
                <span className="trace-note">{pluralize(statement.rows, 'row')} </span>
                {duration(statement.duration)}
              </span>
              <span className="trace-track" aria-hidden="true">
                <span
                  className="trace-bar"
                  style={{ left: `${own.left * 100}%`, width: `${own.width * 100}%` }}
                />
              </span>
            </li>
          ))}
        </ul>
      )}
      {catalog && (
        <p
          className="trace-catalog"
          title="On a new connection, sqlx looks up enum types in the PostgreSQL catalog."
        >
          catalog: {pluralize(catalog.count, 'lookup')} by the driver, {duration(catalog.micros)}
        </p>
      )}
    </li>
  );
}

function fetchNote({ fetch, isSlowest }: Pick<FetchRow, 'fetch' | 'isSlowest'>): string {
  const parts = [
    fetch.representations > 0 ? `${fetch.representations} × ${fetch.types.join(', ')}` : fetch.kind,
    fetch.failed ? 'no response' : `${fetch.bytes} bytes`,
    fetch.errors > 0 ? pluralize(fetch.errors, 'error') : '',
    fetch.omitted ? `${pluralize(fetch.omitted, 'statement')} omitted` : '',
    isSlowest ? 'longest' : '',
  ];
  return parts.filter(Boolean).join(', ');
}

function pluralize(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
