import { type DocumentNode, Kind, parse, print, type SelectionSetNode, visit } from 'graphql';

/** A node of the router's plan, as `hive-expose-query-plan` gives it out. */
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
  entityBatch?: { aliases: { paths: unknown; requires?: Selection[] }[] };
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
  /** Whole, and laid out to be read. */
  operation: string;
  kind: string;
  /** Where its answer is put, such as `me.payments.nodes`. */
  path: string[];
  /** The fields that it asks for, outermost only. */
  fields: string[];
  /** The entities that it starts from, such as `User { id }`. */
  needs: string[];
}

/** What follows one another, and what goes on side by side. */
export type Step = { kind: 'fetch'; fetch: Fetch } | { kind: 'sequence' | 'parallel'; steps: Step[] };

/** An arrow: what one fetch brings for another one. */
export interface Arrow {
  from: number;
  to: number;
}

export interface Steps {
  root: Step;
  fetches: Fetch[];
  arrows: Arrow[];
}

/** Reads a plan: its fetches in order, and what each of them waits for. */
export function readPlan(plan: PlanNode | null | undefined): Steps {
  const fetches: Fetch[] = [];
  const arrows: Arrow[] = [];
  const root = readNode(plan, { path: [], before: [] }, fetches, arrows);
  return { root, fetches, arrows };
}

interface Surroundings {
  path: string[];
  /** The fetches that are through by now. */
  before: Fetch[];
}

function readNode(
  node: PlanNode | null | undefined,
  around: Surroundings,
  fetches: Fetch[],
  arrows: Arrow[],
): Step {
  const read = (child: PlanNode | null | undefined, changed: Partial<Surroundings> = {}) =>
    readNode(child, { ...around, ...changed }, fetches, arrows);

  if (!node) return { kind: 'sequence', steps: [] };
  if (node.serviceName) {
    const fetch = readFetch(node, around, fetches.length);
    fetches.push(fetch);
    for (const source of sources(fetch, around.before)) arrows.push({ from: source.id, to: fetch.id });
    return { kind: 'fetch', fetch };
  }
  if (node.kind === 'Sequence') {
    const steps: Step[] = [];
    const before = [...around.before];
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

function readFetch(node: PlanNode, around: Surroundings, id: number): Fetch {
  const document = parseOrNothing(node.operation ?? '');
  const requires = node.requires ?? node.entityBatch?.aliases.flatMap((alias) => alias.requires ?? []) ?? [];
  return {
    id,
    subgraph: node.serviceName ?? '',
    operation: document ? print(document) : (node.operation ?? ''),
    kind: node.kind === 'Subscription' ? 'subscription' : (node.operationKind ?? 'query'),
    path: around.path,
    fields: document ? outermost(document) : [],
    needs: [...new Set(requires.map(entity))].filter(Boolean),
  };
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

function parseOrNothing(operation: string): DocumentNode | undefined {
  try {
    return parse(operation);
  } catch {
    return undefined;
  }
}

/** What is selected of a query, or of the entities that it starts from. */
function roots(document: DocumentNode): SelectionSetNode[] {
  const found: SelectionSetNode[] = [];
  visit(document, {
    OperationDefinition({ selectionSet }) {
      const entities = selectionSet.selections.filter(
        (selection) => selection.kind === Kind.FIELD && selection.name.value === '_entities',
      );
      if (entities.length === 0) found.push(selectionSet);
      for (const selection of entities) {
        if (selection.kind === Kind.FIELD && selection.selectionSet) found.push(selection.selectionSet);
      }
      return false;
    },
  });
  return found;
}

function outermost(document: DocumentNode): string[] {
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

/** The earlier fetches that bring the objects on which this one goes on. */
function sources(fetch: Fetch, before: Fetch[]): Fetch[] {
  if (fetch.needs.length === 0) return [];
  const bringing = before.filter((earlier) => brings(earlier, fetch.path));
  return bringing.length > 0 ? bringing : before.slice(-1);
}

function brings(fetch: Fetch, path: string[]): boolean {
  if (!fetch.path.every((name, index) => path[index] === name)) return false;
  const document = parseOrNothing(fetch.operation);
  let sets = document ? roots(document) : [];
  const rest = path.slice(fetch.path.length);
  // Its own object is what it was given, not what it brings.
  if (rest.length === 0) return false;
  for (const name of rest) {
    sets = sets
      .flatMap((set) => children(set).filter((child) => child.name === name))
      .flatMap((child) => child.inner ?? []);
  }
  return sets.length > 0;
}
