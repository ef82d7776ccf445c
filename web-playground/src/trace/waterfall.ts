import type { Phase, Span, Statement, Trace, TracedFetch } from './trace';

/** Position and width of a bar, as fractions of the whole. */
export interface Bar {
  left: number;
  width: number;
}

export interface FetchRow {
  fetch: TracedFetch;
  bar: Bar;
  /** Without catalog lookups. */
  statements: { statement: Statement; bar: Bar }[];
  /** All catalog lookups of the database driver. */
  catalog: { count: number; micros: number } | undefined;
  /** Time in the database; overlapping statements count once. */
  sqlMicros: number;
  isSlowest: boolean;
}

export interface Waterfall {
  totalMicros: number;
  phases: { phase: Phase; bar: Bar }[];
  fetches: FetchRow[];
}

/** Lays out all spans on one scale, ordered by start. */
export function layOutTrace(trace: Trace): Waterfall {
  const totalMicros = Math.max(trace.total, ...[...trace.phases, ...trace.fetches].map(end), 1);
  const bar = ({ start, duration }: Span): Bar => ({
    left: start / totalMicros,
    width: duration / totalMicros,
  });
  const slowest = Math.max(...trace.fetches.map((fetch) => fetch.duration));

  return {
    totalMicros,
    phases: sortByStart(trace.phases).map((phase) => ({
      phase,
      bar: bar(phase),
    })),
    fetches: sortByStart(trace.fetches).map((fetch) => ({
      fetch,
      bar: bar(fetch),
      statements: sortByStart(fetch.statements)
        .filter((statement) => !statement.catalog)
        .map((statement) => ({ statement, bar: bar(statement) })),
      catalog: catalogLookups(fetch.statements.filter((statement) => statement.catalog)),
      sqlMicros: unionDuration(fetch.statements),
      isSlowest: trace.fetches.length > 1 && fetch.duration === slowest,
    })),
  };
}

function catalogLookups(statements: Statement[]): FetchRow['catalog'] {
  return statements.length > 0 ? { count: statements.length, micros: unionDuration(statements) } : undefined;
}

/** Whether the result of a phase was cached; empty for phases without a cache. */
export function cacheNote({ name, cached }: Phase): string {
  if (cached === undefined) return '';
  return cached ? 'cached' : (UNCACHED_LABELS[name] ?? 'not cached');
}

const UNCACHED_LABELS: Record<string, string> = {
  parse: 'parsed',
  validate: 'validated',
  plan: 'planned',
};

/** `2.4 ms`, or `900 µs`. */
export function duration(micros: number): string {
  if (micros < 1_000) return `${micros} µs`;
  return micros < 1_000_000 ? `${(micros / 1_000).toFixed(1)} ms` : `${(micros / 1_000_000).toFixed(2)} s`;
}

function end({ start, duration }: Span): number {
  return start + duration;
}

function sortByStart<T extends Span>(spans: T[]): T[] {
  return [...spans].sort((one, other) => one.start - other.start);
}

function unionDuration(spans: Span[]): number {
  let [total, reached] = [0, 0];
  for (const span of sortByStart(spans)) {
    total += Math.max(0, end(span) - Math.max(span.start, reached));
    reached = Math.max(reached, end(span));
  }
  return total;
}
