import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type CostPart, splitCost } from './cost-parts';
import { readWeights } from './weights';

/** The graph of the router's own tests. */
const SUPERGRAPH = `
type Query @cost(weight: 1000) {
  courses(first: Int, last: Int, filter: Filter): Courses @cost(weight: 100) @listSize(assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["nodes"], requireOneSlicingArgument: false)
  tags: [Tag!]!
  thing: Thing
  things: [Thing!]! @listSize(assumedSize: 3)
}
union Thing = Course | Tag
type Courses { nodes: [Course!]! totalCount: Int @cost(weight: 500) }
type Course @cost(weight: 1) {
  id: ID!
  tags: [Tag!]! @listSize(assumedSize: 3)
  courses(first: Int, last: Int, filter: Filter): Courses @cost(weight: 100) @listSize(assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["nodes"], requireOneSlicingArgument: false)
}
type Tag @cost(weight: 10) { name: String courses(first: Int): Courses @cost(weight: 40) }
input Filter { search: String @cost(weight: 7000) level: String }
`;
const weights = readWeights(SUPERGRAPH);

function split(query: string, variables: Record<string, unknown> = {}, data: unknown = null) {
  return splitCost<string>({ query, variables }, data, weights, (path) => path[0]);
}

function total(parts: CostPart<string>[] | undefined): number {
  return (parts ?? []).reduce((sum, { micros }) => sum + micros, 0);
}

const estimate = (query: string, variables?: Record<string, unknown>) =>
  total(split(query, variables)?.estimated);

describe('the parts of the estimate have the sum that the router returns', () => {
  test.each([
    ['(first: 7)', 7],
    ['(last: 9)', 9],
    ['(first: 0)', 0],
    ['', 20],
    ['(first: -1)', 0],
    ['(first: 2000000000)', 100],
  ])('for a page: %s', (args, size) => {
    expect(estimate(`{ courses${args} { nodes { id } } }`)).toBe(1_100 + size);
  });

  test('for a page whose size is a variable', () => {
    const text = 'query ($n: Int = 5) { courses(first: $n) { nodes { id } } }';
    expect(estimate(text)).toBe(1_105);
    expect(estimate(text, { n: 30 })).toBe(1_130);
    expect(estimate(text, { n: null })).toBe(1_120);
  });

  test('for pages within pages', () => {
    const text =
      '{ courses(first: 10) { nodes { courses(first: 10) { totalCount nodes { tags { name } } } } } }';
    expect(estimate(text)).toBe(1_000 + 100 + 10 + 100 + 500 + 100 + 10 * 100 * 3);
  });

  test('for fragments', () => {
    const text = `{ courses { ...F nodes { tags { name } } } ... { courses { totalCount } } }
      fragment F on Courses { nodes { ... on Course { id } tags { name } } totalCount }`;
    expect(estimate(text)).toBe(1_000 + 100 + 500 + 20 + 20 * 3 * 10);
  });

  test('for unions', () => {
    const course = '... on Course { a: courses(first: 1) { totalCount } }';
    const tag = '... on Tag { name a: courses(first: 1) { totalCount } }';
    expect(estimate(`{ thing { __typename ${course} } }`)).toBe(1_000 + 1 + 100 + 500);
    expect(estimate(`{ thing { ${tag} } }`)).toBe(1_000 + 10 + 40 + 500);
    expect(estimate(`{ things { ${course} ${tag} } }`)).toBe(1_000 + (600 - 9) + 540 + 3 * 10);
  });

  test('for input fields that are given', () => {
    const text = 'query ($f: Filter) { courses(filter: $f) { totalCount } }';
    expect(estimate(text, { f: { search: 'a' } })).toBe(1_600 + 7_000);
    expect(estimate(text, { f: { search: null, level: 'a' } })).toBe(1_600);
    expect(estimate(text, {})).toBe(1_600);
    expect(estimate('{ courses(filter: { search: "a" }) { totalCount } }')).toBe(1_600 + 7_000);
  });

  test('for introspection', () => {
    expect(estimate('{ __schema { types { fields { type { ofType { name } } } } } }')).toBe(
      1_000 + 1 + 10 + 3 * 100,
    );
    expect(estimate('{ __typename }')).toBe(1_000);
  });
});

test('the actual cost counts what was found, and what is missing as estimated', () => {
  const text = '{ courses(first: 100) { nodes { id tags { name } } totalCount } tags { name } }';
  const actual = (data: unknown) => total(split(text, {}, data)?.actual);
  const nodes = [
    { id: '1', tags: [{}, {}] },
    { id: '2', tags: [] },
  ];

  expect(actual({ courses: { nodes, totalCount: 2 }, tags: [] })).toBe(1_000 + 100 + 500 + 2 + 20);
  expect(actual({ courses: null, tags: [{ name: null }] })).toBe(1_000 + 100 + 10);
  expect(actual({ courses: { nodes: [{ id: '1' }] }, tags: [] })).toBe(1_000 + 100 + 500 + 1 + 3 * 10);
  expect(actual(null)).toBe(estimate(text));
});

test('each part says what it is for, and whose it is', () => {
  const parts = split('{ courses(first: 2) { nodes { tags { name } } } tags { name } }')?.estimated ?? [];
  expect(parts.toSorted((one, other) => other.micros - one.micros)).toEqual([
    { owner: undefined, label: 'Query', micros: 1_000 },
    { owner: 'courses', label: 'Query.courses', micros: 100 },
    { owner: 'tags', label: 'Tag', micros: 100 },
    { owner: 'courses', label: 'Tag', micros: 60 },
    { owner: 'courses', label: 'Course', micros: 2 },
  ]);
});

test('the graph has weights', () => {
  const graph = readWeights(readFileSync('../supergraph.graphql', 'utf8'));
  expect(graph.get('User')?.fields.get('enrollments')?.weight).toBeGreaterThan(0);
  expect(graph.get('Query')?.fields.get('courses')?.listSize?.slicingArguments).toContain('first');
});
