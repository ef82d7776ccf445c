/** The response extension `trace`, which the router's plugin `insight` makes. Times are whole microseconds. */
export interface Trace {
  version: number;
  durationMicros: number;
  phases: Phase[];
  fetches: TracedFetch[];
}

export interface Phase {
  name: string;
  startMicros: number;
  durationMicros: number;
  /** Of the plan: whether it was at hand. */
  cached?: boolean;
}

export interface TracedFetch {
  subgraph: string;
  kind: string;
  /** How many entities it asked for; null where it asked for none by their keys. */
  entities: number | null;
  startMicros: number;
  durationMicros: number;
  bytes?: number;
  failed?: boolean;
  statements: Statement[];
}

export interface Statement {
  sql: string;
  /** From the start of its fetch. */
  startMicros: number;
  durationMicros: number;
  rows: number | null;
}

/** The trace of an answer; none where there is none, or one of another version. */
export function readTrace(extension: unknown): Trace | undefined {
  const trace = extension as Partial<Trace> | null | undefined;
  if (trace?.version !== 1 || typeof trace.durationMicros !== 'number') return undefined;
  const fetches = (trace.fetches ?? []).map((fetch) => ({ ...fetch, statements: fetch.statements ?? [] }));
  return { version: 1, durationMicros: trace.durationMicros, phases: trace.phases ?? [], fetches };
}
