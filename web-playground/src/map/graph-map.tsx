import { useGraphiQL } from '@graphiql/react';
import {
  type ChangeEvent,
  type DragEvent,
  memo,
  type ReactNode,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { Canvas } from '../graph/canvas';
import { subgraphs } from '../graph/subgraphs';
import { type GraphField, type GraphType, graphTypes } from '../graph/supergraph';
import type { Area } from '../graph/view';
import { Panel } from '../panel/panel';
import { chooseLayout, isReadableWhole } from './arrange';
import { type ChangedGraph, changeGraph, type Mark, partMark } from './changed-graph';
import { Details } from './details';
import { areaOf, type Card, EDGE_BEND, type Edge, type GraphDrawing, isTall, layOutMap } from './layout';
import { MarkSign } from './mark';
import { closeReport, openReport, useOpenedReport } from './opened-report';
import { selectedParts } from './operation-way';
import type { SchemaReport } from './report';
import { ReportList } from './report-list';
import { type SearchResult, search } from './search';
import type { GraphSelection } from './selection';
import './graph-map.css';

const LEAD =
  'The whole graph, with each field in the subgraph that resolves it. Dashed lines join the parts of an entity.';
/** The graph of this page, without any change. */
const UNCHANGED: ChangedGraph = { types: graphTypes, marks: new Map() };

/** A graph, and its drawings with one column up to one for each subgraph and one for shared types. */
interface DrawnGraph extends ChangedGraph {
  drawings: GraphDrawing[];
  /** The same without fields. */
  overviews: GraphDrawing[];
}

function draw(graph: ChangedGraph): DrawnGraph {
  const { types, marks } = graph;
  const isMarked = (type: string, field?: string) =>
    marks.has(field === undefined ? type : `${type}.${field}`);
  const drawAll = (isCompact: boolean) =>
    [...subgraphs, ''].map((_, index) => layOutMap(types, subgraphs, index + 1, isCompact, isMarked));
  return { ...graph, drawings: drawAll(false), overviews: drawAll(true) };
}

const DRAWN = draw(UNCHANGED);

/** The height of a selected card that must be visible, in pixels of the drawing. */
const MAX_FOCUS_HEIGHT = 160;

/** A map of the supergraph: the subgraphs, and the entities that connect them. */
export default function GraphMap() {
  const [chosen, setChosen] = useState<GraphSelection>();
  const [scrollTarget, setScrollTarget] = useState<Area>();
  const [showsAll, setShowsAll] = useState(false);
  const [showsWay, setShowsWay] = useState(false);
  const { report, file } = useOpenedReport();
  const { types, marks, drawings, overviews } = useDrawnGraph(report);
  const [body, size] = useSize();
  const [canvasFrame, canvasSize] = useSize();
  // Opening the details keeps the layout of a readable map, but fits a map that is shown in full again.
  const available = showsAll ? canvasSize : size;
  const isOverview = showsAll && !isReadableWhole(drawings, available);
  const layout = useMemo(
    () => chooseLayout(isOverview ? overviews : drawings, available, showsAll),
    [available, showsAll, isOverview, drawings, overviews],
  );
  const drawing = layout?.drawing ?? drawings[0];
  const way = useOperationWay(showsWay);
  const type = types.find(({ name }) => name === chosen?.type);
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
          <OpenReport />
          <Search types={types} onFind={find} />
        </>
      }
    >
      <DropRoom>
        {report && <ReportList report={report} file={file} onChoose={find} onClose={closeReport} />}
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
              <Cards drawing={drawing} chosen={chosen} way={way} marks={marks} onChoose={setChosen} />
            </Canvas>
          </div>
          {type && (
            <Details
              type={type}
              field={type.fields.find(({ name }) => name === chosen?.field)}
              types={types}
              changes={report?.changes.filter((change) => change.type === type.name) ?? []}
              onChoose={find}
              onClose={() => setChosen(undefined)}
            />
          )}
        </div>
      </DropRoom>
    </Panel>
  );
}

/** The graph of this page; with a report, with what it adds and removes. */
function useDrawnGraph(report: SchemaReport | undefined): DrawnGraph {
  return useMemo(() => (report ? draw(changeGraph(graphTypes, report.changes)) : DRAWN), [report]);
}

function OpenReport() {
  async function open(event: ChangeEvent<HTMLInputElement>) {
    const [file] = event.target.files ?? [];
    if (file) await openReport(file);
    event.target.value = '';
  }

  return (
    <label className="button file-button" title="Show what a schema change does to the map">
      Open report
      <input
        type="file"
        className="visually-hidden"
        accept=".json"
        aria-label="Open the report of a schema check"
        onChange={open}
      />
    </label>
  );
}

/** The map, onto which a report can be dropped. */
function DropRoom({ children }: { children: ReactNode }) {
  const [isOver, setIsOver] = useState(false);
  const hasFile = ({ dataTransfer }: DragEvent) => dataTransfer.types.includes('Files');

  function onDragOver(event: DragEvent) {
    if (!hasFile(event)) return;
    event.preventDefault();
    setIsOver(true);
  }

  function onDrop(event: DragEvent) {
    if (!hasFile(event)) return;
    event.preventDefault();
    setIsOver(false);
    const [file] = event.dataTransfer.files;
    if (file) void openReport(file);
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: by keyboard, a report is opened with the button.
    <div className="map-drop" onDragOver={onDragOver} onDragLeave={() => setIsOver(false)} onDrop={onDrop}>
      {children}
      {isOver && <p className="map-drop-here">Drop the report of a schema check here</p>}
    </div>
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

function Search({ types, onFind }: { types: GraphType[]; onFind: (found: GraphSelection) => void }) {
  const [text, setText] = useState('');
  const found = useMemo(() => search(types, text), [types, text]);

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
  marks: Map<string, Mark>;
  onChoose: (chosen: GraphSelection) => void;
}

function Cards({ drawing, chosen, way, marks, onChoose }: CardsProps) {
  return drawing.cards.map((card) => (
    <TypeCard
      key={`${card.subgraph} ${card.type.name}`}
      card={card}
      isChosen={card.type.name === chosen?.type}
      chosenField={card.type.name === chosen?.type ? chosen.field : undefined}
      way={way}
      marks={marks}
      onChoose={onChoose}
    />
  ));
}

interface CardProps {
  card: Card;
  isChosen: boolean;
  chosenField: string | undefined;
  way: Set<string> | undefined;
  marks: Map<string, Mark>;
  onChoose: (chosen: GraphSelection) => void;
}

const TypeCard = memo(function TypeCard({ card, isChosen, chosenField, way, marks, onChoose }: CardProps) {
  const { type, subgraph, fields, isOpen, x, y, width, height } = card;
  const mark = partMark(type, fields, marks);
  // A part of a type without any of the fields is not on the way.
  const isOnWay = fields.some(({ name }) => way?.has(`${type.name}.${name}`));
  return (
    <div
      className={`map-card${isOpen ? '' : ' map-chip'}${isChosen ? ' map-card-chosen' : ''}${isOnWay ? ' map-way' : ''}`}
      data-subgraph={subgraph}
      data-level={mark?.level}
      data-action={mark?.action}
      style={{ left: x, top: y, width, height }}
    >
      <button
        type="button"
        className="map-type"
        aria-pressed={isChosen && !chosenField}
        title={type.name}
        onClick={() => onChoose({ type: type.name, field: undefined })}
      >
        <span>
          {mark && <MarkSign mark={mark} />}
          {type.name}
        </span>
        <span className="map-kind">{isOpen || !type.key ? kindOf(type, subgraph) : fieldCount(fields)}</span>
      </button>
      {isOpen &&
        fields.map((field) => (
          <FieldRow
            key={field.name}
            field={field}
            isChosen={field.name === chosenField}
            isOnWay={way?.has(`${type.name}.${field.name}`) ?? false}
            mark={marks.get(`${type.name}.${field.name}`)}
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
  mark,
  onChoose,
}: {
  field: GraphField;
  isChosen: boolean;
  isOnWay: boolean;
  mark: Mark | undefined;
  onChoose: () => void;
}) {
  return (
    <button
      type="button"
      className={`map-field${isTall(field) ? ' map-field-tall' : ''}${isOnWay ? ' map-field-way' : ''}`}
      data-level={mark?.level}
      data-action={mark?.action}
      aria-pressed={isChosen}
      title={field.type && `${field.name}: ${field.type}`}
      onClick={onChoose}
    >
      <span>
        {mark && <MarkSign mark={mark} />}
        <span className="map-name">{field.name}</span>
      </span>
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
