import { expect, test } from 'vitest';
import { compareTraces } from './compare';
import { toChromeTrace, toOpenTelemetry } from './export';
import { type RecordedTrace, readTraceFile, writeTraceFile } from './recorded';
import type { Trace } from './trace';
import { barIn, panWindow, tickLabel, ticks, WHOLE, zoomWindow } from './waterfall';

const fetch = {
  subgraph: 'course',
  kind: 'entities',
  types: ['Course'],
  representations: 2,
  bytes: 100,
  errors: 0,
  failed: false,
  inside: 900,
};
const trace: Trace = {
  version: 1,
  total: 5_000,
  phases: [
    { name: 'parse', start: 0, duration: 100, cached: true },
    { name: 'execute', start: 200, duration: 4_800 },
  ],
  fetches: [
    {
      ...fetch,
      start: 300,
      duration: 1_000,
      statements: [{ sql: 'select 1', start: 400, duration: 500, rows: 1 }],
    },
    { ...fetch, start: 800, duration: 1_000, statements: [] },
  ],
};
const recorded: RecordedTrace = {
  operationName: 'Mine',
  receivedAt: 1_700_000_000_000,
  trace,
  cost: { estimated: 2, actual: 1, limit: null, remaining: null },
};

test('a trace that is saved can be opened', () => {
  expect(readTraceFile(writeTraceFile(recorded))).toEqual(recorded);
});

test.each([
  ['not JSON', '<'],
  ['not a trace', '{}'],
  ['not a trace', 'null'],
  [
    'not a trace',
    JSON.stringify({ format: 'lyceum-trace', trace: { version: 1, total: 1, phases: [{}], fetches: [] } }),
  ],
  [
    'not a trace',
    JSON.stringify({ format: 'lyceum-trace', trace: { version: 1, total: 1, phases: [], fetches: [null] } }),
  ],
])('a file that is %s is refused', (reason, text) => {
  expect(() => readTraceFile(text)).toThrow(reason);
});

test('OpenTelemetry gets one tree of spans, by service, with absolute times', () => {
  let number = 0;
  const id = (bytes: number) => {
    number += 1;
    return number.toString(16).padStart(bytes * 2, '0');
  };
  const { resourceSpans } = JSON.parse(toOpenTelemetry(recorded, id));
  const spans = resourceSpans.flatMap(
    (resource: { scopeSpans: { spans: object[] }[] }) => resource.scopeSpans[0]?.spans,
  );

  expect(
    resourceSpans.map(
      (one: { resource: { attributes: { value: object }[] } }) => one.resource.attributes[0]?.value,
    ),
  ).toEqual([{ stringValue: 'router' }, { stringValue: 'course' }]);
  expect(new Set(spans.map(({ traceId }: { traceId: string }) => traceId)).size).toBe(1);
  const ids = spans.map(({ spanId }: { spanId: string }) => spanId);
  expect(new Set(ids).size).toBe(6);
  const orphans = spans.filter(({ parentSpanId }: { parentSpanId?: string }) => !ids.includes(parentSpanId));
  expect(orphans.map(({ name }: { name: string }) => name)).toEqual(['Mine']);
  expect(spans[0]).toMatchObject({
    startTimeUnixNano: '1699999999995000000',
    endTimeUnixNano: '1700000000000000000',
  });
});

test('in Chrome’s format, events of a thread nest or follow each other', () => {
  const { traceEvents } = JSON.parse(toChromeTrace(recorded));
  const events = traceEvents.filter(({ ph }: { ph: string }) => ph === 'X');
  expect(events).toHaveLength(6);
  for (const one of events) {
    for (const other of events) {
      if (one === other || one.tid !== other.tid) continue;
      const isApart = one.ts + one.dur <= other.ts || other.ts + other.dur <= one.ts;
      const isInside = one.ts >= other.ts && one.ts + one.dur <= other.ts + other.dur;
      const isAround = one.ts <= other.ts && one.ts + one.dur >= other.ts + other.dur;
      expect(isApart || isInside || isAround).toBe(true);
    }
  }
});

test('two runs are compared part by part', () => {
  const [first] = trace.fetches;
  const faster: Trace = {
    ...trace,
    total: 3_000,
    fetches: first
      ? [{ ...first, statements: [{ sql: 'select 1', start: 400, duration: 50, rows: 1 }] }]
      : [],
  };
  const found = compareTraces(trace, faster);

  expect(found[0]).toMatchObject({ label: 'Total', before: 5_000, after: 3_000 });
  expect(found.find(({ kind }) => kind === 'sql')).toMatchObject({ before: 500, after: 50 });
  expect(found.at(-1)).toMatchObject({ kind: 'fetch', before: 1_000, after: undefined });
});

test('the axis has round times, also when it is zoomed', () => {
  expect(ticks(10_000, WHOLE).map(({ micros }) => micros)).toEqual([0, 2_000, 4_000, 6_000, 8_000, 10_000]);
  expect(ticks(10_000, { from: 0.25, to: 0.5 }).map(({ micros }) => micros)).toEqual([
    2_500, 3_000, 3_500, 4_000, 4_500, 5_000,
  ]);
  expect([0, 50, 2_500, 500_000, 1_500_000].map(tickLabel)).toEqual([
    '0',
    '50 µs',
    '2.5 ms',
    '500 ms',
    '1.5 s',
  ]);
});

test('zooming keeps the moment under the pointer, and stays within the whole', () => {
  const zoomed = zoomWindow(WHOLE, 4, 0.5);
  expect(zoomed).toEqual({ from: 0.375, to: 0.625 });
  expect(zoomWindow(zoomed, 0.01, 0.5)).toEqual(WHOLE);
  expect(panWindow(zoomed, 10)).toEqual({ from: 0.75, to: 1 });
});

test('a bar is cut at the edges of the window, and left out outside of it', () => {
  expect(barIn({ left: 0.2, width: 0.2 }, { from: 0.3, to: 0.5 })).toMatchObject({ left: 0 });
  expect(barIn({ left: 0.1, width: 0.1 }, { from: 0.3, to: 0.5 })).toBeUndefined();
  expect(barIn({ left: 0.6, width: 0.1 }, { from: 0.3, to: 0.5 })).toBeUndefined();
});
