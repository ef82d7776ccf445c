import { describe, expect, test } from 'vitest';
import { readTrace, type Trace } from './trace';
import { duration, layOutTrace } from './waterfall';

const statement = (startMicros: number, durationMicros: number) => ({
  sql: 'select 1',
  startMicros,
  durationMicros,
  rows: 1,
});

const trace: Trace = {
  version: 1,
  durationMicros: 10_000,
  phases: [
    { name: 'execute', startMicros: 2_000, durationMicros: 8_000 },
    { name: 'parse', startMicros: 100, durationMicros: 400 },
  ],
  fetches: [
    {
      subgraph: 'course',
      kind: 'entities',
      entities: 20,
      startMicros: 5_000,
      durationMicros: 4_000,
      statements: [],
    },
    {
      subgraph: 'identity',
      kind: 'query',
      entities: null,
      startMicros: 2_000,
      durationMicros: 2_500,
      statements: [statement(1_000, 500), statement(200, 500), statement(1_200, 600)],
    },
  ],
};

describe('a trace', () => {
  test('is read where there is one', () => {
    expect(readTrace(trace)).toEqual(trace);
    expect(readTrace({ version: 1, durationMicros: 5 })).toEqual({
      version: 1,
      durationMicros: 5,
      phases: [],
      fetches: [],
    });
  });

  test.each([undefined, null, 'text', {}, { version: 2, durationMicros: 5 }])(
    'is none where there is none: %o',
    (other) => {
      expect(readTrace(other)).toBeUndefined();
    },
  );
});

describe('its waterfall', () => {
  const { phases, fetches, wholeMicros } = layOutTrace(trace);

  test('is in the order in which things began', () => {
    expect(phases.map(({ phase }) => phase.name)).toEqual(['parse', 'execute']);
    expect(fetches.map(({ fetch }) => fetch.subgraph)).toEqual(['identity', 'course']);
    expect(fetches[0]?.statements.map(({ statement }) => statement.startMicros)).toEqual([200, 1_000, 1_200]);
  });

  test('has everything on the scale of the whole', () => {
    expect(wholeMicros).toBe(10_000);
    expect(fetches[1]?.bar).toEqual({ left: 0.5, width: 0.4 });
    expect(fetches[0]?.statements[0]?.bar).toEqual({ left: 0.22, width: 0.05 });
  });

  test('counts time in the database once where statements overlap', () => {
    expect(fetches.map(({ sqlMicros }) => sqlMicros)).toEqual([500 + 800, 0]);
  });

  test('marks the slowest fetch', () => {
    expect(fetches.map(({ isSlowest }) => isSlowest)).toEqual([false, true]);
  });

  test('has room for a fetch that ends after the answer', () => {
    const late = { ...trace, durationMicros: 3_000 };
    expect(layOutTrace(late).wholeMicros).toBe(10_000);
  });
});

test('a duration is told in the unit that suits it', () => {
  expect([950, 2_449, 18_342, 1_234_567].map(duration)).toEqual(['950 µs', '2.4 ms', '18.3 ms', '1.23 s']);
});
