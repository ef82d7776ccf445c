import { useGraphiQL } from '@graphiql/react';
import { memo, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Canvas } from '../graph/canvas';
import { subgraphs } from '../graph/subgraphs';
import { type GraphField, type GraphType, graphTypes } from '../graph/supergraph';
import type { Area } from '../graph/view';
import { Panel } from '../panel/panel';
import { chooseLayout, isReadableWhole } from './arrange';
import { Details } from './details';
import { areaOf, type Card, EDGE_BEND, type Edge, type GraphDrawing, isTall, layOutMap } from './layout';
import { selectedParts } from './operation-way';
import { type SearchResult, search } from './search';
import type { GraphSelection } from './selection';
import './graph-map.css';

const LEAD =
  'The whole graph, with each field in the subgraph that resolves it. Dashed lines join the parts of an entity.';
/** Drawings with one column up to one for each subgraph and one for shared types. */
const DRAWINGS = [...subgraphs, ''].map((_, index) => layOutMap(graphTypes, subgraphs, index + 1));
/** The same without fields. */
const OVERVIEWS = [...subgraphs, ''].map((_, index) => layOutMap(graphTypes, subgraphs, index + 1, true));
const [NARROWEST_DRAWING] = DRAWINGS;
/** The height of a selected card that must be visible, in pixels of the drawing. */
const MAX_FOCUS_HEIGHT = 160;

/** A map of the supergraph: the subgraphs, and the entities that connect them. */
export default function GraphMap() {
  const [chosen, setChosen] = useState<GraphSelection>();
  const [scrollTarget, setScrollTarget] = useState<Area>();
  const [showsAll, setShowsAll] = useState(false);
  const [showsWay, setShowsWay] = useState(false);
  const [body, size] = useSize();
  const [canvasFrame, canvasSize] = useSize();
  // Opening the details keeps the layout of a readable map, but fits a map that is shown in full again.
  const available = showsAll ? canvasSize : size;
  const isOverview = showsAll && !isReadableWhole(DRAWINGS, available);
  const layout = useMemo(
    () => chooseLayout(isOverview ? OVERVIEWS : DRAWINGS, available, showsAll),
    [available, showsAll, isOverview],
  );
  const drawing = layout?.drawing ?? NARROWEST_DRAWING;
  const way = useOperationWay(showsWay);
  const type = graphTypes.find(({ name }) => name === chosen?.type);
  const selectedArea = useMemo(() => drawing && chosen && focusArea(drawing, chosen), [drawing, chosen]);
  if (!drawing) return null;

  function find(found: GraphSelection) {
    setChosen(found);
    // A field is found among fields.
    if (isOverview) setShowsAll(false);
    else setScrollTarget(drawing && focusArea(drawing, found));
  }

  return (
    <Panel
      title="Map"
      lead={LEAD}
      actions={
        <>
          {isOverview && (
            <button type="button" className="button" onClick={() => setShowsAll(false)}>
              Show fields
            </button>
          )}
          <button
            type="button"
            className="button"
            aria-pressed={showsWay}
            title="Mark what the operation in the editor selects"
            onClick={() => setShowsWay(!showsWay)}
          >
            Mark operation
          </button>
          <Search onFind={find} />
        </>
      }
    >
      <div ref={body} className="map-body">
        <div ref={canvasFrame} className="map-room">
          <Canvas
            label="Map of the graph"
            width={drawing.width}
            height={drawing.height}
            minScale={layout?.minScale ?? 1}
            scrollTarget={scrollTarget}
            selection={selectedArea}
            onShowAll={() => setShowsAll(true)}
          >
            <Edges drawing={drawing} chosen={chosen?.type} />
            {drawing.lanes.map(({ subgraph, x, y, width, height }) => (
              <h3
                key={subgraph}
                className="map-lane"
                data-subgraph={subgraph}
                style={{ left: x, top: y, width, height }}
              >
                {subgraph || 'shared'}
              </h3>
            ))}
            {drawing.lanes
              .filter(({ omitted }) => omitted > 0)
              .map(({ subgraph, x, y, width, height, omitted }) => (
                <p key={subgraph} className="map-omitted" style={{ left: x, top: y + height - 22, width }}>
                  and {omitted} inputs, payloads and pages
                </p>
              ))}
            <Cards drawing={drawing} chosen={chosen} way={way} onChoose={setChosen} />
          </Canvas>
        </div>
        {type && (
          <Details
            type={type}
            field={type.fields.find(({ name }) => name === chosen?.field)}
            onChoose={find}
            onClose={() => setChosen(undefined)}
          />
        )}
      </div>
    </Panel>
  );
}

/** What the operation in the editor selects; undefined while it is not to be marked. */
function useOperationWay(isShown: boolean): Set<string> | undefined {
  const { schema, query } = useGraphiQL(({ schema, tabs, activeTabIndex }) => ({
    schema,
    query: tabs[activeTabIndex]?.query ?? '',
  }));
  return useMemo(
    () => (isShown && schema ? selectedParts(query, schema) : undefined),
    [isShown, schema, query],
  );
}

/** The size of an element, as it changes. */
function useSize() {
  const element = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });

  useLayoutEffect(() => {
    const { current } = element;
    if (!current) return;
    const measure = () => setSize({ width: current.clientWidth, height: current.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);

  return [element, size] as const;
}

/** Of a tall card, only the top with its name has to be visible. */
function focusArea(drawing: GraphDrawing, { type, field }: GraphSelection): Area | undefined {
  const area = areaOf(drawing, type, field);
  return area && { ...area, height: Math.min(area.height, MAX_FOCUS_HEIGHT) };
}

function Search({ onFind }: { onFind: (found: GraphSelection) => void }) {
  const [text, setText] = useState('');
  const found = useMemo(() => search(graphTypes, text), [text]);

  function choose({ type, field }: SearchResult) {
    setText('');
    onFind({ type: type.name, field: field?.name });
  }

  return (
    <search className="map-search">
      <label className="map-search-label">
        <span>Find a type or a field</span>
        <input
          type="search"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && found[0]) choose(found[0]);
          }}
        />
      </label>
      {text && (
        <ul className="map-found" aria-label="Search results">
          {found.map((one) => (
            <li key={`${one.type.name}.${one.field?.name ?? ''}`}>
              <button type="button" className="map-link" onClick={() => choose(one)}>
                {one.type.name}
                {one.field && `.${one.field.name}`}
              </button>
            </li>
          ))}
          {found.length === 0 && <li>No type or field matches.</li>}
        </ul>
      )}
    </search>
  );
}

interface EdgesProps {
  drawing: GraphDrawing;
  chosen: string | undefined;
}

const Edges = memo(function Edges({ drawing, chosen }: EdgesProps) {
  return (
    <svg className="canvas-lines" width={drawing.width} height={drawing.height} aria-hidden="true">
      {drawing.edges.map((edge, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a drawing never changes.
        <path key={index} className={edgeClass(edge, chosen)} d={curve(edge)} />
      ))}
    </svg>
  );
});

function edgeClass({ kind, types }: Edge, chosen: string | undefined): string {
  const related = chosen !== undefined && types.includes(chosen);
  return `map-edge map-edge-${kind}${related ? ' map-edge-chosen' : ''}`;
}

function curve({ from, to }: Edge): string {
  const bend = from.x === to.x ? EDGE_BEND : Math.min(Math.abs(to.x - from.x) / 2, 44);
  const out = (x: number, other: number) => (from.x === to.x || x < other ? x + bend : x - bend);
  return `M${from.x} ${from.y}C${out(from.x, to.x)} ${from.y} ${out(to.x, from.x)} ${to.y} ${to.x} ${to.y}`;
}

interface CardsProps {
  drawing: GraphDrawing;
  chosen: GraphSelection | undefined;
  way: Set<string> | undefined;
  onChoose: (chosen: GraphSelection) => void;
}

function Cards({ drawing, chosen, way, onChoose }: CardsProps) {
  return drawing.cards.map((card) => (
    <TypeCard
      key={`${card.subgraph} ${card.type.name}`}
      card={card}
      isChosen={card.type.name === chosen?.type}
      chosenField={card.type.name === chosen?.type ? chosen.field : undefined}
      way={way}
      onChoose={onChoose}
    />
  ));
}

interface CardProps {
  card: Card;
  isChosen: boolean;
  chosenField: string | undefined;
  way: Set<string> | undefined;
  onChoose: (chosen: GraphSelection) => void;
}

const TypeCard = memo(function TypeCard({ card, isChosen, chosenField, way, onChoose }: CardProps) {
  const { type, subgraph, fields, isOpen, x, y, width, height } = card;
  // A part of a type without any of the fields is not on the way.
  const isOnWay = fields.some(({ name }) => way?.has(`${type.name}.${name}`));
  return (
    <div
      className={`map-card${isOpen ? '' : ' map-chip'}${isChosen ? ' map-card-chosen' : ''}${isOnWay ? ' map-way' : ''}`}
      data-subgraph={subgraph}
      style={{ left: x, top: y, width, height }}
    >
      <button
        type="button"
        className="map-type"
        aria-pressed={isChosen && !chosenField}
        title={type.name}
        onClick={() => onChoose({ type: type.name, field: undefined })}
      >
        <span>{type.name}</span>
        <span className="map-kind">{isOpen || !type.key ? kindOf(type, subgraph) : fieldCount(fields)}</span>
      </button>
      {isOpen &&
        fields.map((field) => (
          <FieldRow
            key={field.name}
            field={field}
            isChosen={field.name === chosenField}
            isOnWay={way?.has(`${type.name}.${field.name}`) ?? false}
            onChoose={() => onChoose({ type: type.name, field: field.name })}
          />
        ))}
    </div>
  );
});

function FieldRow({
  field,
  isChosen,
  isOnWay,
  onChoose,
}: {
  field: GraphField;
  isChosen: boolean;
  isOnWay: boolean;
  onChoose: () => void;
}) {
  return (
    <button
      type="button"
      className={`map-field${isTall(field) ? ' map-field-tall' : ''}${isOnWay ? ' map-field-way' : ''}`}
      aria-pressed={isChosen}
      title={field.type && `${field.name}: ${field.type}`}
      onClick={onChoose}
    >
      <span>{field.name}</span>
      <span className="map-field-type">{field.type}</span>
    </button>
  );
}

function fieldCount({ length }: GraphField[]): string {
  return length === 1 ? '1 field' : `${length} fields`;
}

function kindOf(type: GraphType, subgraph: string): string {
  if (type.key) return type.owner === subgraph ? `key ${type.key}` : 'extends';
  return type.kind === 'object' ? '' : type.kind;
}
