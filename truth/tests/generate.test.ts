import assert from "node:assert/strict";
import { test } from "node:test";
import { OperationTypeNode, parse, print, validate } from "graphql";
import { Cursors } from "../src/cursors.ts";
import { generateOperation, type Wanted } from "../src/generate/operation.ts";
import { ValuePools } from "../src/generate/pools.ts";
import { varyOperation } from "../src/generate/variation.ts";
import { OPERATION_KINDS, type OperationKind } from "../src/kinds.ts";
import { Random } from "../src/random.ts";
import { shrink } from "../src/shrink.ts";
import { fieldsOfPayloads, selectedFields } from "../src/statistics.ts";
import { bob, schema, tables } from "./fixtures.ts";

const pools = new ValuePools(tables(), new Cursors());

function made(
  seed: number,
  kinds: readonly OperationKind[],
  operation = OperationTypeNode.QUERY,
  wanted?: Wanted,
) {
  const random = new Random(seed);
  return generateOperation({
    schema,
    pools,
    random,
    viewer: bob,
    kinds: new Set(kinds),
    operation,
    isAllowed: () => true,
    wanted,
  });
}

const many = (kinds: readonly OperationKind[], operation = OperationTypeNode.QUERY) =>
  Array.from({ length: 200 }, (_, seed) => print(made(seed, kinds, operation).document));

test("most operations are valid", () => {
  for (const operation of [OperationTypeNode.QUERY, OperationTypeNode.MUTATION]) {
    const valid = many(OPERATION_KINDS, operation).filter(
      (text) => validate(schema, parse(text)).length === 0,
    );

    assert.ok(valid.length > 100, `${valid.length} of 200 ${operation} operations`);
  }
});

test("what only mutations return is selected where it is wanted", () => {
  const fields = fieldsOfPayloads(schema);
  assert.ok(fields.some(({ type }) => type === "LoginPayload"));
  assert.ok(fields.some(({ type }) => type === "Session"));
  assert.ok(!fields.some(({ type }) => type === "Course"));
  for (const wanted of fields) {
    const operations = Array.from({ length: 20 }, (_, seed) =>
      made(seed, OPERATION_KINDS, OperationTypeNode.MUTATION, wanted),
    );
    const field = `${wanted.type}.${wanted.field}`;
    const selecting = operations.filter((one) => selectedFields(schema, one).has(field));

    assert.ok(selecting.length > 10, `${field}: ${selecting.length} of 20`);
  }
});

test("the same seed generates the same operation", () => {
  assert.deepEqual(made(7, OPERATION_KINDS), made(7, OPERATION_KINDS));
});

test("disabled kinds are not generated", () => {
  const plain = many(["plain"]).join("\n");

  assert.doesNotMatch(plain, /@(include|skip)/);
  assert.doesNotMatch(plain, /\bid: (?!id\b)[a-z]/);
  assert.match(many(["conditions"]).join("\n"), /@(include|skip)/);
  assert.match(many(["key-aliases"]).join("\n"), /\bid: (?!id\b)[a-z]/);
});

test("a variation has values of the same types", () => {
  const document = parse("query ($all: Boolean!, $first: Int, $id: ID!) { me { id } }");
  const variables = { all: true, first: 9, id: "x" };
  const operation = { document, variables, operationName: undefined, viewer: bob };

  const varied = Array.from({ length: 50 }, (_, seed) =>
    varyOperation(operation, new Random(seed), [bob]),
  );

  assert.deepEqual(new Set(varied.map((one) => one.variables.all)), new Set([true, false]));
  assert.deepEqual(new Set(varied.map((one) => one.variables.id)), new Set(["x"]));
  const firsts = varied.map((one) => one.variables.first);
  assert.ok(firsts.includes(undefined) && firsts.includes(2), `${firsts}`);
});

test("reserved names are used", () => {
  const all = [...many(OPERATION_KINDS), ...many(OPERATION_KINDS, OperationTypeNode.MUTATION)].join(
    "\n",
  );

  for (const name of [/\$representations\b/, /fragment (User|id)\b/, /\b__typename: \w/])
    assert.match(all, name);
});

test("an operation shrinks to the difference", async () => {
  const document = parse(`query Long($first: Int = 3, $show: Boolean!) {
    me { name @include(if: $show) ...Rest }
    courses(first: $first) { nodes { title level ... on Course { teacher { name id } } } }
  }
  fragment Rest on User { role }`);
  const operation = { document, variables: { show: true }, operationName: undefined, viewer: bob };

  const smallest = await shrink(operation, schema, async (candidate) =>
    print(candidate.document).includes("level"),
  );

  assert.equal(print(smallest.document), print(parse("{ courses { nodes { level } } }")));
  assert.deepEqual(smallest.variables, {});
});
