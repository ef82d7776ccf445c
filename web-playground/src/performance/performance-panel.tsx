import { useMemo, useState } from 'react';
import supergraph from '../../../supergraph.graphql?raw';
import { milliseconds } from '../cost/cost';
import { splitCost } from '../cost/cost-parts';
import { readWeights } from '../cost/weights';
import { runActiveTab } from '../editor/actions';
import type { LastResponse } from '../execution/response';
import { type Run, useActiveRun } from '../execution/runs';
import { Panel } from '../panel/panel';
import { PlanDrawing } from '../plan/plan-drawing';
import type { PlanResult } from '../plan/request-plan';
import { readPlan } from '../plan/steps';
import { useCanTrace } from '../session/trace-access';
import { readTrace, type Trace } from '../trace/trace';
import { duration, layOutTrace } from '../trace/waterfall';
import { CostTable } from './cost-table';
import { placeOf } from './fetch-name';
import { type CostRow, costRows, type LinkedFetch, linkFetches, ownerIn } from './linked-fetches';
import { Part } from './part';
import { usePlanOfRun } from './plan-of-run';
import { StatementList } from './statement-list';
import { timeShares } from './time-shares';
import { Timeline } from './timeline';
import './performance.css';

const LEAD =
  'Why is it slow? The plan, time, cost and SQL of the last run. Choose a fetch to see its part of each.';

const weights = readWeights(supergraph);

/** Plan, trace, cost and SQL of the last run side by side: choosing a fetch in one of them shows it in all. */
export default function PerformancePanel() {
  const run = useActiveRun();
  const isAllowed = useCanTrace();
  const response = run?.response ?? undefined;
  const trace = useMemo(() => readTrace(response?.trace), [response]);
  return (
    <Panel title="Performance" lead={LEAD} actions={isAllowed && <RunAgain run={run} />}>
      {isAllowed && response && trace ? (
        <RunView key={response.receivedAt} response={response} trace={trace} />
      ) : (
        <p role="status">{absence(isAllowed, run)}</p>
      )}
    </Panel>
  );
}

function absence(isAllowed: boolean, run: Run | undefined): string {
  if (!isAllowed) return 'Plans and traces are available on development servers, and to admins.';
  if (run?.stream) return 'Subscriptions have no trace. Run a query or mutation.';
  if (run?.isRunning) return 'Running…';
  return run?.response ? 'The last response has no trace.' : 'Run an operation to see where its time goes.';
}

function RunAgain({ run }: { run: Run | undefined }) {
  return (
    <button
      type="button"
      className="button"
      title="Run the operation at the cursor of the editor"
      onClick={runActiveTab}
    >
      {run?.isRunning ? 'Stop' : run?.response ? 'Run again' : 'Run'}
    </button>
  );
}

function RunView({ response, trace }: { response: LastResponse; trace: Trace }) {
  const result = usePlanOfRun(response);
  const [chosen, setChosen] = useState<number>();
  const { steps, waterfall, links, costs } = useMemo(
    () => analyze(response, trace, result),
    [response, trace, result],
  );
  const link = links.find(({ id }) => id === chosen);

  // Until then it is unknown which fetch is which.
  if (!result) return <p role="status">Loading the plan…</p>;
  return (
    <div className="performance">
      <div className="performance-summary">
        <Shares trace={trace} name={response.operationName || 'The operation'} />
        <Choice links={links} link={link} costs={costs} onChoose={setChosen} />
      </div>
      <div className="performance-parts">
        <section className="performance-part performance-plan" aria-label="Plan">
          <h3 className="performance-title">
            Plan{' '}
            <span className="performance-note">{result.plan ? countOf(links, 'fetch', 'fetches') : ''}</span>
          </h3>
          {result.plan ? (
            <PlanDrawing
              steps={steps}
              chosen={chosen}
              onChoose={(id) => setChosen(id === chosen ? undefined : id)}
            />
          ) : (
            <p role="status">No plan: {result.errors[0]?.message}</p>
          )}
        </section>
        <Part title="Time" note={`${duration(trace.total)} in the router`} chosen={chosen}>
          <Timeline waterfall={waterfall} links={links} chosen={chosen} onChoose={setChosen} />
        </Part>
        <Part title="Cost" note="work of the databases and servers" chosen={chosen}>
          {response.cost && costs ? (
            <CostTable cost={response.cost} rows={costs} links={links} chosen={chosen} onChoose={setChosen} />
          ) : (
            <p className="performance-empty">The response has no cost.</p>
          )}
        </Part>
        <Part title="SQL" note="slowest first" chosen={chosen}>
          <StatementList links={links} chosen={chosen} onChoose={setChosen} />
        </Part>
      </div>
    </div>
  );
}

function analyze(response: LastResponse, trace: Trace, result: PlanResult | undefined) {
  const steps = readPlan(result?.plan);
  const waterfall = layOutTrace(trace);
  const links = linkFetches(steps, waterfall);
  const { data } = response.response;
  const parts = splitCost(response.request, data, weights, ownerIn(steps));
  const isExecuted = response.cost?.actual !== null;
  return { steps, waterfall, links, costs: parts && costRows(links, parts, isExecuted) };
}

function countOf(all: unknown[], one: string, more: string): string {
  return all.length === 1 ? `1 ${one}` : `${all.length} ${more}`;
}

/** What the whole time was spent on. */
function Shares({ trace, name }: { trace: Trace; name: string }) {
  const shares = timeShares(trace);
  return (
    <>
      <p className="performance-line">
        {name} took <strong>{duration(trace.total)}</strong>:{' '}
        {shares.map(({ kind, label, micros }, index) => (
          <span key={kind}>
            {index > 0 && ', '}
            <span className="performance-key" data-kind={kind} />
            {duration(micros)} {label}
          </span>
        ))}
        .
      </p>
      <div className="performance-shares" aria-hidden="true">
        {shares.map(({ kind, micros }) => (
          <span key={kind} data-kind={kind} style={{ flexGrow: micros }} />
        ))}
      </div>
    </>
  );
}

interface ChoiceProps {
  links: LinkedFetch[];
  link: LinkedFetch | undefined;
  costs: CostRow[] | undefined;
  onChoose: (id: number | undefined) => void;
}

/** What is chosen, in one sentence, and the way to the others. */
function Choice({ links, link, costs, onChoose }: ChoiceProps) {
  const index = link ? links.indexOf(link) : -1;
  const step = (by: number) => onChoose(links.at((index + by) % links.length)?.id);
  return (
    <div className="performance-choice">
      <p className="performance-line" role="status" aria-label="Chosen fetch" data-subgraph={link?.subgraph}>
        {link ? (
          <>
            <strong className="performance-name">{link.subgraph}</strong> {describe(link, costs)}
          </>
        ) : (
          'No fetch is chosen.'
        )}
      </p>
      <span className="performance-steps">
        <button type="button" className="button" onClick={() => step(index < 0 ? links.length : -1)}>
          Previous
        </button>
        <button type="button" className="button" onClick={() => step(1)}>
          Next fetch
        </button>
        <button type="button" className="button" disabled={!link} onClick={() => onChoose(undefined)}>
          None
        </button>
      </span>
    </div>
  );
}

function describe(link: LinkedFetch, costs: CostRow[] | undefined): string {
  const { traced, isAmbiguous } = link;
  const cost = costs?.find(({ fetch }) => fetch === link.id);
  const parts = [
    placeOf(link),
    traced ? duration(traced.fetch.duration) : 'not sent: nothing to fetch',
    traced && `${countOf(traced.statements, 'statement', 'statements')} of ${duration(traced.sqlMicros)}`,
    cost && `cost ${milliseconds(cost.actual ?? 0)}, estimated ${milliseconds(cost.estimated)}`,
    traced?.fetch.representations ? countOf(Array(traced.fetch.representations), 'object', 'objects') : '',
    isAmbiguous && 'matched by its order, since another fetch is alike',
  ];
  return `${parts.filter(Boolean).join('; ')}.`;
}
