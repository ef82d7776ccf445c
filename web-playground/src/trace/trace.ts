/** The response extension `trace`, as `docs/trace.md` describes it. Times are whole microseconds. */
export interface Trace {
  version: number;
  total: number;
  phases: Phase[];
  fetches: TracedFetch[];
}

/** Relative to the arrival of the request at the router. */
export interface Span {
  start: number;
  duration: number;
}

export interface Phase extends Span {
  name: string;
  /** Whether the result was cached; undefined for phases without a cache. */
  cached?: boolean;
}

export interface TracedFetch extends Span {
  subgraph: string;
  kind: string;
  types: string[];
  /** The number of requested entities. */
  representations: number;
  bytes: number;
  errors: number;
  failed: boolean;
  /** The time in the subgraph itself. */
  inside: number | null;
  statements: Statement[];
  /** The number of omitted statements. */
  omitted?: number;
}

export interface Statement extends Span {
  /** By which a development server explains it. */
  id?: string;
  sql: string;
  rows: number;
  /** Whether it is a catalog lookup of the database driver. */
  catalog?: boolean;
}

const VERSION = 1;

/** Undefined when there is no trace, or one of another version. */
export function readTrace(extension: unknown): Trace | undefined {
  const trace = extension as Trace | null | undefined;
  return trace?.version === VERSION ? trace : undefined;
}
