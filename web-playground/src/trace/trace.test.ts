import { describe, expect, test } from 'vitest';
import { readTrace, type Trace } from './trace';
import { cacheNote, duration, layOutTrace } from './waterfall';

const statement = (start: number, duration: number) => ({ sql: 'select 1', start, duration, rows: 1 });

const fetch = {
  kind: 'query',
  types: [],
  representations: 0,
  bytes: 1,
  errors: 0,
  failed: false,
  inside: null,
};

const trace: Trace = {
  version: 1,
  total: 10_000,
  phases: [
    { name: 'execute', start: 2_000, duration: 8_000 },
    { name: 'parse', start: 100, duration: 400 },
  ],
  fetches: [
    { ...fetch, subgraph: 'course', start: 5_000, duration: 4_000, statements: [] },
    {
      ...fetch,
      subgraph: 'identity',
      start: 2_000,
      duration: 2_500,
      statements: [statement(3_000, 500), statement(2_200, 500), statement(3_200, 600)],
    },
  ],
};

test('a trace is read', () => {
  expect(readTrace(trace)).toEqual(trace);
});

test.each([undefined, null, 'text', {}, { version: 2, total: 5 }])('no trace is read from %o', (other) => {
  expect(readTrace(other)).toBeUndefined();
});

describe('its waterfall', () => {
  const { phases, fetches, totalMicros } = layOutTrace(trace);

  test('is ordered by start', () => {
    expect(phases.map(({ phase }) => phase.name)).toEqual(['parse', 'execute']);
    expect(fetches.map(({ fetch }) => fetch.subgraph)).toEqual(['identity', 'course']);
    expect(fetches[0]?.statements.map(({ statement }) => statement.start)).toEqual([2_200, 3_000, 3_200]);
  });

  test('has one scale', () => {
    expect(totalMicros).toBe(10_000);
    expect(fetches[1]?.bar).toEqual({ left: 0.5, width: 0.4 });
    expect(fetches[0]?.statements[0]?.bar).toEqual({ left: 0.22, width: 0.05 });
  });

  test('counts overlapping statements once', () => {
    expect(fetches.map(({ sqlMicros }) => sqlMicros)).toEqual([500 + 800, 0]);
  });

  test('marks the slowest fetch', () => {
    expect(fetches.map(({ isSlowest }) => isSlowest)).toEqual([false, true]);
  });

  test('counts catalog lookups separately', () => {
    const catalog = { ...statement(2_300, 300), catalog: true };
    const [first] = trace.fetches;
    const fetches = first ? [{ ...first, statements: [statement(2_200, 500), catalog, catalog] }] : [];
    const [row] = layOutTrace({ ...trace, fetches }).fetches;

    expect(row?.statements.map(({ statement }) => statement.start)).toEqual([2_200]);
    expect(row?.catalog).toEqual({ count: 2, micros: 300 });
    expect(layOutTrace(trace).fetches[0]?.catalog).toBeUndefined();
  });

  test('includes a fetch that ends after the response', () => {
    const late = { ...trace, total: 3_000 };
    expect(layOutTrace(late).totalMicros).toBe(10_000);
  });
});

test('a phase says whether its result was cached', () => {
  const phase = { name: 'plan', start: 0, duration: 1 };

  expect(cacheNote({ ...phase, cached: true })).toBe('cached');
  expect(cacheNote({ ...phase, cached: false })).toBe('planned');
  expect(cacheNote({ ...phase, name: 'execute' })).toBe('');
});

test('a duration has a suitable unit', () => {
  expect([950, 2_449, 18_342, 1_234_567].map(duration)).toEqual(['950 µs', '2.4 ms', '18.3 ms', '1.23 s']);
});
