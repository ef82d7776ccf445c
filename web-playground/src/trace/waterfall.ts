import type { Phase, Span, Statement, Trace, TracedFetch } from './trace';

/** Where a bar begins and how long it is, as shares of the whole, from 0 to 1. */
export interface Bar {
  left: number;
  width: number;
}

export interface FetchRow {
  fetch: TracedFetch;
  bar: Bar;
  /** Those that fields asked for. */
  statements: { statement: Statement; bar: Bar }[];
  /** What the driver looked up for itself, all in one. */
  catalog: { count: number; micros: number } | undefined;
  /** Time in the database; statements that overlap count once. */
  sqlMicros: number;
  isSlowest: boolean;
}

export interface Waterfall {
  wholeMicros: number;
  phases: { phase: Phase; bar: Bar }[];
  fetches: FetchRow[];
}

/** Lays everything out on one scale, in the order in which it began. */
export function layOutTrace(trace: Trace): Waterfall {
  const wholeMicros = Math.max(trace.total, ...[...trace.phases, ...trace.fetches].map(end), 1);
  const bar = ({ start, duration }: Span): Bar => ({
    left: start / wholeMicros,
    width: duration / wholeMicros,
  });
  const slowest = Math.max(...trace.fetches.map((fetch) => fetch.duration));

  return {
    wholeMicros,
    phases: inOrder(trace.phases).map((phase) => ({
      phase,
      bar: bar(phase),
    })),
    fetches: inOrder(trace.fetches).map((fetch) => ({
      fetch,
      bar: bar(fetch),
      statements: inOrder(fetch.statements)
        .filter((statement) => !statement.catalog)
        .map((statement) => ({ statement, bar: bar(statement) })),
      catalog: lookedUp(fetch.statements.filter((statement) => statement.catalog)),
      sqlMicros: covered(fetch.statements),
      isSlowest: trace.fetches.length > 1 && fetch.duration === slowest,
    })),
  };
}

function lookedUp(statements: Statement[]): FetchRow['catalog'] {
  return statements.length > 0 ? { count: statements.length, micros: covered(statements) } : undefined;
}

/** How a phase came to its result, in words; nothing where it has no choice. */
export function origin({ name, cached }: Phase): string {
  if (cached === undefined) return '';
  return cached ? 'from the cache' : (DONE_NOW[name] ?? 'done now');
}

const DONE_NOW: Record<string, string> = {
  parse: 'parsed now',
  validate: 'validated now',
  plan: 'planned now',
};

/** `2.4 ms`, or `900 µs`. */
export function duration(micros: number): string {
  if (micros < 1_000) return `${micros} µs`;
  return micros < 1_000_000 ? `${(micros / 1_000).toFixed(1)} ms` : `${(micros / 1_000_000).toFixed(2)} s`;
}

function end({ start, duration }: Span): number {
  return start + duration;
}

function inOrder<T extends Span>(spans: T[]): T[] {
  return [...spans].sort((one, other) => one.start - other.start);
}

function covered(spans: Span[]): number {
  let [total, reached] = [0, 0];
  for (const span of inOrder(spans)) {
    total += Math.max(0, end(span) - Math.max(span.start, reached));
    reached = Math.max(reached, end(span));
  }
  return total;
}
