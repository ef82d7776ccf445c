import { useState } from 'react';
import { useSettings } from '../network/playground-settings';
import {
  costText,
  type DrawnPlan,
  type DrawnStep,
  layOutPlan,
  loadPlan,
  planSummary,
  rowsText,
  stepTitle,
} from './explain';
import type { Statement } from './trace';
import './explain.css';

const ORIGIN =
  'PostgreSQL’s estimate for this database, without the values of $1, $2 and so on. Nothing was executed.';

type State = 'idle' | 'loading' | { plan: DrawnPlan } | { error: string };

/** The plan of a statement, on request. Only development servers explain, and only what a trace has shown. */
export function Explain({ statement: { id } }: { statement: Statement }) {
  const isDevelopment = useSettings(({ development }) => development);
  const [state, setState] = useState<State>('idle');
  if (!isDevelopment || typeof id !== 'string') return null;

  async function explain(statement: string) {
    setState('loading');
    try {
      setState({ plan: layOutPlan(await loadPlan(statement)) });
    } catch (error) {
      setState({ error: error instanceof Error ? error.message : String(error) });
    }
  }

  return (
    <div className="explain">
      <button
        type="button"
        className="small-button"
        title="Show the plan of this statement. It is not executed."
        aria-disabled={state === 'loading'}
        onClick={() => state !== 'loading' && explain(id)}
      >
        Explain
      </button>
      <p className="explain-summary" role="status">
        <Outcome state={state} />
      </p>
      {typeof state === 'object' && 'plan' in state && (
        <>
          <ul className="explain-steps" aria-label="Plan of the statement">
            <Step drawn={state.plan.root} />
          </ul>
          <p className="trace-note">{ORIGIN}</p>
        </>
      )}
    </div>
  );
}

function Outcome({ state }: { state: State }) {
  if (state === 'idle') return null;
  if (state === 'loading') return 'Loading the plan…';
  if ('error' in state) return <span className="explain-problem">{state.error}</span>;
  return planSummary(state.plan);
}

function Step({ drawn: { step, ownCost, bar, scan, steps } }: { drawn: DrawnStep }) {
  const { name, table, alias, index, rows, details = [] } = step;
  return (
    <li>
      <div className="explain-step" data-scan={scan}>
        <span className="explain-label">
          {name && <span className="trace-note">{name}: </span>}
          <strong>{stepTitle(step)}</strong>
          {table && (
            <>
              {' on '}
              <code>{table}</code>
              {alias && alias !== table && ` ${alias}`}
            </>
          )}
          {index && (
            <>
              {' using '}
              <code>{index}</code>
            </>
          )}{' '}
          <span className="trace-note">{rowsText(rows)}</span>
          {scan !== 'none' && (
            <>
              {' '}
              <span className="explain-scan">{scanText(scan, step.tableRows)}</span>
            </>
          )}
        </span>
        <span className="explain-cost">
          <span className="explain-track" aria-hidden="true">
            <span className="explain-bar" style={{ width: `${bar * 100}%` }} />
          </span>
          <span>cost {costText(ownCost)}</span>
        </span>
      </div>
      {details.length > 0 && (
        <dl className="explain-details">
          {details.map(({ name: what, sql }) => (
            <div key={what}>
              <dt>{what}</dt>
              <dd>
                <code>{sql}</code>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {steps.length > 0 && (
        <ul className="explain-steps">
          {steps.map((below, position) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the plan is replaced as a whole.
            <Step key={position} drawn={below} />
          ))}
        </ul>
      )}
    </li>
  );
}

function scanText(scan: DrawnStep['scan'], tableRows: number | undefined): string {
  if (scan === 'large table') return `⚠ whole large table, ${rowsText(tableRows ?? 0)}`;
  return tableRows === undefined ? 'whole table' : `whole table, ${rowsText(tableRows)}`;
}
