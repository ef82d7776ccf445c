import assert from "node:assert/strict";
import { test } from "node:test";
import { compose } from "../src/composition.ts";
import { composeWithApollo } from "../src/cross-check.ts";
import { loadSubgraphs } from "../src/subgraphs.ts";
import { supergraphDifferences } from "../src/supergraph-difference.ts";
import { Copy, run } from "./support.ts";

async function bothSupergraphs(): Promise<[string, string]> {
  const subgraphs = await loadSubgraphs(new Copy().config);
  const [first, second] = [compose(subgraphs), await composeWithApollo(subgraphs)];
  assert.ok(first.composes && second.composes);
  return [first.supergraph, second.supergraph];
}

test("two composers agree on the fixtures", async () => {
  const { code, stderr } = await run("cross-check", "--config", new Copy().config);

  assert.equal(code, 0, stderr);
});

test("they agree on a directive with a description", async () => {
  const copy = new Copy();
  const directive = '"In capitals."\ndirective @upper("So many." by: Int) on FIELD\n';
  for (const name of ["course", "enrollment", "identity", "notification", "payment"]) {
    copy.write(`${name}.graphql`, `${copy.read(`${name}.graphql`)}\n${directive}`);
  }

  const { code, stderr } = await run("cross-check", "--config", copy.config);

  assert.equal(code, 0, stderr);
});

test("they agree on a type with different descriptions", async () => {
  const words = "Where a page of a list begins and ends.";
  const copy = new Copy().replace("course.graphql", words, "Where a page ends");

  const { code, stderr } = await run("cross-check", "--config", copy.config);

  assert.equal(code, 0, stderr);
});

test("a graph that both reject fails", async () => {
  const copy = new Copy().replace("course.graphql", "type PageInfo @shareable", "type PageInfo");

  const { code, stderr } = await run("cross-check", "--config", copy.config);

  assert.equal(code, 1);
  assert.equal(stderr.match(/failed:/g)?.length, 2);
  assert.doesNotMatch(stderr, /disagree/);
});

for (const [what, from, to, expected] of [
  [
    "a lost requirement",
    ', requires: "teacher{id}"',
    "",
    /^Course\.enrollments: only with a: .*requires/m,
  ],
  [
    "a field that moved",
    "price: Decimal @join__field(graph: COURSE)",
    "price: Decimal @join__field(graph: PAYMENT)",
    /^Course\.price: only with a: /m,
  ],
  [
    "a key that is gone",
    '@join__type(graph: NOTIFICATION, key: "id")',
    "@join__type(graph: NOTIFICATION)",
    /: only with a: @join__type/,
  ],
  [
    "another address",
    "127.0.0.1:8002",
    "127.0.0.1:9999",
    /^join__Graph\.COURSE: only with b: .*9999/m,
  ],
  ["another nullability", "title: String!", "title: String", /^API schema: /m],
] as const) {
  test(`an injected difference is found: ${what}`, async () => {
    const [first] = await bothSupergraphs();
    assert.ok(first.includes(from), `the supergraph has no ${from}`);

    const differences = supergraphDifferences(first, first.replace(from, to), ["a", "b"]);

    assert.match(differences.join("\n"), expected);
  });
}

test("order and formatting are not differences", async () => {
  const [first, second] = await bothSupergraphs();
  const reformatted = second
    .replaceAll("\n  ", "\n      ")
    .replace('"teacher { id }"', '"teacher {  id, }"');

  assert.deepEqual(supergraphDifferences(first, reformatted, ["a", "b"]), []);
});
