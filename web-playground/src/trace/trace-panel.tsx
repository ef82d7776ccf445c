import { type Answer, useAnswer } from '../network/answers';
import { useStream } from '../network/stream';
import { Panel } from '../panel/panel';
import { useMayLookInside } from '../session/insight';
import { readTrace } from './trace';
import { type Bar, duration, type FetchRow, layOutTrace, origin, type Waterfall } from './waterfall';
import '../graph/subgraphs.css';
import './trace-panel.css';

const LEAD = 'Where the time of the last answer went: router, subgraphs, and their SQL.';

const NO_TRACE_OF_STREAMS =
  'Subscriptions have no trace: their events come one by one, when something happens. Run a query or a mutation, and its trace is here.';

/** What the last answer took, step by step. */
export default function TracePanel() {
  const { answer } = useAnswer();
  const isStream = useStream(({ state }) => state !== 'none');
  const mayLook = useMayLookInside();
  return (
    <Panel title="Trace" lead={LEAD}>
      <Content answer={answer} isStream={isStream} mayLook={mayLook} />
    </Panel>
  );
}

interface ContentProps {
  answer: Answer | null;
  isStream: boolean;
  mayLook: boolean;
}

function Content({ answer, isStream, mayLook }: ContentProps) {
  if (!mayLook) return <p>Traces are shown by a development server, and to admins.</p>;
  if (isStream) return <p>{NO_TRACE_OF_STREAMS}</p>;
  if (!answer) return <p>Run an operation, and its trace is here.</p>;
  const trace = readTrace(answer.trace);
  if (!trace) return <p>The last answer came without a trace.</p>;
  const waterfall = layOutTrace(trace);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/useSemanticElements: it is no section of its own.
    <div className="trace" role="group" aria-label="Waterfall" tabIndex={0}>
      <Summary waterfall={waterfall} answer={answer} />
      <ul className="trace-rows" aria-label="Phases">
        {waterfall.phases.map(({ phase, bar }) => (
          <Row
            key={`${phase.name} ${phase.start}`}
            label={phase.name}
            note={origin(phase)}
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
        <summary>As the extension came</summary>
        <pre>{JSON.stringify(trace, null, 2)}</pre>
      </details>
    </div>
  );
}

function Summary({ waterfall: { wholeMicros, fetches }, answer }: { waterfall: Waterfall; answer: Answer }) {
  const slowest = fetches.find(({ isSlowest }) => isSlowest) ?? fetches[0];
  const name = answer.operationName || 'The operation';
  return (
    <p className="trace-summary" role="status">
      {name} took {duration(wholeMicros)} in the router
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
        <Line label={fetch.subgraph} note={noteOf({ fetch, isSlowest })} micros={fetch.duration} bar={bar} />
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
                <span className="trace-note">{counted(statement.rows, 'row')} </span>
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
        <p className="trace-catalog" title="On a new connection sqlx looks up what an enum looks like.">
          catalog: {counted(catalog.count, 'lookup')} by the driver, {duration(catalog.micros)}
        </p>
      )}
    </li>
  );
}

function noteOf({ fetch, isSlowest }: Pick<FetchRow, 'fetch' | 'isSlowest'>): string {
  const parts = [
    fetch.representations > 0 ? `${fetch.representations} × ${fetch.types.join(', ')}` : fetch.kind,
    fetch.failed ? 'no answer' : `${fetch.bytes} bytes`,
    fetch.errors > 0 ? counted(fetch.errors, 'error') : '',
    fetch.omitted ? `${counted(fetch.omitted, 'statement')} left out` : '',
    isSlowest ? 'longest' : '',
  ];
  return parts.filter(Boolean).join(', ');
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
