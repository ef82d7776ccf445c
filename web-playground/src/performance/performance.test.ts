import { expect, test } from 'vitest';
import { splitCost } from '../cost/cost-parts';
import { readWeights } from '../cost/weights';
import { type PlanNode, readPlan } from '../plan/steps';
import type { Trace, TracedFetch } from '../trace/trace';
import { layOutTrace } from '../trace/waterfall';
import { costRows, linkFetches, ownerIn } from './linked-fetches';
import { timeShares } from './time-shares';

const userById = [
  { kind: 'InlineFragment', typeCondition: 'User', selections: [{ kind: 'Field', name: 'id' }] },
];
const courseById = [{ ...userById[0], kind: 'InlineFragment', typeCondition: 'Course' }];
const course = (list: string) => [
  { Field: 'me' },
  { Field: list },
  { Field: 'nodes' },
  '@',
  { Field: 'course' },
];

/** Shortened from the router's: two lists of courses, which are fetched together. */
const PLAN: PlanNode = {
  kind: 'Sequence',
  nodes: [
    { kind: 'Fetch', serviceName: 'identity', operation: '{me{__typename id name}}' },
    {
      kind: 'Parallel',
      nodes: ['enrollment', 'payment'].map((subgraph) => ({
        kind: 'Flatten',
        path: [{ Field: 'me' }],
        node: {
          kind: 'Fetch',
          serviceName: subgraph,
          requires: userById,
          operation: `query($r:[_Any!]!){_entities(representations:$r){...on User{${subgraph}s{nodes{id course{id}}}}}}`,
        },
      })),
    },
    {
      kind: 'BatchFetch',
      serviceName: 'course',
      operation:
        'query($a:[_Any!]!){_e0:_entities(representations:$a){...on Course{title}} _e1:_entities(representations:$a){...on Course{level}}}',
      entityBatch: {
        aliases: [
          { alias: '_e0', paths: [course('enrollments')], requires: courseById },
          { alias: '_e1', paths: [course('payments')], requires: courseById },
        ],
      },
    },
  ],
};
const steps = readPlan(PLAN);

function traced(subgraph: string, start: number, changes: Partial<TracedFetch> = {}): TracedFetch {
  return {
    subgraph,
    kind: 'entities',
    types: ['User'],
    representations: 1,
    start,
    duration: 10,
    bytes: 100,
    errors: 0,
    failed: false,
    inside: 8,
    statements: [],
    ...changes,
  };
}

const trace: Trace = {
  version: 1,
  total: 100,
  phases: [],
  fetches: [
    traced('identity', 5, { kind: 'query', types: [] }),
    traced('payment', 20, { duration: 30, statements: [{ sql: 'a', start: 25, duration: 10, rows: 1 }] }),
    traced('enrollment', 22, { statements: [{ sql: 'b', start: 24, duration: 6, rows: 1 }] }),
    traced('course', 60, { types: ['Course'] }),
  ],
};

test('a fetch that is sent for several places has the fields of each', () => {
  const batch = steps.fetches[3];
  expect(batch?.entityPaths.map((path) => path.join('.'))).toEqual([
    'me.enrollments.nodes.course',
    'me.payments.nodes.course',
  ]);
  expect([...(batch?.selected ?? [])]).toEqual([
    'me.enrollments.nodes.course.title',
    'me.payments.nodes.course.level',
  ]);
});

test('each fetch of the plan has its fetch of the trace', () => {
  const links = linkFetches(steps, layOutTrace(trace));
  expect(links.map(({ subgraph, traced: row }) => [subgraph, row?.fetch.start])).toEqual([
    ['identity', 5],
    ['enrollment', 22],
    ['payment', 20],
    ['course', 60],
  ]);
  expect(links.some(({ isAmbiguous }) => isAmbiguous)).toBe(false);
});

test('what was not sent, and what the plan does not have, is kept', () => {
  const fetches = [...trace.fetches.slice(0, 3), traced('notification', 60)];
  const links = linkFetches(steps, layOutTrace({ ...trace, fetches }));
  expect(links.map(({ subgraph, planned, traced: row }) => [subgraph, !planned, !row])).toEqual([
    ['identity', false, false],
    ['enrollment', false, false],
    ['payment', false, false],
    ['course', false, true],
    ['notification', true, false],
  ]);
});

test('it is said when the order alone cannot tell two fetches apart', () => {
  const twice = readPlan({
    kind: 'Parallel',
    nodes: [PLAN.nodes?.[0] ?? { kind: '' }, PLAN.nodes?.[0] ?? { kind: '' }],
  });
  const identity = (start: number) => traced('identity', start, { kind: 'query', types: [] });
  const ambiguous = (fetches: TracedFetch[]) =>
    linkFetches(twice, layOutTrace({ ...trace, fetches })).map(({ isAmbiguous }) => isAmbiguous);
  expect(ambiguous([identity(0), identity(5)])).toEqual([true, true]);
  expect(ambiguous([identity(0), identity(50)])).toEqual([false, false]);
  expect(ambiguous([identity(0)])).toEqual([true, false]);
});

test('the cost of objects belongs to the fetch that reads them from their owner', () => {
  const weights = readWeights(`
    type Query @cost(weight: 500) { me: User @cost(weight: 100) }
    type User @cost(weight: 1) { name: String enrollments: EnrollmentConnection @cost(weight: 1000) }
    type EnrollmentConnection { nodes: [Enrollment!]! @listSize(assumedSize: 4) }
    type Enrollment @cost(weight: 10) { course: Course @cost(weight: 800) }
    type Course @cost(weight: 30) { title: String }`);
  const query = '{ me { name enrollments { nodes { course { title } } } } }';
  const data = { me: { name: 'A', enrollments: { nodes: [{ course: { title: 'B' } }] } } };
  const parts = splitCost({ query }, data, weights, ownerIn(steps));
  const rows = parts && costRows(linkFetches(steps, layOutTrace(trace)), parts, true);
  expect(rows?.map(({ fetch, estimated, actual }) => [fetch, estimated, actual])).toEqual([
    [undefined, 0.5, 0.5],
    [0, 0.101, 0.101],
    [1, 1.04, 1.01],
    [2, 0, 0],
    [3, 0.92, 0.83],
  ]);
  expect(rows?.[4]?.parts).toEqual([
    { label: 'Enrollment.course', estimated: 0.8, actual: 0.8 },
    { label: 'Course', estimated: 0.12, actual: 0.03 },
  ]);
});

test('every moment of the time is of the router, the subgraphs, or SQL', () => {
  expect(timeShares(trace)).toEqual([
    { kind: 'router', label: 'router', micros: 50 },
    { kind: 'subgraphs', label: 'subgraphs and network', micros: 39 },
    { kind: 'sql', label: 'SQL', micros: 11 },
  ]);
});
