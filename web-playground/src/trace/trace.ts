/** The response extension `trace`, as `docs/trace.md` describes it. Times are whole microseconds. */
export interface Trace {
  version: number;
  total: number;
  phases: Phase[];
  fetches: TracedFetch[];
}

/** Since the request's arrival at the router. */
export interface Span {
  start: number;
  duration: number;
}

export interface Phase extends Span {
  name: string;
  /** Whether its result was known from an earlier request; not said where nothing is kept. */
  cached?: boolean;
}

export interface TracedFetch extends Span {
  subgraph: string;
  kind: string;
  types: string[];
  /** How many entities it asked for. */
  representations: number;
  bytes: number;
  errors: number;
  failed: boolean;
  /** What the subgraph itself took. */
  inside: number | null;
  statements: Statement[];
  /** How many statements were left out. */
  omitted?: number;
}

export interface Statement extends Span {
  sql: string;
  rows: number;
  /** Whether the driver asked it for itself, and no field did. */
  catalog?: boolean;
}

const VERSION = 1;

/** The trace of an answer; none where there is none, or one of another version. */
export function readTrace(extension: unknown): Trace | undefined {
  const trace = extension as Trace | null | undefined;
  return trace?.version === VERSION ? trace : undefined;
}
