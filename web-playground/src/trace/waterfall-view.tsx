import { type KeyboardEvent, type PointerEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { milliseconds } from '../cost/cost';
import { Explain } from './explain-view';
import type { RecordedTrace } from './recorded';
import {
  type Bar,
  barIn,
  cacheNote,
  duration,
  type FetchRow,
  layOutTrace,
  panWindow,
  tickLabel,
  ticks,
  type Waterfall,
  WHOLE,
  type Window,
  zoomWindow,
} from './waterfall';

const ZOOM = 1.6;
const PAN = 0.2;
/** The text of a tick further to the right would be cut off. */
const MAX_TICK_LEFT = 0.74;

/** The waterfall of a trace: every bar on one scale, with an axis. */
export function WaterfallView({ recorded }: { recorded: RecordedTrace }) {
  const waterfall = layOutTrace(recorded.trace);
  const [view, setView] = useState(WHOLE);
  const [pointer, setPointer] = useState<number>();
  const rows = useWheelZoom(setView);

  function onKeyDown(event: KeyboardEvent) {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const center = (view.from + view.to) / 2;
    const next: Record<string, Window> = {
      '+': zoomWindow(view, ZOOM, center),
      '=': zoomWindow(view, ZOOM, center),
      '-': zoomWindow(view, 1 / ZOOM, center),
      '0': WHOLE,
      ArrowLeft: panWindow(view, -PAN),
      ArrowRight: panWindow(view, PAN),
    };
    const changed = next[event.key];
    if (!changed) return;
    event.preventDefault();
    setView(changed);
  }

  function onPointerMove(event: PointerEvent) {
    const track = (event.target as Element)
      .closest('.trace-track, .trace-axis-track')
      ?.getBoundingClientRect();
    setPointer(track ? (event.clientX - track.left) / track.width : undefined);
  }

  const at =
    pointer === undefined ? undefined : (view.from + pointer * (view.to - view.from)) * waterfall.totalMicros;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields.
    <div
      ref={rows}
      className="trace"
      role="group"
      aria-label="Waterfall"
      aria-description="Plus and minus zoom, arrow keys move, zero shows all."
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerMove={onPointerMove}
      onPointerLeave={() => setPointer(undefined)}
    >
      <Summary waterfall={waterfall} recorded={recorded} />
      <Axis waterfall={waterfall} view={view} onZoom={setView} at={at} pointer={pointer} />
      <ul className="trace-rows" aria-label="Phases">
        {waterfall.phases.map(({ phase, bar }) => (
          <li key={`${phase.name} ${phase.start}`} className="trace-row">
            <span className="trace-label">
              <span className="trace-name">{phase.name}</span>{' '}
              <span className="trace-note">{cacheNote(phase)}</span>
            </span>
            <Track bars={[bar]} micros={phase.duration} view={view} pointer={pointer} title={phase.name} />
          </li>
        ))}
      </ul>
      <ul className="trace-rows" aria-label="Fetches">
        {waterfall.fetches.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the trace is replaced as a whole.
          <Fetch key={index} row={row} view={view} pointer={pointer} />
        ))}
      </ul>
      <details className="trace-raw">
        <summary>Raw extension</summary>
        <pre>{JSON.stringify(recorded.trace, null, 2)}</pre>
      </details>
    </div>
  );
}

/** Ctrl and the wheel zoom at the pointer. React registers passive listeners, which cannot keep the page from zooming. */
function useWheelZoom(setView: (change: (view: Window) => Window) => void) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = element;
    if (!current) return;
    const onWheel = (event: WheelEvent) => {
      const track = (event.target as Element)
        .closest('.trace-track, .trace-axis-track')
        ?.getBoundingClientRect();
      if (!track || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      const pointer = (event.clientX - track.left) / track.width;
      setView((view) =>
        zoomWindow(view, Math.exp(-event.deltaY / 300), view.from + pointer * (view.to - view.from)),
      );
    };
    current.addEventListener('wheel', onWheel, { passive: false });
    return () => current.removeEventListener('wheel', onWheel);
  }, [setView]);
  return element;
}

function Summary({ waterfall, recorded }: { waterfall: Waterfall; recorded: RecordedTrace }) {
  const { totalMicros, fetches } = waterfall;
  const slowest = fetches.find(({ isSlowest }) => isSlowest) ?? fetches[0];
  const { cost } = recorded;
  return (
    <p className="trace-summary" role="status">
      {recorded.operationName} took <strong>{duration(totalMicros)}</strong> in the router
      {slowest && (
        <>
          ; its longest fetch, from{' '}
          <strong className="trace-subgraph" data-subgraph={slowest.fetch.subgraph}>
            {slowest.fetch.subgraph}
          </strong>
          , <strong>{duration(slowest.fetch.duration)}</strong>, of which {duration(slowest.sqlMicros)} in SQL
          statements
          {slowest.catalog &&
            ` and ${duration(slowest.catalog.micros)} in catalog lookups of the database driver`}
        </>
      )}
      .{cost && ` Cost ${milliseconds(cost.actual ?? 0)}, estimated ${milliseconds(cost.estimated)}.`}
    </p>
  );
}

interface AxisProps {
  waterfall: Waterfall;
  view: Window;
  onZoom: (view: Window) => void;
  at: number | undefined;
  pointer: number | undefined;
}

function Axis({ waterfall: { totalMicros }, view, onZoom, at, pointer }: AxisProps) {
  const center = (view.from + view.to) / 2;
  return (
    <div className="trace-row trace-axis">
      <span className="trace-zoom">
        <button
          type="button"
          className="small-button"
          aria-label="Zoom in"
          onClick={() => onZoom(zoomWindow(view, ZOOM, center))}
        >
          +
        </button>
        <button
          type="button"
          className="small-button"
          aria-label="Zoom out"
          onClick={() => onZoom(zoomWindow(view, 1 / ZOOM, center))}
        >
          −
        </button>
        <button type="button" className="small-button" onClick={() => onZoom(WHOLE)}>
          All
        </button>
      </span>
      <span className="trace-axis-track">
        {ticks(totalMicros, view)
          .filter(({ left }) => left < MAX_TICK_LEFT)
          .map(({ micros, left }) => (
            <span key={micros} className="trace-tick" style={{ left: `${left * 100}%` }}>
              {tickLabel(micros)}
            </span>
          ))}
        {at !== undefined && pointer !== undefined && (
          <span className="trace-at" style={{ left: `${pointer * 100}%` }}>
            {duration(Math.round(at))}
          </span>
        )}
      </span>
    </div>
  );
}

const MAX_TIME_WIDTH = '80px';
/** The share of a track that a time usually needs beside its bars. */
const MIN_ROOM = 0.26;

interface TrackProps {
  bars: Bar[];
  micros: number;
  view: Window;
  pointer: number | undefined;
  title: string;
}

/** The bars of a row, with its time beside them. */
function Track({ bars, micros, view, pointer, title }: TrackProps) {
  const shown = bars.map((bar) => barIn(bar, view)).filter((bar) => bar !== undefined);
  const end = Math.max(0, ...shown.map(({ left, width }) => left + width));
  const start = Math.min(1, ...shown.map(({ left }) => left));
  // On the side of the bars where there is more room; over them where there is none.
  const beside = (share: number) => `clamp(0px, ${share * 100}%, 100% - ${MAX_TIME_WIDTH})`;
  const place = 1 - end > start ? { left: beside(end) } : { right: beside(1 - start) };
  const isFull = Math.max(1 - end, start) < MIN_ROOM;
  return (
    <span className="trace-track" title={`${title}: ${duration(micros)}`}>
      {shown.map((bar, index) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: bars have no other identity.
          key={index}
          className="trace-bar"
          style={{ left: `${bar.left * 100}%`, width: `${bar.width * 100}%` }}
        />
      ))}
      {shown.length > 0 ? (
        <span
          className={isFull ? 'trace-time trace-time-inside' : 'trace-time'}
          style={isFull ? { right: 0 } : place}
        >
          {duration(micros)}
        </span>
      ) : (
        <span className="visually-hidden">{duration(micros)}</span>
      )}
      {pointer !== undefined && <span className="trace-cursor" style={{ left: `${pointer * 100}%` }} />}
    </span>
  );
}

function Fetch({ row, view, pointer }: { row: FetchRow; view: Window; pointer: number | undefined }) {
  const { fetch, bar, statements, catalog, catalogBars, isSlowest } = row;
  return (
    <li className="trace-fetch" data-subgraph={fetch.subgraph}>
      <div className={isSlowest ? 'trace-row trace-slowest' : 'trace-row'}>
        <span className="trace-label">
          <span className="trace-name">{fetch.subgraph}</span>{' '}
          <span className="trace-note">{fetchNote({ fetch, isSlowest })}</span>
        </span>
        <Track bars={[bar]} micros={fetch.duration} view={view} pointer={pointer} title={fetch.subgraph} />
      </div>
      {statements.length > 0 && (
        <ul className="trace-rows" aria-label={`Statements of ${fetch.subgraph}`}>
          {statements.map(({ statement, bar: own }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the trace is replaced as a whole.
            <li key={index} className="trace-statement">
              <Expandable
                label={
                  <>
                    <code>{statement.sql}</code>{' '}
                    <span className="trace-note trace-count">{pluralize(statement.rows, 'row')}</span>
                  </>
                }
                text={statement.sql}
                more={<Explain statement={statement} />}
              >
                <Track
                  bars={[own]}
                  micros={statement.duration}
                  view={view}
                  pointer={pointer}
                  title="SQL statement"
                />
              </Expandable>
            </li>
          ))}
        </ul>
      )}
      {catalog && (
        <div className="trace-row trace-catalog">
          <span
            className="trace-label"
            title="On a new connection, sqlx looks up enum types in PostgreSQL's catalog."
          >
            not SQL of ours: {pluralize(catalog.count, 'catalog lookup')} by the database driver
          </span>
          <Track
            bars={catalogBars}
            micros={catalog.micros}
            view={view}
            pointer={pointer}
            title="Catalog lookups of the database driver"
          />
        </div>
      )}
    </li>
  );
}

interface ExpandableProps {
  label: ReactNode;
  text: string;
  /** What comes below the text. */
  more: ReactNode;
  children: ReactNode;
}

/** A row whose label opens to the whole text below it. */
function Expandable({ label, text, more, children }: ExpandableProps) {
  return (
    <details>
      <summary className="trace-row">
        <span className="trace-label">{label}</span>
        {children}
      </summary>
      <pre>{text}</pre>
      {more}
    </details>
  );
}

function fetchNote({ fetch, isSlowest }: Pick<FetchRow, 'fetch' | 'isSlowest'>): string {
  const outside = fetch.inside === null ? 0 : fetch.duration - fetch.inside;
  const parts = [
    fetch.representations > 0 ? `${fetch.representations} × ${fetch.types.join(', ')}` : fetch.kind,
    fetch.failed ? 'no response' : `${fetch.bytes} bytes`,
    outside > 0 ? `${duration(outside)} on the way` : '',
    fetch.errors > 0 ? pluralize(fetch.errors, 'error') : '',
    fetch.omitted ? `${pluralize(fetch.omitted, 'statement')} omitted` : '',
    isSlowest ? 'longest' : '',
  ];
  return parts.filter(Boolean).join(', ');
}

function pluralize(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
