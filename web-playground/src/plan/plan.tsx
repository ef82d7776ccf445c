import { useGraphiQL } from '@graphiql/react';
import { useState } from 'react';
import { Panel } from '../panel/panel';
import { Prose } from '../panel/prose';
import { useCanTrace } from '../session/trace-access';
import { useCurrentPlan } from './current-plan';
import { PlanDrawing } from './plan-drawing';
import { type Fetch, readPlan, type Steps } from './steps';
import './plan.css';

const LEAD = 'The query plan of the operation in the editor. Nothing is executed.';

/** The query plan of the operation in the editor. */
export default function Plan() {
  const isAllowed = useCanTrace();
  return (
    <Panel title="Plan" lead={LEAD}>
      {isAllowed ? <CurrentPlan /> : <p>Query plans are available on development servers, and to admins.</p>}
    </Panel>
  );
}

function CurrentPlan() {
  const { result } = useCurrentPlan();
  const isEmpty = useGraphiQL(({ tabs, activeTabIndex }) => !tabs[activeTabIndex]?.query?.trim());

  if (isEmpty) return <p>There is no operation in the editor.</p>;
  if (!result) return <p role="status">Loading the plan…</p>;
  if (!result.plan) return <PlanErrors messages={result.errors.map(({ message }) => message)} />;
  return <PlanDiagram steps={readPlan(result.plan)} />;
}

function PlanErrors({ messages }: { messages: string[] }) {
  return (
    <div role="status">
      <p>The operation cannot be planned:</p>
      <ul>
        {messages.map((message) => (
          <li key={message} className="plan-problem">
            <Prose text={message} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function PlanDiagram({ steps }: { steps: Steps }) {
  const [chosen, setChosen] = useState<number>();
  const fetch = steps.fetches.find(({ id }) => id === chosen);

  return (
    <>
      <p className="plan-summary" role="status">
        {summary(steps)}
      </p>
      <div className="plan-body">
        <PlanDrawing steps={steps} chosen={chosen} onChoose={setChosen} />
        {fetch && <Details fetch={fetch} onClose={() => setChosen(undefined)} />}
      </div>
    </>
  );
}

function summary({ fetches, root }: Steps): string {
  const steps = root.kind === 'sequence' ? root.steps.length : 1;
  const names = [...new Set(fetches.map(({ subgraph }) => subgraph))].join(', ');
  const fetchCount = fetches.length === 1 ? '1 fetch' : `${fetches.length} fetches`;
  return `${fetchCount} in ${steps === 1 ? '1 step' : `${steps} steps`}: ${names}`;
}

function Details({ fetch, onClose }: { fetch: Fetch; onClose: () => void }) {
  return (
    <section className="plan-details" aria-label="Fetch" data-subgraph={fetch.subgraph}>
      <p className="plan-name">
        {fetch.subgraph}
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      </p>
      {fetch.path.length > 0 && <p>for {fetch.path.join('.')}</p>}
      {fetch.requires.length > 0 && <p>requires {fetch.requires.join(', ')}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre tabIndex={0}>{fetch.operation}</pre>
    </section>
  );
}
