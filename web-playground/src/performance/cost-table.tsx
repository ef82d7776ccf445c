import { type Cost, milliseconds } from '../cost/cost';
import { FetchButton } from './fetch-name';
import type { CostRow, LinkedFetch } from './linked-fetches';

interface Props {
  /** What the server says of the whole. */
  cost: Cost;
  rows: CostRow[];
  links: LinkedFetch[];
  chosen: number | undefined;
  onChoose: (id: number | undefined) => void;
}

/** The cost before and after the execution, by fetch. */
export function CostTable({ cost, rows, links, chosen, onChoose }: Props) {
  const most = Math.max(...rows.map(({ estimated, actual = 0 }) => Math.max(estimated, actual)), 0.001);
  const rest = {
    estimated: cost.estimated - sum(rows.map(({ estimated }) => estimated)),
    actual: cost.actual === null ? undefined : cost.actual - sum(rows.map(({ actual = 0 }) => actual)),
  };
  return (
    <table className="performance-cost">
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Before: estimated</th>
          <th scope="col">After: actual</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const link = links.find(({ id }) => id === row.fetch);
          const isChosen = link !== undefined && link.id === chosen;
          return (
            <CostRows key={row.fetch ?? 'request'} row={row} most={most} link={link} isChosen={isChosen}>
              {link ? <FetchButton link={link} isChosen={isChosen} onChoose={onChoose} /> : 'Every request'}
            </CostRows>
          );
        })}
        {(isNotable(rest.estimated) || isNotable(rest.actual ?? 0)) && (
          <tr>
            <th scope="row">Not split</th>
            <Amount micros={rest.estimated} most={most} />
            <Amount micros={rest.actual} most={most} />
          </tr>
        )}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">All</th>
          <td>{milliseconds(cost.estimated)}</td>
          <td>{cost.actual === null ? '–' : milliseconds(cost.actual)}</td>
        </tr>
      </tfoot>
    </table>
  );
}

interface CostRowsProps {
  row: CostRow;
  most: number;
  link: LinkedFetch | undefined;
  isChosen: boolean;
  children: React.ReactNode;
}

/** A fetch, and when it is chosen what its cost consists of. */
function CostRows({ row, most, link, isChosen, children }: CostRowsProps) {
  return (
    <>
      <tr data-subgraph={link?.subgraph} data-chosen={isChosen}>
        <th scope="row">{children}</th>
        <Amount micros={row.estimated} most={most} />
        <Amount micros={row.actual} most={most} />
      </tr>
      {isChosen &&
        row.parts.map(({ label, estimated, actual }) => (
          <tr key={label} className="performance-cost-part">
            <th scope="row">
              <code>{label}</code>
            </th>
            <td>{milliseconds(estimated)}</td>
            <td>{actual === undefined ? '–' : milliseconds(actual)}</td>
          </tr>
        ))}
    </>
  );
}

function Amount({ micros: cost, most }: { micros: number | undefined; most: number }) {
  if (cost === undefined) return <td>–</td>;
  return (
    <td>
      {milliseconds(cost)}
      <span className="performance-amount" style={{ width: `${(Math.max(cost, 0) / most) * 100}%` }} />
    </td>
  );
}

/** The server rounds to microseconds. */
function isNotable(rest: number): boolean {
  return Math.abs(rest) > 0.002;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
