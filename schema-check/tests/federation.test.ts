// What other people's graphs use of federation: each composer knows something that the other one does not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type JsonReport, Repository } from "./repository.ts";

const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@inaccessible", "@context", "@fromContext"])';

/** A repository of the subgraphs with these schemas, without anything else. */
function graph(...schemas: string[]): Repository {
  const repository = new Repository();
  const names = schemas.map((_, index) => `s${index}`);
  for (const [index, schema] of schemas.entries()) {
    repository.write(`s${index}.graphql`, schema.includes("@link") ? schema : `${LINK}\n${schema}`);
  }
  const list = names.map(
    (name) =>
      `  ${name}:\n    routing_url: http://${name}\n    schema: { file: ${name}.graphql }\n`,
  );
  repository.write("supergraph.yaml", `subgraphs:\n${list.join("")}`);
  repository.git("rm", "-r", "--quiet", "operations", "docs", "rules.yaml");
  return repository.write("operations/A.graphql", "query A { a }").commit("A graph of its own");
}

const compositionOf = ({ findings }: JsonReport): string[] =>
  findings.filter(({ section }) => section === "composition").map(({ kind }) => kind);

async function report(repository: Repository): Promise<JsonReport & { code: number }> {
  const { code, stdout, stderr } = await repository.inside(
    ...["check", "--against", "HEAD", "--format", "json"],
  );
  if (stdout === "") throw new Error(stderr);
  return { code, ...JSON.parse(stdout) };
}

for (const [what, schema] of [
  [
    "a union's member",
    "type Query { a: Int u: U } union U = A | B type A { x: Int } type B @inaccessible { y: Int }",
  ],
  [
    "an interface's implementor",
    "type Query { a: Int i: I } interface I { x: Int } type A implements I { x: Int } type B implements I @inaccessible { x: Int }",
  ],
  [
    "an interface",
    "interface I @inaccessible { x: Int } type Query { a: Int b: A } type A implements I { x: Int }",
  ],
  ["an enum value", "type Query { a: Int e: E } enum E { X Y @inaccessible }"],
  ["an argument", "type Query { a(x: Int @inaccessible): Int }"],
] as const) {
  test(`@inaccessible on ${what}: hidden, and the graph is checked`, async () => {
    const repository = graph(schema);

    assert.deepEqual(compositionOf(await report(repository)), []);

    repository.write("s0.graphql", repository.read("s0.graphql").replace("a: Int", "a: String"));
    repository.write("s0.graphql", repository.read("s0.graphql").replace("): Int", "): String"));
    const { findings } = await report(repository);
    assert.deepEqual(
      findings.filter(({ section }) => section === "changes").map(({ path }) => path),
      ["Query.a"],
    );
  });
}

test("@fromContext is compared as a selection, not as text", async () => {
  const owner = `type Query { a: Int t: T }
type T @key(fields: "id") @context(name: "sailor") { id: ID! name: String rank: Int u: U }
type U @key(fields: "id") { id: ID! f(x: String @fromContext(field: "$sailor { name }")): Int }`;
  const other = 'type U @key(fields: "id") { id: ID! c: Int }';

  assert.deepEqual(compositionOf(await report(graph(owner, other))), []);
});

test("@oneOf composes, with and without its definition, and the report says who has seen it", async () => {
  const schema = "type Query { a(x: In): Int } input In @oneOf { x: Int y: Int }";
  for (const text of [schema, `directive @oneOf on INPUT_OBJECT ${schema}`]) {
    const { findings, skippedChecks } = await report(graph(text));

    assert.deepEqual(compositionOf({ findings } as JsonReport), []);
    assert.match(skippedChecks.join("\n"), /Not cross-checked: @oneOf \(s0\) only by @theguild/);
  }
});

const CACHED = `type Query { a: Int t: T }
type T @key(fields: "id") @cacheTag(format: "t-{$key.id}") { id: ID! }`;

for (const version of ["2.10", "2.11", "2.12", "2.13", "2.14"]) {
  test(`federation v${version} is accepted, and the report says who knows it`, async () => {
    const imports = version === "2.12" ? ', import: ["@key", "@cacheTag"]' : "";
    const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v${version}"${imports})\n`;
    const repository = graph(link + (version === "2.12" ? CACHED : "type Query { a: Int }"));

    const { findings, skippedChecks } = await report(repository);

    assert.deepEqual(compositionOf({ findings } as JsonReport), []);
    const known = new RegExp(`federation v${version} \\(s0\\) only by @apollo/composition`);
    assert.match(skippedChecks.join("\n"), known);
    assert.equal(/@cacheTag/.test(skippedChecks.join()), version === "2.12");
  });
}

test("a version that neither knows is refused", async () => {
  const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.99")\n';

  const { code, findings } = await report(graph(`${link}type Query { a: Int }`));

  assert.equal(code, 1);
  assert.deepEqual(compositionOf({ findings } as JsonReport).slice(-1), [
    "UNKNOWN_FEDERATION_LINK_VERSION",
  ]);
});

test("a type named as a property of every object is refused with a reason", async () => {
  const { code, findings } = await report(
    graph("type Query { a: constructor }\ntype constructor { x: Int }"),
  );

  assert.equal(code, 1);
  const { kind, location, message } = findings.at(-1) ?? {};
  assert.equal(kind, "RESERVED_NAME");
  assert.deepEqual([location?.file, location?.line], ["s0.graphql", 3]);
  assert.match(message ?? "", /cannot be called "constructor"/);
});

test("the second composer can be switched off, for a reason and until a day", async () => {
  const repository = graph("type Query { a: Int }");
  const rules = (until: string) =>
    repository.write(
      "schema-check/rules.yaml",
      `skip-cross-check:\n  reason: It misreads our link.\n  until: ${until}\n`,
    );

  rules("2999-12-31");
  const { skippedChecks } = await report(repository);
  assert.match(skippedChecks.join(), /not cross-checked until 2999-12-31.*It misreads our link/);

  rules("2020-12-31");
  assert.doesNotMatch((await report(repository)).skippedChecks.join(), /cross-checked/);

  repository.write("schema-check/rules.yaml", "skip-cross-check:\n  until: 2999-12-31\n");
  assert.equal((await repository.inside("check")).code, 2);
});
