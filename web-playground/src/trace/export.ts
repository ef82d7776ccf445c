import type { RecordedTrace } from './recorded';
import type { Span, TracedFetch } from './trace';

const INTERNAL = 1;
const SERVER = 2;
const CLIENT = 3;

/** The trace as OpenTelemetry's JSON (OTLP): one resource for the router, and one for each subgraph. */
export function toOpenTelemetry(
  { operationName, receivedAt, trace }: RecordedTrace,
  newId = randomId,
): string {
  const traceId = newId(16);
  const startedAt = receivedAt * 1_000 - trace.total;
  const resources = new Map<string, object[]>();
  const add = (
    service: string,
    span: Span,
    details: { name: string; kind: number; parent?: string; attributes?: object },
  ) => {
    const { name, kind, parent, attributes = {} } = details;
    const spanId = newId(8);
    const nanos = (micros: number) => `${BigInt(Math.round(startedAt + micros)) * 1_000n}`;
    const written = {
      traceId,
      spanId,
      ...(parent ? { parentSpanId: parent } : {}),
      name,
      kind,
      startTimeUnixNano: nanos(span.start),
      endTimeUnixNano: nanos(span.start + span.duration),
      attributes: attributeList(attributes),
    };
    resources.set(service, [...(resources.get(service) ?? []), written]);
    return spanId;
  };

  const whole = { start: 0, duration: trace.total };
  const root = add('router', whole, {
    name: operationName,
    kind: SERVER,
    attributes: { 'graphql.operation.name': operationName },
  });
  const phases = new Map(
    trace.phases.map((phase) => {
      const attributes = phase.cached === undefined ? {} : { cached: phase.cached };
      return [
        phase.name,
        add('router', phase, { name: phase.name, kind: INTERNAL, parent: root, attributes }),
      ];
    }),
  );
  for (const fetch of trace.fetches) {
    const client = add('router', fetch, {
      name: `fetch ${fetch.subgraph}`,
      kind: CLIENT,
      parent: phases.get('execute') ?? root,
      attributes: { 'subgraph.name': fetch.subgraph, 'http.response.body.size': fetch.bytes },
    });
    for (const statement of fetch.statements) {
      add(fetch.subgraph, statement, {
        name: statement.sql.split(/\s/, 1)[0] ?? 'SQL',
        kind: CLIENT,
        parent: client,
        attributes: {
          'db.system.name': 'postgresql',
          'db.query.text': statement.sql,
          'db.response.returned_rows': statement.rows,
        },
      });
    }
  }
  const resourceSpans = [...resources].map(([service, spans]) => ({
    resource: { attributes: attributeList({ 'service.name': service }) },
    scopeSpans: [{ scope: { name: 'lyceum-playground' }, spans }],
  }));
  return `${JSON.stringify({ resourceSpans }, null, 2)}\n`;
}

function attributeList(attributes: object): object[] {
  return Object.entries(attributes).map(([key, value]) => {
    if (typeof value === 'boolean') return { key, value: { boolValue: value } };
    return {
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: String(value) },
    };
  });
}

/** Hexadecimal digits. */
function randomId(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, '0')).join('');
}

/** The trace in Chrome's trace event format, for `chrome://tracing`, Perfetto and speedscope. */
export function toChromeTrace({ operationName, trace }: RecordedTrace): string {
  const events: object[] = [];
  const threads: string[] = [];
  const thread = (name: string) => {
    if (!threads.includes(name)) threads.push(name);
    return threads.indexOf(name) + 1;
  };
  const add = (name: string, category: string, tid: number, { start, duration }: Span, args: object = {}) =>
    events.push({ name, cat: category, ph: 'X', ts: start, dur: duration, pid: 1, tid, args });

  add(operationName, 'router', thread('router'), { start: 0, duration: trace.total });
  for (const phase of trace.phases) add(phase.name, 'router', thread('router'), phase);
  for (const { fetch, lane } of inLanes(trace.fetches)) {
    // Events of one thread must not overlap, but fetches do.
    const tid = thread(lane === 1 ? fetch.subgraph : `${fetch.subgraph} ${lane}`);
    add(fetch.types.join(', ') || fetch.kind, 'fetch', tid, fetch, {
      bytes: fetch.bytes,
      errors: fetch.errors,
    });
    for (const { statement, lane: own } of inLanesOf(fetch)) {
      const inner = own === 1 ? tid : thread(`${threads[tid - 1]}, SQL ${own}`);
      add(statement.sql, 'sql', inner, statement, { rows: statement.rows });
    }
  }
  const names = threads.map((name, index) => ({
    name: 'thread_name',
    ph: 'M',
    pid: 1,
    tid: index + 1,
    args: { name },
  }));
  return `${JSON.stringify({ displayTimeUnit: 'ms', traceEvents: [...names, ...events] })}\n`;
}

/** Numbers the fetches of each subgraph so that those of the same number do not overlap. */
function inLanes(fetches: TracedFetch[]): { fetch: TracedFetch; lane: number }[] {
  const ends = new Map<string, number[]>();
  return fetches
    .toSorted((one, other) => one.start - other.start)
    .map((fetch) => {
      const own = ends.get(fetch.subgraph) ?? [];
      ends.set(fetch.subgraph, own);
      return { fetch, lane: takeLane(own, fetch) };
    });
}

function inLanesOf({ statements }: TracedFetch) {
  const ends: number[] = [];
  return statements
    .toSorted((one, other) => one.start - other.start)
    .map((statement) => ({ statement, lane: takeLane(ends, statement) }));
}

function takeLane(ends: number[], { start, duration }: Span): number {
  const free = ends.findIndex((end) => end <= start);
  const lane = free < 0 ? ends.length : free;
  ends[lane] = start + duration;
  return lane + 1;
}
