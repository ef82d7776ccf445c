import { type DocumentNode, Kind, parse, print, type SelectionSetNode, visit } from 'graphql';

/** A node of the query plan, as the router returns it for `hive-expose-query-plan`. */
export interface PlanNode {
  kind: string;
  nodes?: PlanNode[];
  node?: PlanNode | null;
  primary?: PlanNode | null;
  path?: (string | Record<string, unknown>)[];
  serviceName?: string;
  operation?: string;
  operationKind?: string;
  requires?: Selection[];
  entityBatch?: { aliases: { alias?: string; paths: unknown; requires?: Selection[] }[] };
}

interface Selection {
  kind: string;
  name?: string;
  typeCondition?: string;
  selections?: Selection[];
}

/** One request to one subgraph. */
export interface Fetch {
  id: number;
  subgraph: string;
  /** The full operation, formatted. */
  operation: string;
  kind: string;
  /** Where its result is merged into the response, such as `me.payments.nodes`. */
  path: string[];
  /** Where its entities are in the response; several when it fetches those of several places together. */
  entityPaths: string[][];
  /** What it selects, by the names of the response that lead there, such as `me.payments.nodes`. */
  selected: Set<string>;
  /** The outermost fields that it selects. */
  fields: string[];
  /** The entity keys that it requires, such as `User { id }`. */
  requires: string[];
}

/** A fetch, or steps that run in sequence or in parallel. */
export type Step = { kind: 'fetch'; fetch: Fetch } | { kind: 'sequence' | 'parallel'; steps: Step[] };

/** A dependency: one fetch provides the entities that another one requires. */
export interface Arrow {
  from: number;
  to: number;
}

export interface Steps {
  root: Step;
  fetches: Fetch[];
  arrows: Arrow[];
}

/** Reads a plan: its fetches in order, and their dependencies. */
export function readPlan(plan: PlanNode | null | undefined): Steps {
  const fetches: Fetch[] = [];
  const arrows: Arrow[] = [];
  const root = readNode(plan, { path: [], before: [] }, fetches, arrows);
  return { root, fetches, arrows };
}

interface ReadContext {
  path: string[];
  /** The fetches that are complete by then. */
  before: Fetch[];
}

function readNode(
  node: PlanNode | null | undefined,
  context: ReadContext,
  fetches: Fetch[],
  arrows: Arrow[],
): Step {
  const read = (child: PlanNode | null | undefined, changed: Partial<ReadContext> = {}) =>
    readNode(child, { ...context, ...changed }, fetches, arrows);

  if (!node) return { kind: 'sequence', steps: [] };
  if (node.serviceName) {
    const fetch = readFetch(node, context, fetches.length);
    fetches.push(fetch);
    for (const source of sources(fetch, context.before)) arrows.push({ from: source.id, to: fetch.id });
    return { kind: 'fetch', fetch };
  }
  if (node.kind === 'Sequence') {
    const steps: Step[] = [];
    const before = [...context.before];
    for (const child of node.nodes ?? []) {
      const begun = fetches.length;
      steps.push(read(child, { before: [...before] }));
      before.push(...fetches.slice(begun));
    }
    return { kind: 'sequence', steps };
  }
  if (node.kind === 'Parallel')
    return { kind: 'parallel', steps: (node.nodes ?? []).map((child) => read(child)) };
  if (node.kind === 'Flatten') return read(node.node, { path: pathOf(node.path ?? []) });
  // A subscription's first fetch, the whole plan, and whatever wraps a single node.
  return read(node.primary ?? node.node);
}

function readFetch(node: PlanNode, around: ReadContext, id: number): Fetch {
  const document = tryParse(node.operation ?? '');
  const requires = node.requires ?? node.entityBatch?.aliases.flatMap((alias) => alias.requires ?? []) ?? [];
  return {
    id,
    subgraph: node.serviceName ?? '',
    operation: document ? print(document) : (node.operation ?? ''),
    kind: node.kind === 'Subscription' ? 'subscription' : (node.operationKind ?? 'query'),
    path: around.path,
    ...placesOf(node, around, document),
    fields: document ? outermostFields(document) : [],
    requires: [...new Set(requires.map(entity))].filter(Boolean),
  };
}

function placesOf(
  { entityBatch, requires = [] }: PlanNode,
  { path }: ReadContext,
  document: DocumentNode | undefined,
): Pick<Fetch, 'entityPaths' | 'selected'> {
  const selected = new Set<string>();
  const add = (set: SelectionSetNode, before: string[]) => {
    for (const { name, inner } of children(set)) {
      selected.add([...before, name].join('.'));
      if (inner) add(inner, [...before, name]);
    }
  };
  const batches = (entityBatch?.aliases ?? []).map(({ alias, paths }) => ({
    alias,
    paths: Array.isArray(paths) ? paths.filter(Array.isArray).map(pathOf) : [],
  }));
  const places = batches.length > 0 ? batches : [{ alias: undefined, paths: [path] }];
  for (const { alias, paths } of places) {
    for (const set of document ? roots(document, alias) : []) for (const one of paths) add(set, one);
  }
  const entityPaths = entityBatch || requires.length > 0 ? places.flatMap(({ paths }) => paths) : [];
  return { entityPaths, selected };
}

/** `me`, `payments`, `nodes`: without the marks for lists and types. */
function pathOf(path: NonNullable<PlanNode['path']>): string[] {
  return path.flatMap((segment) => {
    if (typeof segment === 'string') return segment === '@' ? [] : [segment];
    return typeof segment.Field === 'string' ? [segment.Field] : [];
  });
}

function entity({ typeCondition = '', selections = [] }: Selection): string {
  const keys = fieldsText(selections);
  return keys ? `${typeCondition} { ${keys} }` : typeCondition;
}

function fieldsText(selections: Selection[]): string {
  return selections
    .filter(({ name }) => name !== '__typename')
    .map(({ name, typeCondition, selections: inner = [] }) => {
      const own = name ?? `… on ${typeCondition ?? ''}`;
      return inner.length > 0 ? `${own} { ${fieldsText(inner)} }` : own;
    })
    .join(' ');
}

function tryParse(operation: string): DocumentNode | undefined {
  try {
    return parse(operation);
  } catch {
    return undefined;
  }
}

/** The selection sets of a query, or of its `_entities`: of all of them, or of one alias. */
function roots(document: DocumentNode, alias?: string): SelectionSetNode[] {
  const found: SelectionSetNode[] = [];
  visit(document, {
    OperationDefinition({ selectionSet }) {
      const entities = selectionSet.selections.filter(
        (selection) => selection.kind === Kind.FIELD && selection.name.value === '_entities',
      );
      if (entities.length === 0) found.push(selectionSet);
      for (const selection of entities) {
        if (selection.kind !== Kind.FIELD || !selection.selectionSet) continue;
        if (alias === undefined || selection.alias?.value === alias) found.push(selection.selectionSet);
      }
      return false;
    },
  });
  return found;
}

function outermostFields(document: DocumentNode): string[] {
  const names = roots(document).flatMap((set) => children(set).map(({ name }) => name));
  return [...new Set(names)].filter((name) => name !== '__typename');
}

function children(set: SelectionSetNode): { name: string; inner: SelectionSetNode | undefined }[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind === Kind.INLINE_FRAGMENT) return children(selection.selectionSet);
    if (selection.kind !== Kind.FIELD) return [];
    return [{ name: (selection.alias ?? selection.name).value, inner: selection.selectionSet }];
  });
}

/** The earlier fetches that provide the entities that this one requires. */
function sources(fetch: Fetch, before: Fetch[]): Fetch[] {
  if (fetch.requires.length === 0) return [];
  const providers = before.filter((earlier) => provides(earlier, fetch.path));
  return providers.length > 0 ? providers : before.slice(-1);
}

function provides(fetch: Fetch, path: string[]): boolean {
  if (!fetch.path.every((name, index) => path[index] === name)) return false;
  const document = tryParse(fetch.operation);
  let sets = document ? roots(document) : [];
  const rest = path.slice(fetch.path.length);
  // The object at its own path is its input, not something that it provides.
  if (rest.length === 0) return false;
  for (const name of rest) {
    sets = sets
      .flatMap((set) => children(set).filter((child) => child.name === name))
      .flatMap((child) => child.inner ?? []);
  }
  return sets.length > 0;
}
