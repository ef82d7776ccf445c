import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema, parse } from "graphql";
import { countResult, countUpperBound } from "../src/cost/counts.ts";
import { fit, spearman } from "../src/cost/fit.ts";
import { Random } from "../src/random.ts";
import { bob } from "./fixtures.ts";

const schema = buildSchema(`
  type Query { courses(first: Int, filter: Filter): CourseConnection me: User }
  type CourseConnection { nodes: [Course!]! totalCount: Int }
  type Course { id: ID! teacher: User }
  type User { name: String courses(first: Int): CourseConnection }
  input Filter { search: String level: String }
`);

const operation = {
  document: parse(`
    query ($first: Int = 3, $search: String, $no: Boolean!) {
      courses(first: $first, filter: { search: $search }) { ...F nodes { teacher { name } } }
      me @include(if: $no) { name }
    }
    fragment F on CourseConnection { nodes { id teacher { courses { totalCount } } } }
  `),
  variables: { no: false, search: "a" },
  operationName: undefined,
  viewer: bob,
};

test("the contents of a response are counted", () => {
  const teacher = { name: "Ann", courses: { totalCount: 1 } };
  const nodes = [
    { id: "1", teacher },
    { id: "2", teacher: null },
  ];

  const { fields, types, inputs } = countResult(operation, schema, { courses: { nodes } });

  assert.deepEqual(Object.fromEntries(types), {
    Query: 1,
    CourseConnection: 2,
    Course: 2,
    User: 1,
  });
  assert.equal(fields.get("Course.teacher"), 1, "one statement for all of them");
  assert.equal(fields.get("CourseConnection.totalCount"), 1);
  assert.equal(fields.has("Query.me"), false);
  assert.deepEqual(Object.fromEntries(inputs), { "Filter.search": 1 });
});

test("the maximum contents of a response are counted", () => {
  const { types } = countUpperBound(operation, schema);
  const longer = countUpperBound({ ...operation, variables: { no: true, first: 500 } }, schema);

  assert.deepEqual(Object.fromEntries(types), {
    Query: 1,
    CourseConnection: 1 + 3,
    Course: 3,
    User: 3,
  });
  assert.equal(longer.types.get("Course"), 100);
  assert.equal(longer.types.get("User"), 101);
  assert.deepEqual(Object.fromEntries(longer.inputs), {});
});

test("the fit recovers weights despite noise", () => {
  const random = new Random(7);
  const weights = { statement: 900, object: 12, nothing: 0 };
  const samples = Array.from({ length: 400 }, () => {
    const counts = new Map([
      ["statement", random.between(1, 6)],
      ["object", random.between(0, 500)],
      ["nothing", random.between(0, 3)],
    ]);
    const exact = [...counts].reduce(
      (sum, [name, count]) => sum + count * weights[name as keyof typeof weights],
      0,
    );
    return { counts, measured: exact * (0.9 + 0.2 * random.next()) };
  });

  const found = fit(samples);

  assert.ok(Math.abs((found.get("statement") ?? 0) - 900) < 60, `${found.get("statement")}`);
  assert.ok(Math.abs((found.get("object") ?? 0) - 12) < 1, `${found.get("object")}`);
  assert.ok((found.get("nothing") ?? 0) < 40, `${found.get("nothing")}`);
});

test("the rank correlation compares the order of two lists", () => {
  assert.equal(spearman([1, 2, 3, 4], [10, 20, 30, 1000]), 1);
  assert.equal(spearman([1, 2, 3, 4], [4, 3, 2, 1]), -1);
  assert.ok(Math.abs(spearman([1, 1, 2, 2], [1, 2, 1, 2])) < 0.01, "ties");
});
