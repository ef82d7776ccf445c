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
  /** The same, as bars. */
  catalogBars: Bar[];
  /** Time in SQL statements, without catalog lookups; overlapping statements count once. */
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
      catalogBars: fetch.statements.filter((statement) => statement.catalog).map(bar),
      sqlMicros: unionDuration(fetch.statements.filter((statement) => !statement.catalog)),
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

/** The part of the time that is shown, as fractions of the whole. */
export interface Window {
  from: number;
  to: number;
}

export const WHOLE: Window = { from: 0, to: 1 };
const MIN_WINDOW = 0.002;

/** A narrower or wider window, in which the same moment stays at the same place. */
export function zoomWindow({ from, to }: Window, factor: number, at: number): Window {
  const width = Math.min(Math.max((to - from) / factor, MIN_WINDOW), 1);
  const left = Math.min(Math.max(at - ((at - from) / (to - from)) * width, 0), 1 - width);
  return { from: left, to: left + width };
}

/** The window moved by a part of its own width, within the whole. */
export function panWindow({ from, to }: Window, part: number): Window {
  const left = Math.min(Math.max(from + part * (to - from), 0), 1 - (to - from));
  return { from: left, to: left + to - from };
}

/** A bar within the window; undefined when it is outside of it. */
export function barIn({ left, width }: Bar, { from, to }: Window): Bar | undefined {
  const [start, end] = [Math.max(left, from), Math.min(left + width, to)];
  if (end < start || left > to) return undefined;
  return { left: (start - from) / (to - from), width: (end - start) / (to - from) };
}

export interface Tick {
  micros: number;
  /** As a fraction of the window. */
  left: number;
}

const MAX_TICKS = 6;

/** A round time of the axis, in as few characters as it needs. */
export function tickLabel(micros: number): string {
  if (micros === 0) return '0';
  if (micros < 1_000) return `${micros} µs`;
  return micros < 1_000_000 ? `${micros / 1_000} ms` : `${micros / 1_000_000} s`;
}

/** Round times for the axis of a window. */
export function ticks(totalMicros: number, { from, to }: Window): Tick[] {
  const shown = totalMicros * (to - from);
  const step = roundStep(shown / MAX_TICKS);
  const found: Tick[] = [];
  for (
    let micros = Math.ceil((totalMicros * from) / step) * step;
    micros <= totalMicros * to;
    micros += step
  ) {
    found.push({ micros, left: (micros - totalMicros * from) / shown });
  }
  return found;
}

/** 1, 2 or 5 times a power of ten, and at least that. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  const factor = [1, 2, 5, 10].find((one) => one * power >= least) ?? 10;
  return factor * power;
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
