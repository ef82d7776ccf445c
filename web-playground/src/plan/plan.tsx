import { useGraphiQL } from '@graphiql/react';
import { useMemo, useState } from 'react';
import { Canvas } from '../graph/canvas';
import { Panel } from '../panel/panel';
import { Prose } from '../panel/prose';
import { useCanTrace } from '../session/trace-access';
import { useCurrentPlan } from './current-plan';
import { type Box, type Line, layOut, MAX_NAMED_FIELDS, pathLabel, stepLabel } from './layout';
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
  const drawing = useMemo(() => layOut(steps), [steps]);
  const [chosen, setChosen] = useState<number>();
  const fetch = steps.fetches.find(({ id }) => id === chosen);

  return (
    <>
      <p className="plan-summary" role="status">
        {summary(steps)}
      </p>
      <div className="plan-body">
        <Canvas label="Query plan" width={drawing.width} height={drawing.height} minScale={0.6}>
          <Lines lines={drawing.lines} width={drawing.width} height={drawing.height} />
          {drawing.frames.map((frame) => (
            <div
              key={`${frame.x} ${frame.y}`}
              className="plan-frame"
              style={{ left: frame.x, top: frame.y, width: frame.width, height: frame.height }}
            />
          ))}
          {drawing.labels.map(({ fetch: id, x, y, text }) => (
            <span key={id} className="plan-key" style={{ left: x, top: y }}>
              {text}
            </span>
          ))}
          {drawing.boxes.map((box) => (
            <FetchBox key={box.fetch.id} box={box} isChosen={box.fetch.id === chosen} onChoose={setChosen} />
          ))}
        </Canvas>
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

function Lines({ lines, width, height }: { lines: Line[]; width: number; height: number }) {
  return (
    <svg className="canvas-lines" width={width} height={height} aria-hidden="true">
      <defs>
        <marker
          id="plan-head"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" fill="context-stroke" />
        </marker>
      </defs>
      {lines.map(({ arrow, from, to }) => {
        const bend = Math.max((to.y - from.y) / 2, 16);
        return (
          <path
            key={`${arrow.from} ${arrow.to}`}
            className="plan-line"
            d={`M${from.x} ${from.y}C${from.x} ${from.y + bend} ${to.x} ${to.y - bend} ${to.x} ${to.y}`}
            markerEnd="url(#plan-head)"
          />
        );
      })}
    </svg>
  );
}

interface BoxProps {
  box: Box;
  isChosen: boolean;
  onChoose: (id: number) => void;
}

function FetchBox({ box: { fetch, x, y, width, height, step }, isChosen, onChoose }: BoxProps) {
  const more = fetch.fields.length - MAX_NAMED_FIELDS;
  return (
    <button
      type="button"
      className="plan-box"
      data-subgraph={fetch.subgraph}
      aria-pressed={isChosen}
      style={{ left: x, top: y, width, height }}
      onClick={() => onChoose(fetch.id)}
    >
      <span className="plan-name">
        {fetch.subgraph}
        <span className="plan-step">{stepLabel(fetch.kind, step)}</span>
      </span>
      {fetch.path.length > 0 && <span className="plan-line-text plan-quiet">{pathLabel(fetch.path)}</span>}
      {fetch.fields.slice(0, MAX_NAMED_FIELDS).map((field) => (
        <code key={field} className="plan-line-text">
          {field}
        </code>
      ))}
      {more > 0 && <span className="plan-line-text plan-quiet">and {more} more</span>}
    </button>
  );
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
