// Changes that the inspector does not report, and which documents they affect.

import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema, parse } from "graphql";
import { schemaChanges } from "../src/changes.ts";
import { usageOf } from "../src/usage.ts";

async function changes(before: string, after: string): Promise<[id: string, level: string][]> {
  const found = await schemaChanges(buildSchema(before), buildSchema(after));
  return found.map(({ kind, path, level }) => [`${kind} ${path}`, level]);
}

const LENGTH = "enum Unit { METRE FOOT } type Query { length(UNIT): Int }";
const length = (unit: string) => LENGTH.replace("UNIT", unit);

async function breaks(document: string, before: string, after: string): Promise<boolean> {
  const [former, now] = [buildSchema(length(before)), buildSchema(length(after))];
  const found = await schemaChanges(former, now);
  assert.ok(found.length > 0);
  const usage = usageOf(parse(document), former);
  return found.some((change) => change.level === "breaking" && change.affects(usage));
}

test("an argument loses its default: a variable with a default of its own is none the worse", async () => {
  const [before, after] = ["unit: Unit! = METRE", "unit: Unit!"] as const;

  assert.ok(!(await breaks("query A($u: Unit = FOOT) { length(unit: $u) }", before, after)));
  assert.ok(!(await breaks("query A($u: Unit!) { length(unit: $u) }", before, after)));
  assert.ok(!(await breaks("{ length(unit: FOOT) }", before, after)));
  assert.ok(await breaks("query A($u: Unit) { length(unit: $u) }", before, after));
  assert.ok(await breaks("query A($u: Unit = null) { length(unit: $u) }", before, after));
  assert.ok(await breaks("{ length }", before, after));
});

test("an argument that took null is required: a client may still send null for its variable", async () => {
  const document = "query A($u: Unit = FOOT) { length(unit: $u) }";

  assert.ok(await breaks(document, "unit: Unit", "unit: Unit!"));
});

test("the deprecation of an argument or an input field: added, changed, removed", async () => {
  const sdl = (how: string) =>
    `input I { a: Int b: Int ${how} } type Query { q(i: I, x: Int ${how}): Int }`;
  const [none, one, other] = ["", '@deprecated(reason: "a")', '@deprecated(reason: "b")'].map(sdl);

  for (const [before, after, suffix] of [
    [none, one, "ADDED"],
    [one, other, "REASON_CHANGED"],
    [one, none, "REMOVED"],
  ] as [string, string, string][]) {
    assert.deepEqual(await changes(before, after), [
      [`INPUT_FIELD_DEPRECATION_${suffix} I.b`, "safe"],
      [`FIELD_ARGUMENT_DEPRECATION_${suffix} Query.q.x`, "safe"],
    ]);
  }
  assert.deepEqual(await changes(one as string, one as string), []);
});

test("the specification of a scalar: added, changed, removed", async () => {
  const sdl = (how: string) => `scalar Day ${how} type Query { day: Day }`;
  const [none, one, other] = ["", "a", "b"].map((url) =>
    sdl(url && `@specifiedBy(url: "https://example.com/${url}")`),
  ) as [string, string, string];

  assert.deepEqual(await changes(none, one), [["SCALAR_SPECIFIED_BY_ADDED Day", "safe"]]);
  assert.deepEqual(await changes(one, other), [["SCALAR_SPECIFIED_BY_CHANGED Day", "dangerous"]]);
  assert.deepEqual(await changes(one, none), [["SCALAR_SPECIFIED_BY_REMOVED Day", "dangerous"]]);
});
