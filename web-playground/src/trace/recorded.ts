import type { Cost } from '../cost/cost';
import { readCost } from '../cost/cost';
import type { LastResponse } from '../execution/response';
import { readTrace, type Trace } from './trace';

/** A trace with what is known about its run. */
export interface RecordedTrace {
  operationName: string;
  /** In milliseconds since 1970. */
  receivedAt: number;
  trace: Trace;
  cost: Cost | undefined;
}

const FORMAT = 'lyceum-trace';

/** Undefined when the response has no trace. */
export function recordTrace({
  operationName,
  receivedAt,
  trace,
  cost,
}: LastResponse): RecordedTrace | undefined {
  const read = readTrace(trace);
  return read && { operationName: operationName || 'The operation', receivedAt, trace: read, cost };
}

/** A trace as a file. It has neither variables nor data. */
export function writeTraceFile(recorded: RecordedTrace): string {
  return `${JSON.stringify({ format: FORMAT, version: 1, ...recorded }, null, 2)}\n`;
}

/** Throws when the file is no trace. */
export function readTraceFile(text: string): RecordedTrace {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Error('The file is not JSON.');
  }
  const { format, operationName, receivedAt, trace, cost } = (file ?? {}) as Record<string, unknown>;
  const read = format === FORMAT && isTrace(trace) ? readTrace(trace) : undefined;
  if (!read) throw new Error('The file is not a trace that this page has saved.');
  return {
    operationName: typeof operationName === 'string' ? operationName : 'The operation',
    receivedAt: typeof receivedAt === 'number' ? receivedAt : 0,
    trace: read,
    cost: readCost(cost),
  };
}

/** A file may have been changed by hand: what is drawn must be there. */
function isTrace(value: unknown): value is Trace {
  const { total, phases, fetches } = (value ?? {}) as Record<string, unknown>;
  if (typeof total !== 'number' || !Array.isArray(phases) || !Array.isArray(fetches)) return false;
  const isFetch = (fetch: Record<string, unknown>) =>
    isSpan(fetch) &&
    typeof fetch.subgraph === 'string' &&
    Array.isArray(fetch.types) &&
    Array.isArray(fetch.statements) &&
    fetch.statements.every((one) => isSpan(one) && typeof one.sql === 'string');
  return phases.every((phase) => isSpan(phase) && typeof phase.name === 'string') && fetches.every(isFetch);
}

function isSpan(value: unknown): boolean {
  const { start, duration } = (value ?? {}) as Record<string, unknown>;
  return typeof start === 'number' && typeof duration === 'number';
}
