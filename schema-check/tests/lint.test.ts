import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildSchema } from "graphql";
import { lintFindings } from "../src/check.ts";
import { lintRules } from "../src/lint.ts";
import { defaultRules, parseRules, type Rules } from "../src/rules.ts";
import { parseSdl } from "../src/subgraphs.ts";
import { Repository } from "./repository.ts";

/** The violations of one rule in one or several subgraphs. */
function violations(rule: string, sdl: string, others: Record<string, string> = {}): string[] {
  const subgraphs = Object.entries({ one: sdl, ...others }).map(([name, text]) => ({
    name,
    origin: `${name}.graphql`,
    document: parseSdl(text, `${name}.graphql`),
  }));
  const api = buildSchema(sdl, { assumeValidSDL: true });
  return (lintRules[rule]?.({ api, subgraphs }) ?? []).map(({ path }) => path);
}

test("description: types, fields, arguments, input fields and values", () => {
  const sdl = `
    type Query { "Said." a("Said." b: Int, c: Int): E  d: Int }
    "Said." input I { e: Int }
    "Said." enum E { F }
    "  " scalar S`;

  assert.deepEqual(violations("description", sdl), [
    "E.F",
    "I.e",
    "Query",
    "Query.a.c",
    "Query.d",
    "S",
  ]);
});

test("naming", () => {
  const sdl = `
    type Query { good: Int Bad: Int snake_case(Arg: Int, fine: Int): lower }
    enum lower { GOOD_ONE bad Bad_ _BAD }
    input Good_Not { a: Int B: Int }`;

  assert.deepEqual(
    violations("naming", sdl).sort(),
    [
      ...["Good_Not", "Good_Not.B", "Query.Bad", "Query.snake_case", "Query.snake_case.Arg"],
      ...["lower", "lower.Bad_", "lower._BAD", "lower.bad"],
    ].sort(),
  );
});

test("edge-nullability: only fields that lead to an entity of another subgraph", () => {
  const one = `
    type Query { a: Int }
    type Course @key(fields: "id") { id: ID! title: String! teacher: User! others: [User!]! maybe: User these: [User]! self: Course! }
    type User @key(fields: "id", resolvable: false) { id: ID! }`;
  const two = 'type User @key(fields: "id") { id: ID! name: String! best: User! }';

  assert.deepEqual(violations("edge-nullability", one, { two }), [
    "Course.teacher",
    "Course.others",
  ]);
});

test("connection: lists of objects with an id, the shape of a connection, and its arguments", () => {
  const sdl = `
    type Query {
      things: [Thing!]!  words: [String!]!  bits: [Bit!]!
      byId(ids: [ID!]!): [Thing]!  some(ids: [ID!]): [Thing!]!
      pages(first: Int, after: String, last: Int, before: String): ThingConnection!
      lame(first: Int): ThingConnection!
    }
    type Thing { id: ID! } type Bit { name: String }
    type ThingConnection { nodes: [Thing!]! edges: [Bit!]! pageInfo: Bit }
    type BitConnection { nodes: [Thing!]! }`;

  assert.deepEqual(violations("connection", sdl), [
    ...["BitConnection", "BitConnection"],
    ...["Query.things", "Query.some", "Query.lame", "Query.lame", "Query.lame"],
  ]);
});

test("mutation-payload", () => {
  const sdl = `
    type Query { a: Int }
    type Mutation {
      good(input: GoodInput!): GoodPayload
      plain: PlainPayload!
      optional(upTo: ID): OptionalPayload
      bare: Boolean
      other(input: GoodInput!): OtherPayload
      loose(input: LooseInput): LoosePayload
      many(id: ID!): ManyPayload
    }
    type GoodPayload { userErrors: [UserError!]! } type PlainPayload { userErrors: [UserError!]! }
    type OptionalPayload { userErrors: [UserError!]! }
    type OtherPayload { userErrors: [UserError!]! } type LoosePayload { userErrors: [UserError!] }
    type ManyPayload { a: Int }
    type UserError { message: String } input GoodInput { a: Int } input LooseInput { a: Int }`;

  assert.deepEqual(violations("mutation-payload", sdl), [
    ...["Mutation.bare", "Mutation.other", "LoosePayload", "Mutation.loose"],
    ...["ManyPayload", "Mutation.many"],
  ]);
});

test("deprecation-reason: fields, arguments, input fields and values", () => {
  const sdl = `
    type Query {
      a: Int @deprecated  b: Int @deprecated(reason: "Use c.")  c(d: Int @deprecated(reason: " ")): E
    }
    enum E { F @deprecated }
    input I { g: Int @deprecated }`;

  assert.deepEqual(violations("deprecation-reason", sdl), ["E.F", "I.g", "Query.a", "Query.c.d"]);
});

const SDL = '"A." type Query { "B." Bad: Int }';
const EXCEPTION = (until: string) => `
exceptions:
  - rule: naming
    at: Query.Bad
    reason: It was so before.
    until: ${until}
`;

function findings(rules: Rules, today = "2027-01-31") {
  const subgraphs = [
    { name: "one", origin: "one.graphql", document: parseSdl(SDL, "one.graphql") },
  ];
  return lintFindings(buildSchema(SDL), subgraphs, rules, today);
}

test("a finding has a location", () => {
  const [finding] = findings(defaultRules());

  assert.deepEqual(finding?.location, { file: "one.graphql", line: 1, column: 24 });
  assert.equal(finding?.severity, "error");
});

test("the file sets the severity of a rule", () => {
  assert.deepEqual(findings(parseRules("rules:\n  naming: off\n", "rules.yaml")), []);
  const [finding] = findings(parseRules("rules:\n  naming: warning\n", "rules.yaml"));
  assert.equal(finding?.severity, "warning");
});

test("an exception applies through its last day", () => {
  const rules = parseRules(EXCEPTION("2027-01-31"), "rules.yaml");

  assert.deepEqual(findings(rules, "2027-01-31"), []);
  const [finding] = findings(rules, "2027-02-01");
  assert.match(finding?.message ?? "", /its exception expired on 2027-01-31/);
});

test("an unused exception is reported", () => {
  const rules = parseRules(
    EXCEPTION("2027-01-31").replace("Query.Bad", "Query.good"),
    "rules.yaml",
  );

  const idle = findings(rules).find(({ kind }) => kind === "UNUSED_EXCEPTION");
  assert.deepEqual(idle?.location, { file: "rules.yaml", line: 3, column: 5 });
});

for (const [what, text] of [
  ["no reason", EXCEPTION("2027-01-31").replace(/ {4}reason.*\n/, "")],
  ["an empty reason", EXCEPTION("2027-01-31").replace("It was so before.", '" "')],
  ["no end", EXCEPTION("2027-01-31").replace(/ {4}until.*\n/, "")],
  ["an end that is no day", EXCEPTION("soon")],
  ["an end on a day that never comes", EXCEPTION("2027-13-31")],
  ["an end on a day that no month has", EXCEPTION("2027-02-31")],
  ["a rule about changes", EXCEPTION("2027-01-31").replace("naming", "unused-breaking-change")],
  ["no such rule", EXCEPTION("2027-01-31").replace("naming", "nmaing")],
] as const) {
  test(`an exception with ${what} is invalid, with its line`, () => {
    assert.throws(() => parseRules(text, "rules.yaml"), /rules\.yaml:3:5: error \[INVALID_RULES\]/);
  });
}

test("the repository's own rules are valid, and name every rule", () => {
  const text = readFileSync(join(import.meta.dirname, "..", "rules.yaml"), "utf8");
  const { settings } = parseRules(text, "rules.yaml");

  for (const name of settings.keys()) assert.match(text, new RegExp(`^ {2}${name}: `, "m"));
});

// What is looked at.

test("by default only what a change adds is looked at; all of it by a flag or the rules", async () => {
  const repository = new Repository().write("rules.yaml", "rules:\n  description: error\n");
  repository.replace("catalog.graphql", '"Below the title."\n', "").commit("Somebody else's graph");
  repository.replace(
    "catalog.graphql",
    "  subtitle: String\n",
    "  subtitle: String\n  code: Int\n",
  );
  const lint = async (...args: string[]) => {
    const { findings } = await repository.report("--against", "HEAD", ...args);
    const found = findings.filter(({ kind }) => kind === "description");
    return found.map(({ path }) => path);
  };

  assert.deepEqual(await lint(), ["Book.code"]);
  const all = await lint("--lint", "all");
  assert.ok(all.includes("Book.code") && all.includes("Book.subtitle"), all.join());
  repository.write("rules.yaml", "lint: all\n");
  assert.deepEqual(await lint(), all);
  assert.deepEqual(await lint("--lint", "added"), ["Book.code"]);

  assert.equal((await repository.check("--lint", "some")).code, 2);
  repository.write("rules.yaml", "lint: some\n");
  assert.match((await repository.check()).stderr, /rules\.yaml:1:7: error \[INVALID_RULES\]/);
});

test("without a baseline nothing is known to be added, and the report says so", async () => {
  const repository = new Repository().write("rules.yaml", "rules:\n  description: error\n");

  const { findings, skippedChecks } = await repository.report();

  assert.deepEqual(
    findings.filter(({ section }) => section === "lint"),
    [],
  );
  assert.match(skippedChecks.join(), /Lint looks at what a change adds.*--lint all/);
});
