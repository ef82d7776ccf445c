import { useMemo } from 'react';
import { Canvas } from '../graph/canvas';
import { type Box, type Line, layOut, MAX_NAMED_FIELDS, pathLabel, stepLabel } from './layout';
import type { Steps } from './steps';
import './plan.css';

interface Props {
  steps: Steps;
  /** The id of a fetch. */
  chosen: number | undefined;
  onChoose: (id: number) => void;
}

/** A query plan as a drawing: its fetches, in which one can be chosen. */
export function PlanDrawing({ steps, chosen, onChoose }: Props) {
  const drawing = useMemo(() => layOut(steps), [steps]);
  const selection = useMemo(() => drawing.boxes.find(({ fetch }) => fetch.id === chosen), [drawing, chosen]);
  return (
    <Canvas
      label="Query plan"
      width={drawing.width}
      height={drawing.height}
      minScale={0.6}
      selection={selection}
    >
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
        <FetchBox key={box.fetch.id} box={box} isChosen={box.fetch.id === chosen} onChoose={onChoose} />
      ))}
    </Canvas>
  );
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
