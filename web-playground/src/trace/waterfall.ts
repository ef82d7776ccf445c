import type { Phase, Statement, Trace, TracedFetch } from './trace';

/** Where a bar begins and how long it is, as shares of the whole, from 0 to 1. */
export interface Bar {
  left: number;
  width: number;
}

export interface FetchRow {
  fetch: TracedFetch;
  bar: Bar;
  statements: { statement: Statement; bar: Bar }[];
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
  const wholeMicros = Math.max(trace.durationMicros, ...[...trace.phases, ...trace.fetches].map(end), 1);
  const bar = (startMicros: number, durationMicros: number): Bar => ({
    left: startMicros / wholeMicros,
    width: durationMicros / wholeMicros,
  });
  const slowest = Math.max(...trace.fetches.map(({ durationMicros }) => durationMicros));

  return {
    wholeMicros,
    phases: inOrder(trace.phases).map((phase) => ({
      phase,
      bar: bar(phase.startMicros, phase.durationMicros),
    })),
    fetches: inOrder(trace.fetches).map((fetch) => ({
      fetch,
      bar: bar(fetch.startMicros, fetch.durationMicros),
      statements: inOrder(fetch.statements).map((statement) => ({
        statement,
        bar: bar(fetch.startMicros + statement.startMicros, statement.durationMicros),
      })),
      sqlMicros: covered(fetch.statements),
      isSlowest: trace.fetches.length > 1 && fetch.durationMicros === slowest,
    })),
  };
}

/** `2.4 ms`, or `900 µs`. */
export function duration(micros: number): string {
  if (micros < 1_000) return `${micros} µs`;
  return micros < 1_000_000 ? `${(micros / 1_000).toFixed(1)} ms` : `${(micros / 1_000_000).toFixed(2)} s`;
}

interface Span {
  startMicros: number;
  durationMicros: number;
}

function end({ startMicros, durationMicros }: Span): number {
  return startMicros + durationMicros;
}

function inOrder<T extends Span>(spans: T[]): T[] {
  return [...spans].sort((one, other) => one.startMicros - other.startMicros);
}

function covered(spans: Span[]): number {
  let [total, reached] = [0, 0];
  for (const span of inOrder(spans)) {
    total += Math.max(0, end(span) - Math.max(span.startMicros, reached));
    reached = Math.max(reached, end(span));
  }
  return total;
}
