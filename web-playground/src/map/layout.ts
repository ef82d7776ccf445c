import { type GraphField, type GraphType, ROOTS } from '../graph/supergraph';
import type { Area } from '../graph/view';

/** The part of a type that one subgraph resolves. */
export interface Card {
  type: GraphType;
  /** Empty for shared types. */
  subgraph: string;
  fields: GraphField[];
  /** Whether its fields are listed; a chip shows its name only. */
  isOpen: boolean;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Lane {
  subgraph: string;
  x: number;
  y: number;
  width: number;
  height: number;
  /** How many types a compact drawing leaves out. */
  omitted: number;
}

/** From the owner's part of an entity to another subgraph's part, or from a field to its type. */
export interface Edge {
  kind: 'key' | 'field';
  from: { x: number; y: number };
  to: { x: number; y: number };
  /** The types at both ends: the edge is highlighted when one of them is selected. */
  types: [string, string];
}

export interface GraphDrawing {
  lanes: Lane[];
  cards: Card[];
  edges: Edge[];
  width: number;
  height: number;
}

export const SHARED = '';
const LANE_WIDTH = 264;
const LANE_GAP = 52;
/** How far an edge between two cards of one lane bends to the right of it. */
export const EDGE_BEND = 34;
const LAST_LANE_GAP = 0.75 * EDGE_BEND;
const LANE_ROW_GAP = 56;
const LANE_HEADER = 48;
const CARD_GAP = 12;
const CHIP_GAP = 4;
export const CARD_HEADER = 28;
const ROW_HEIGHT = 22;
const TALL_ROW_HEIGHT = 38;
const CARD_PADDING = 6;
const CHIP_HEIGHT = 26;
/** The line that says how many types a lane leaves out. */
const OMITTED_HEIGHT = 26;
/** The text width of a row, and the average character widths of the name and the type. */
const ROW_WIDTH = LANE_WIDTH - 30;
const NAME_CHAR_WIDTH = 7.4;
const TYPE_CHAR_WIDTH = 6.9;

/** Whether a schema change marks something: a type, or one of its fields. */
type IsMarked = (type: string, field?: string) => boolean;

/**
 * A lane for each subgraph, root types and entities first; the lane of shared types comes last. A compact drawing has
 * the names of types without their fields, and leaves out what is only around them: so that a large graph can be read
 * as a whole. What is marked is always shown.
 */
export function layOutMap(
  types: GraphType[],
  subgraphs: string[],
  columns = subgraphs.length + 1,
  isCompact = false,
  isMarked: IsMarked = () => false,
): GraphDrawing {
  const bottoms = Array.from({ length: columns }, () => 0);
  const lanes: Lane[] = [];
  const cards: Card[] = [];
  for (const subgraph of [...subgraphs, SHARED]) {
    const column = bottoms.indexOf(Math.min(...bottoms));
    const x = column * (LANE_WIDTH + LANE_GAP);
    const y = bottoms[column] ?? 0;
    const all = cardsOf(types, subgraph, isCompact, isMarked);
    const shown = isCompact ? all.filter(({ type }) => !isWrapper(type) || hasMark(type, isMarked)) : all;
    const stacked = stack(shown, { x, y });
    const omitted = all.length - shown.length;
    const end = Math.max(y + LANE_HEADER, ...stacked.map((card) => card.y + card.height));
    const bottom = end + (omitted > 0 ? OMITTED_HEIGHT : 0);
    lanes.push({ subgraph, x, y, width: LANE_WIDTH, height: bottom - y, omitted });
    cards.push(...stacked);
    bottoms[column] = bottom + LANE_ROW_GAP;
  }
  return {
    lanes,
    cards,
    edges: [...keyEdges(cards), ...fieldEdges(cards)],
    width: columns * (LANE_WIDTH + LANE_GAP) - LANE_GAP + LAST_LANE_GAP,
    height: Math.max(...bottoms) - LANE_ROW_GAP,
  };
}

/** Whether the type goes below the name, because both do not fit side by side. */
export function isTall({ name, type }: GraphField): boolean {
  return name.length * NAME_CHAR_WIDTH + type.length * TYPE_CHAR_WIDTH > ROW_WIDTH;
}

function rowHeight(field: GraphField): number {
  return isTall(field) ? TALL_ROW_HEIGHT : ROW_HEIGHT;
}

type UnplacedCard = Omit<Card, 'x' | 'y'>;

function cardsOf(
  types: GraphType[],
  subgraph: string,
  isCompact: boolean,
  isMarked: IsMarked,
): UnplacedCard[] {
  const parts = types.flatMap((type) => part(type, subgraph, isCompact, isMarked));
  return parts.sort((one, other) => rank(one) - rank(other) || compare(one.type.name, other.type.name));
}

/** Roots and entities have a part in each subgraph that resolves some of their fields. */
function isSplit({ key, name }: GraphType): boolean {
  return key !== '' || ROOTS.includes(name);
}

/** What every operation and list has around what it is about. */
function isWrapper({ name, kind }: GraphType): boolean {
  return kind === 'input' || /(Payload|Connection|Edge)$/.test(name);
}

function hasMark({ name, fields }: GraphType, isMarked: IsMarked): boolean {
  return isMarked(name) || fields.some((field) => isMarked(name, field.name));
}

function part(type: GraphType, subgraph: string, isCompact: boolean, isMarked: IsMarked): UnplacedCard[] {
  if (!isSplit(type)) {
    const home = type.subgraphs.length === 1 ? type.subgraphs[0] : SHARED;
    if (home !== subgraph) return [];
    const marked = isCompact ? [] : type.fields.filter(({ name }) => isMarked(type.name, name));
    if (marked.length > 0) return [{ type, subgraph, fields: marked, isOpen: true, ...sizeOf(marked) }];
    return [{ type, subgraph, fields: type.fields, isOpen: false, ...sizeOf() }];
  }
  const fields = type.fields.filter((field) => laneOf(field, type) === subgraph);
  if (fields.length === 0) return [];
  return [{ type, subgraph, fields, isOpen: !isCompact, ...sizeOf(isCompact ? undefined : fields) }];
}

/** A key field is in several subgraphs; it is drawn in the lane of the owner. */
function laneOf(field: GraphField, type: GraphType): string {
  return (field.subgraphs.length === 1 ? field.subgraphs[0] : type.owner) ?? SHARED;
}

function sizeOf(fields?: GraphField[]): { width: number; height: number } {
  return {
    width: LANE_WIDTH,
    height: fields ? CARD_HEADER + rowsHeight(fields) + CARD_PADDING : CHIP_HEIGHT,
  };
}

function rowsHeight(fields: GraphField[]): number {
  return fields.reduce((sum, field) => sum + rowHeight(field), 0);
}

function rank({ type, subgraph }: UnplacedCard): number {
  if (ROOTS.includes(type.name)) return ROOTS.indexOf(type.name);
  if (isSplit(type)) return type.owner === subgraph ? 10 : 11;
  return 20 + ['object', 'union', 'input', 'enum', 'scalar'].indexOf(type.kind);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : 1;
}

function stack(cards: UnplacedCard[], lane: { x: number; y: number }): Card[] {
  let y = lane.y + LANE_HEADER;
  return cards.map((card, index) => {
    const before = cards[index - 1];
    if (before) y += before.isOpen || card.isOpen ? CARD_GAP : CHIP_GAP;
    const placed = { ...card, x: lane.x, y };
    y += card.height;
    return placed;
  });
}

function keyEdges(cards: Card[]): Edge[] {
  const entities = cards.filter(({ type }) => type.key !== '');
  return entities.flatMap((card) => {
    const owner = ownerCard(entities, card.type.name);
    if (!owner || owner === card) return [];
    return [
      { kind: 'key' as const, types: [card.type.name, card.type.name], ...ends(header(owner), header(card)) },
    ];
  });
}

function fieldEdges(cards: Card[]): Edge[] {
  const entities = cards.filter(({ type }) => type.key !== '');
  return entities.flatMap((card) =>
    card.fields.flatMap((field, index) => {
      const row = card.isOpen ? { card, y: rowTop(card, index) + rowHeight(field) / 2 } : header(card);
      return entitiesOf(cards, field).flatMap((name) => {
        const target = ownerCard(entities, name);
        if (!target || target === card) return [];
        const types: [string, string] = [card.type.name, target.type.name];
        return [{ kind: 'field' as const, types, ...ends(row, header(target)) }];
      });
    }),
  );
}

function rowTop({ y, fields }: Card, index: number): number {
  return y + CARD_HEADER + rowsHeight(fields.slice(0, index));
}

/** The area of a field, or of the owner's part of a type. */
export function areaOf({ cards }: GraphDrawing, type: string, field: string | undefined): Area | undefined {
  const parts = cards.filter((card) => card.type.name === type);
  for (const card of parts) {
    const index = card.isOpen ? card.fields.findIndex(({ name }) => name === field) : -1;
    const row = card.fields[index];
    if (row) return { x: card.x, y: rowTop(card, index), width: card.width, height: rowHeight(row) };
  }
  return parts.find(({ subgraph, type: { owner } }) => subgraph === owner) ?? parts[0];
}

/** `CourseConnection` leads to `Course`, and a union to each of its members. */
function entitiesOf(cards: Card[], { namedType }: GraphField): string[] {
  const union = cards.find(({ type }) => type.kind === 'union' && type.name === namedType);
  return union ? union.type.fields.map(({ name }) => name) : [namedType.replace(/Connection$/, '')];
}

function ownerCard(cards: Card[], name: string): Card | undefined {
  return cards.find(({ type, subgraph }) => type.name === name && type.owner === subgraph);
}

interface End {
  card: Card;
  y: number;
}

function header(card: Card): End {
  return { card, y: card.y + CARD_HEADER / 2 };
}

/** Edges attach to the facing sides of two cards; within one lane, both on the right. */
function ends(from: End, to: End): Pick<Edge, 'from' | 'to'> {
  const left = ({ card, y }: End) => ({ x: card.x, y });
  const right = ({ card, y }: End) => ({ x: card.x + card.width, y });
  if (from.card.x === to.card.x) return { from: right(from), to: right(to) };
  return from.card.x < to.card.x ? { from: right(from), to: left(to) } : { from: left(from), to: right(to) };
}
