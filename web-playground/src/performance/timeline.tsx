import {
  type Bar,
  cacheNote,
  duration,
  type FetchRow,
  tickLabel,
  ticks,
  type Waterfall,
  WHOLE,
} from '../trace/waterfall';
import { FetchButton } from './fetch-name';
import type { LinkedFetch } from './linked-fetches';

/** The text of a tick further to the right would be cut off. */
const MAX_TICK_LEFT = 0.8;

interface Props {
  waterfall: Waterfall;
  links: LinkedFetch[];
  chosen: number | undefined;
  onChoose: (id: number | undefined) => void;
}

/** The phases and fetches on one scale; within a fetch, its statements. */
export function Timeline({ waterfall, links, chosen, onChoose }: Props) {
  const sent = links
    .flatMap((link) => (link.traced ? [{ link, row: link.traced }] : []))
    .toSorted((one, other) => one.row.fetch.start - other.row.fetch.start);
  const unsent = links.filter(({ traced }) => !traced);
  return (
    <>
      <div className="performance-row performance-axis" aria-hidden="true">
        <span />
        <span className="performance-ticks">
          {ticks(waterfall.totalMicros, WHOLE)
            .filter(({ left }) => left < MAX_TICK_LEFT)
            .map(({ micros, left }) => (
              <span key={micros} className="performance-tick" style={{ left: `${left * 100}%` }}>
                {tickLabel(micros)}
              </span>
            ))}
        </span>
        <span />
      </div>
      <ul className="performance-list" aria-label="Phases of the router">
        {waterfall.phases.map(({ phase, bar }) => (
          <li key={`${phase.name} ${phase.start}`} className="performance-row">
            <span className="performance-phase">
              {phase.name} <span className="performance-place">{cacheNote(phase)}</span>
            </span>
            <Track bar={bar} />
            <span className="performance-time">{duration(phase.duration)}</span>
          </li>
        ))}
      </ul>
      <ul className="performance-list" aria-label="Fetches by time">
        {sent.map(({ link, row }) => (
          <li
            key={link.id}
            className="performance-row"
            data-subgraph={link.subgraph}
            data-chosen={link.id === chosen}
          >
            <FetchButton link={link} isChosen={link.id === chosen} onChoose={onChoose} />
            <Track bar={row.bar} statements={statementBars(row)} />
            <span className="performance-time">
              {duration(row.fetch.duration)}
              {row.isSlowest && <span className="performance-longest"> longest</span>}
            </span>
          </li>
        ))}
        {unsent.map((link) => (
          <li key={link.id} className="performance-row" data-chosen={link.id === chosen}>
            <FetchButton link={link} isChosen={link.id === chosen} onChoose={onChoose} />
            <span className="performance-place">not sent: nothing to fetch</span>
            <span />
          </li>
        ))}
      </ul>
    </>
  );
}

function statementBars({ statements, catalogBars }: FetchRow): Bar[] {
  return [...statements.map(({ bar }) => bar), ...catalogBars];
}

function Track({ bar, statements = [] }: { bar: Bar; statements?: Bar[] }) {
  const place = ({ left, width }: Bar) => ({ left: `${left * 100}%`, width: `${width * 100}%` });
  return (
    <span className="performance-track" aria-hidden="true">
      <span className="performance-bar" style={place(bar)} />
      {statements.map((statement, index) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: bars have no other identity.
          key={index}
          className="performance-sql-bar"
          style={place(statement)}
        />
      ))}
    </span>
  );
}
