import { subgraphs } from '../graph/subgraphs';
import { type GraphField, type GraphType, ROOTS } from '../graph/supergraph';
import type { Action, Level, SchemaChange } from './report';

/** What happens to a type or a field, by all of its changes. */
export interface Mark {
  action: Action;
  /** The worst. */
  level: Level;
}

/** A graph with what a change adds to it and what it has removed from it, and the marks of what it changes. */
export interface ChangedGraph {
  types: GraphType[];
  /** By `Type` and `Type.field`. A type has the mark of its own changes, not of those of its fields. */
  marks: Map<string, Mark>;
}

const LEVELS: Level[] = ['safe', 'dangerous', 'breaking'];

/**
 * Puts the changes on a graph. It may be the graph before or after them: what it does not have is added to it, so that
 * removed and added fields are both there.
 */
export function changeGraph(types: GraphType[], changes: SchemaChange[]): ChangedGraph {
  const onGraph = changes.filter(({ type }) => type !== '');
  const marks = new Map<string, Mark>();
  for (const change of onGraph) {
    const key = change.field === undefined ? change.type : `${change.type}.${change.field}`;
    marks.set(key, worst(marks.get(key), change));
  }
  return { types: withAbsent(types, onGraph), marks };
}

/** The mark of a part of a type: of the type itself, and of the fields of this part. */
export function partMark(
  { name }: GraphType,
  fields: GraphField[],
  marks: Map<string, Mark>,
): Mark | undefined {
  const own = marks.get(name);
  const ofFields = fields
    .map((field) => marks.get(`${name}.${field.name}`))
    .filter((mark) => mark !== undefined);
  const level = worstLevel([own, ...ofFields]);
  if (level === undefined) return undefined;
  return { action: own?.action ?? 'changed', level };
}

function worst(mark: Mark | undefined, { action, level }: SchemaChange): Mark {
  if (!mark) return { action, level };
  return {
    action: mark.action === 'changed' ? action : mark.action,
    level: LEVELS.indexOf(level) > LEVELS.indexOf(mark.level) ? level : mark.level,
  };
}

function worstLevel(marks: (Mark | undefined)[]): Level | undefined {
  return LEVELS[Math.max(...marks.map((mark) => (mark ? LEVELS.indexOf(mark.level) : -1)))];
}

function withAbsent(types: GraphType[], changes: SchemaChange[]): GraphType[] {
  const all = new Map(types.map((type) => [type.name, { type, fields: fieldsByName(type) }]));
  for (const change of changes) {
    if (!hasElement(change)) continue;
    const known = all.get(change.type) ?? { type: absentType(change), fields: new Map() };
    all.set(change.type, known);
    const { field } = change;
    if (field !== undefined && !known.fields.has(field))
      known.fields.set(field, absentField(field, known.type, change));
  }
  return [...all.values()].map(({ type, fields }) =>
    fields.size === type.fields.length ? type : { ...type, fields: [...fields.values()] },
  );
}

function fieldsByName({ fields }: GraphType): Map<string, GraphField> {
  return new Map(fields.map((field) => [field.name, field]));
}

/** Whether the change says that there is, or was, a type or a field of this name. */
function hasElement({ action, field }: SchemaChange): boolean {
  return action !== 'changed' || field === undefined;
}

function absentField(name: string, type: GraphType, change: SchemaChange): GraphField {
  const subgraph = subgraphOf(change) ?? type.owner ?? type.subgraphs[0];
  return {
    name,
    type: '',
    namedType: '',
    description: '',
    args: [],
    subgraphs: subgraph ? [subgraph] : [],
  };
}

function absentType(change: SchemaChange): GraphType {
  const subgraph = subgraphOf(change);
  return {
    name: change.type,
    kind: kindOf(change.kind),
    description: '',
    fields: [],
    subgraphs: subgraph ? [subgraph] : [],
    key: '',
    owner: ROOTS.includes(change.type) ? undefined : subgraph,
  };
}

function kindOf(kind: string): GraphType['kind'] {
  if (kind.startsWith('INPUT_FIELD')) return 'input';
  if (kind.startsWith('ENUM_VALUE')) return 'enum';
  return kind.startsWith('UNION_MEMBER') ? 'union' : 'object';
}

/** A report names the file with the change, which is in the folder of its subgraph. */
function subgraphOf({ file }: SchemaChange): string | undefined {
  const parts = file.split(/[/.]/);
  return subgraphs.find((name) => parts.includes(name));
}
