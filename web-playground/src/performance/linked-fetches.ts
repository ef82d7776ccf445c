import type { CostPart, CostParts, FindOwner } from '../cost/cost-parts';
import { ownerOfType } from '../graph/owners';
import type { Fetch, Steps } from '../plan/steps';
import type { FetchRow, Waterfall } from '../trace/waterfall';

/** A fetch of the plan with its part of the trace and of the cost. */
export interface LinkedFetch {
  id: number;
  subgraph: string;
  /** Undefined where the plan does not have it, or is unknown. */
  planned: Fetch | undefined;
  /** Undefined where it was not sent: it had no entities. */
  traced: FetchRow | undefined;
  /** Whether the trace may as well mean another fetch of the plan, which has the same subgraph, kind and types. */
  isAmbiguous: boolean;
}

/** Finds for each fetch of the plan that of the trace: by subgraph, kind and types, and among equal ones by order. */
export function linkFetches({ fetches }: Steps, { fetches: rows }: Waterfall): LinkedFetch[] {
  const remaining = [...rows];
  const planned = fetches.map((fetch) => {
    const found = remaining.findIndex((row) => isOf(fetch, row));
    const [traced] = found < 0 ? [] : remaining.splice(found, 1);
    return { id: fetch.id, subgraph: fetch.subgraph, planned: fetch, traced, isAmbiguous: false };
  });
  const unplanned = remaining.map((traced, index) => ({
    id: fetches.length + index,
    subgraph: traced.fetch.subgraph,
    planned: undefined,
    traced,
    isAmbiguous: false,
  }));
  return [...planned.map((link) => ({ ...link, isAmbiguous: isAmbiguous(link, planned) })), ...unplanned];
}

function isOf({ subgraph, kind, requires }: Fetch, { fetch }: FetchRow): boolean {
  if (subgraph !== fetch.subgraph) return false;
  if (requires.length === 0) return fetch.kind === kind;
  const types = typesOf(requires);
  return fetch.kind === 'entities' && fetch.types.every((type) => types.includes(type));
}

/** `User { id }` is of the type `User`. */
function typesOf(requires: string[]): string[] {
  return requires.map((one) => one.split(' ', 1)[0] ?? '');
}

/** The order says nothing when fetches that are alike run at the same time, or when one of them was not sent. */
function isAmbiguous({ planned: own, traced }: LinkedFetch, all: LinkedFetch[]): boolean {
  if (!own || !traced) return false;
  const alike = all.filter(({ planned }) => planned && planned !== own && isOf(planned, traced));
  return alike.some((other) => !other.traced || overlap(other.traced, traced));
}

function overlap({ fetch: one }: FetchRow, { fetch: other }: FetchRow): boolean {
  return one.start < other.start + other.duration && other.start < one.start + one.duration;
}

/**
 * To which fetch the cost of a field belongs: the one that reads its objects from the subgraph that owns their type,
 * otherwise the first that selects the field, otherwise that of its parent.
 */
export function ownerIn({ fetches }: Steps): FindOwner<number> {
  return (path, type, parent) => {
    const name = path.join('.');
    const reading = fetches.filter(
      ({ selected, entityPaths }) =>
        selected.has(name) || entityPaths.some((entityPath) => entityPath.join('.') === name),
    );
    const owner = type && ownerOfType(type);
    return (reading.find(({ subgraph }) => subgraph === owner) ?? reading[0])?.id ?? parent;
  };
}

export interface CostRow {
  /** The id of a fetch; undefined for what every request costs. */
  fetch: number | undefined;
  /** In milliseconds. */
  estimated: number;
  actual: number | undefined;
  parts: { label: string; estimated: number; actual: number | undefined }[];
}

const MICROS = 1_000;

/** The cost by fetch, and what every request costs as the first row. Without a response, there is no actual cost. */
export function costRows(
  links: LinkedFetch[],
  { estimated, actual }: CostParts<number>,
  isExecuted: boolean,
): CostRow[] {
  const of = (parts: CostPart<number>[], fetch: number | undefined, label?: string) =>
    parts
      .filter((part) => part.owner === fetch && (label === undefined || part.label === label))
      .reduce((sum, { micros }) => sum + micros, 0) / MICROS;
  return [undefined, ...links.map(({ id }) => id)].map((fetch) => {
    const own = [...estimated, ...actual].filter(({ owner }) => owner === fetch);
    const labels = [...new Set(own.map(({ label }) => label))];
    return {
      fetch,
      estimated: of(estimated, fetch),
      actual: isExecuted ? of(actual, fetch) : undefined,
      parts: labels
        .map((label) => ({
          label,
          estimated: of(estimated, fetch, label),
          actual: isExecuted ? of(actual, fetch, label) : undefined,
        }))
        .toSorted((one, other) => other.estimated - one.estimated),
    };
  });
}
