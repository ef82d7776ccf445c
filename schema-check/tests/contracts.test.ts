// Contracts on a graph of another domain: what they hide, and when they are refused.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  buildSchema,
  type ConstDirectiveNode,
  isObjectType,
  Kind,
  parse,
  print,
  printSchema,
} from "graphql";
import { apiSchema, type Composed, compose } from "../src/composition.ts";
import { filterSupergraph } from "../src/contract-filter.ts";
import { parseContracts } from "../src/contracts-file.ts";
import type { ContractFilter } from "../src/tagged-graph.ts";
import { Copy, fixtures, run } from "./support.ts";

const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@tag", "@shareable", "@inaccessible", "@requires", "@external"])';

const COLLECTION = `
  type Query {
    exhibit(id: ID!): Exhibit @tag(name: "partner")
    exhibits(filter: ExhibitFilter, order: Order = NEWEST): [Exhibit!]!
    search(text: String!): [Found!]!
    audit: Audit @tag(name: "staff")
  }
  type Mutation { insure(input: InsureInput!): Policy @tag(name: "staff") }
  type Exhibit implements Item @key(fields: "id") {
    id: ID! @tag(name: "partner")
    title: String! @tag(name: "partner")
    room: Room
    value: Int @tag(name: "staff") @tag(name: "partner")
    image(width: Int, watermark: Boolean = true @tag(name: "staff")): String @tag(name: "partner")
  }
  interface Item { id: ID! @tag(name: "partner") title: String! @tag(name: "partner") }
  type Room { number: Int! }
  type Loan implements Item @tag(name: "staff") { id: ID! title: String! lender: Lender! }
  type Lender { name: String! }
  type Audit @tag(name: "staff") { at: String! by: Guard }
  type Guard { name: String! }
  union Found = Exhibit | Loan
  input ExhibitFilter { room: Int insuredFor: Range @tag(name: "staff") }
  input Range { from: Int to: Int }
  enum Order { NEWEST OLDEST DEAREST @tag(name: "staff") }
  input InsureInput { exhibit: ID! sum: Int! }
  type Policy { number: ID! kind: PolicyKind! }
  enum PolicyKind { LOAN OWN }
`;

const VISITS = `
  type Exhibit @key(fields: "id") {
    id: ID!
    value: Int @external
    visits: Int! @requires(fields: "value")
  }
`;

function supergraphOf(...sdls: string[]): Composed {
  const result = compose(
    sdls.map((sdl, index) => ({
      name: `part${index}`,
      url: `http://part${index}.example/graphql`,
      origin: `part${index}.graphql`,
      document: parse(`${LINK}\n${sdl}`),
    })),
  );
  if (!result.composes) throw new Error(JSON.stringify(result.problems));
  return result;
}

const staff: ContractFilter = { include: [], exclude: ["staff"] };

/** The API schema that is left. */
function filtered(filter: ContractFilter, ...sdls: string[]): string {
  const result = filterSupergraph(supergraphOf(...sdls).document, filter);
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  const sdl = printSchema(apiSchema(result.document));
  // It has to be a valid schema, too.
  buildSchema(sdl);
  return sdl;
}

function problems(filter: ContractFilter, ...sdls: string[]): string[] {
  const result = filterSupergraph(supergraphOf(...sdls).document, filter);
  return "problems" in result
    ? result.problems.map(({ code, coordinate }) => [code, coordinate].filter(Boolean).join(" "))
    : [];
}

test("what has an excluded tag is hidden: fields, arguments, input fields, enum values, types", () => {
  const api = filtered(staff, COLLECTION, VISITS);

  for (const hidden of ["audit", "value", "watermark", "insuredFor", "DEAREST", "Loan", "Audit"]) {
    assert.doesNotMatch(api, new RegExp(`\\b${hidden}\\b`), hidden);
  }
  for (const visible of ["exhibits", "title", "width", "room", "NEWEST", "union Found = Exhibit"]) {
    assert.match(api, new RegExp(`\\b${visible}\\b`), visible);
  }
});

test("a type to which nothing visible leads is hidden, and so is a root type of which nothing is left", () => {
  const api = filtered(staff, COLLECTION, VISITS);

  for (const hidden of ["Guard", "Lender", "Range", "InsureInput", "Policy", "PolicyKind"]) {
    assert.doesNotMatch(api, new RegExp(`\\b${hidden}\\b`), hidden);
  }
  assert.doesNotMatch(api, /type Mutation|schema \{/);
});

test("with included tags, only fields and unions that have one are visible; excluded tags win", () => {
  const api = filtered({ include: ["partner"], exclude: ["staff"] }, COLLECTION, VISITS);

  assert.equal(
    api,
    `interface Item {
  id: ID!
  title: String!
}

type Exhibit implements Item {
  id: ID!
  image(width: Int): String
  title: String!
}

type Query {
  exhibit(id: ID!): Exhibit
}`,
  );
});

test("the tag of an object or interface is one of its fields, and a type with an included tag stays", () => {
  const sdl = `
    type Query { shop: Shop @tag(name: "open") secret: Int }
    type Shop @tag(name: "open") { name: String! hours: Hours }
    type Hours @tag(name: "open") { from: Int }
    type Voucher @tag(name: "open") { code: ID! }
    type Till { sum: Int }
    scalar Money
  `;
  const api = filtered({ include: ["open"], exclude: [] }, sdl);

  assert.match(api, /name: String!\n {2}hours: Hours|hours: Hours\n {2}name: String!/);
  assert.match(api, /type Voucher/);
  assert.doesNotMatch(api, /secret|Till|Money/);
});

test("a type or a union of which nothing is left is hidden with it", () => {
  const sdl = `
    type Query { a: Int pet: Pet @tag(name: "x") box: Box @tag(name: "x") mood: Mood @tag(name: "x") }
    union Pet = Cat | Dog
    type Cat @tag(name: "x") { a: Int }
    type Dog { a: Int @tag(name: "x") }
    type Box { a: Int @tag(name: "x") b: Int @tag(name: "x") }
    enum Mood { GOOD @tag(name: "x") BAD @tag(name: "x") }
  `;

  assert.equal(filtered({ include: [], exclude: ["x"] }, sdl), "type Query {\n  a: Int\n}");
});

for (const [what, sdl, expected] of [
  [
    "a visible field that leads to a hidden type",
    'type Query { a: A b: Int } type A @tag(name: "x") { c: Int }',
    "REFERENCED_INACCESSIBLE Query.a",
  ],
  [
    "a visible field of a type of which nothing is left",
    'type Query { a: [A!]! } type A { c: Int @tag(name: "x") }',
    "REFERENCED_INACCESSIBLE Query.a",
  ],
  [
    "a visible argument of a hidden type",
    'type Query { a(by: Order): Int } enum Order @tag(name: "x") { UP }',
    "REFERENCED_INACCESSIBLE Query.a(by:)",
  ],
  [
    "a required argument that is hidden alone",
    'type Query { a(id: ID! @tag(name: "x")): Int }',
    "REQUIRED_INACCESSIBLE Query.a(id:)",
  ],
  [
    "a required input field that is hidden alone",
    'type Query { a(in: In): Int } input In { b: Int c: Int! @tag(name: "x") }',
    "REQUIRED_INACCESSIBLE In.c",
  ],
  [
    "a default that uses a hidden value",
    'type Query { a(order: Order = UP): Int } enum Order { UP @tag(name: "x") DOWN }',
    "DEFAULT_VALUE_USES_INACCESSIBLE Query.a(order:)",
  ],
  [
    "a default that uses a hidden input field, deep in it",
    'type Query { a(in: [In!] = [{ of: { c: 1 } }]): Int } input In { of: Of } input Of { b: Int c: Int @tag(name: "x") }',
    "DEFAULT_VALUE_USES_INACCESSIBLE Query.a(in:)",
  ],
  [
    "a hidden field that implements a visible one",
    'type Query { i: I } interface I { a: Int } type T implements I { a: Int @tag(name: "x") b: Int }',
    "IMPLEMENTED_BY_INACCESSIBLE T.a",
  ],
  [
    "a hidden argument that implements a visible one",
    'type Query { i: I } interface I { a(b: Int): Int } type T implements I { a(b: Int @tag(name: "x")): Int }',
    "IMPLEMENTED_BY_INACCESSIBLE T.a(b:)",
  ],
  [
    "nothing to query",
    'type Query { a: Int @tag(name: "x") }',
    "QUERY_ROOT_TYPE_INACCESSIBLE Query",
  ],
] as const) {
  test(`refused: ${what}`, () => {
    assert.deepEqual(problems({ include: [], exclude: ["x"] }, sdl), [expected]);
  });
}

test("what nobody can reach may be wrong", () => {
  const sdl =
    'type Query { a: Int b(in: In): Int @tag(name: "x") } input In { c: Int d: Int! @tag(name: "x") }';

  assert.deepEqual(problems({ include: [], exclude: ["x"] }, sdl), []);
});

test("a tag that nothing has is refused, and one that is both included and excluded", () => {
  const sdl = 'type Query { a: Int b: Int @tag(name: "x") }';

  assert.deepEqual(problems({ include: [], exclude: ["y"] }, sdl), ["UNKNOWN_TAG"]);
  assert.deepEqual(problems({ include: ["x"], exclude: ["x"] }, sdl), ["CONFLICTING_TAGS"]);
});

test("what a subgraph requires stays in the supergraph, for the router to plan with", () => {
  const result = filterSupergraph(supergraphOf(COLLECTION, VISITS).document, staff);
  assert.ok("document" in result);
  const supergraph = JSON.stringify(result.document);

  assert.match(supergraph, /"requires".{0,200}"value"/);
});

test("a hidden type is named neither as a member nor as an interface", () => {
  const sdl = `
    type Query { a: U b: T }
    union U = T | S
    interface I @tag(name: "x") { c: Int }
    type T implements I { c: Int }
    type S @tag(name: "x") { c: Int }
  `;
  const result = filterSupergraph(supergraphOf(sdl).document, { include: [], exclude: ["x"] });
  assert.ok("document" in result);
  const named = result.document.definitions.filter(
    (node) => "name" in node && ["U", "T"].includes(node.name?.value ?? ""),
  );

  assert.equal(named.length, 2);
  assert.doesNotMatch(JSON.stringify(named), /"value":"(S|I)"/);
});

test("other names of the directives are understood, and `@inaccessible` is added where it was unknown", () => {
  const supergraph = `
    schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION) @link(url: "https://specs.apollo.dev/tag/v0.3", as: "label") { query: Query }
    directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
    directive @label(name: String!) repeatable on FIELD_DEFINITION
    directive @join__type(graph: join__Graph!) repeatable on OBJECT
    scalar link__Import
    enum link__Purpose { SECURITY EXECUTION }
    enum join__Graph { A }
    type Query @join__type(graph: A) { a: Int b: Int @label(name: "x") }
  `;
  const result = filterSupergraph(parse(supergraph), { include: [], exclude: ["x"] });
  assert.ok("document" in result);

  assert.equal(printSchema(apiSchema(result.document)), "type Query {\n  a: Int\n}");
  assert.match(JSON.stringify(result.document), /specs.apollo.dev\/inaccessible\/v0.2/);
});

test("contracts.yaml: names and tags, and errors that name their line", () => {
  assert.deepEqual(
    parseContracts("public:\n  exclude: [staff]\npartner: { include: [partner] }\n", "c.yaml"),
    [
      { name: "public", include: [], exclude: ["staff"], location: at(1) },
      { name: "partner", include: ["partner"], exclude: [], location: at(3) },
    ],
  );
  for (const [text, expected] of [
    ["public: {}\n", /needs a tag/],
    ["public: { hide: [a] }\n", /unknown key `hide`/],
    ["public: { exclude: a }\n", /must be a list/],
    ["Public Graph: { exclude: [a] }\n", /cannot name a contract/],
    ["- public\n", /expected names/],
    ["public: { exclude: [a]\n", /INVALID_YAML/],
  ] as const) {
    assert.throws(() => parseContracts(text, "c.yaml"), expected, text);
  }
});

const at = (line: number) => ({ file: "c.yaml", line, column: 1 });

test("`compose` writes a supergraph for each contract, and `--check` compares it", async () => {
  const copy = new Copy()
    .replace("notification.graphql", '"@key"', '"@key", "@tag"')
    .replace(
      "notification.graphql",
      "type NotificationConnection {",
      'type NotificationConnection @tag(name: "own") {',
    )
    .write("contracts.yaml", "public: { exclude: [own] }\n");
  const args = ["compose", "--config", copy.config, "--out", copy.path("out/graph.graphql")];
  const refused = await run(...args);

  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /notification.graphql:\d+:\d+: error \[REFERENCED_INACCESSIBLE\] User.notifications: contract "public": it is visible, and leads to NotificationConnection/,
  );
  assert.equal(existsSync(copy.path("out/graph.graphql")), false);

  copy.replace(
    "notification.graphql",
    "): NotificationConnection\n",
    '): NotificationConnection @tag(name: "own")\n',
  );
  const { code, stderr } = await run(...args);
  assert.equal(code, 0, stderr);
  assert.match(copy.read("out/graph.public.graphql"), /^type NotificationEdge.*@inaccessible/m);
  assert.doesNotMatch(copy.read("out/graph.graphql"), /@inaccessible/);
  assert.equal((await run(...args, "--check")).code, 0);
  copy.write("out/graph.public.graphql", copy.read("out/graph.graphql"));
  const stale = await run(...args, "--check");
  assert.equal(stale.code, 1);
  assert.match(stale.stderr, /graph.public.graphql: error \[STALE\]/);
});

test("`filter` takes tags or a contract, prints or writes, and says what it cannot take", async () => {
  const copy = new Copy().write("s.graphql", supergraphOf(COLLECTION, VISITS).supergraph);
  copy.write("contracts.yaml", "public: { exclude: [staff] }\n");
  const file = copy.path("s.graphql");
  const byTag = await run("filter", file, "--exclude", "staff");
  const byName = await run("filter", file, "--contract", "public");

  assert.equal(byTag.code, 0, byTag.stderr);
  assert.equal(byName.stdout, byTag.stdout);
  assert.match(byTag.stdout, /value: Int .*@inaccessible/);
  await run("filter", file, "--exclude", "staff", "--out", copy.path("p.graphql"));
  assert.equal(copy.read("p.graphql"), byTag.stdout);
  for (const [args, expected] of [
    [[file], /name either a --contract, or tags/],
    [[file, "--contract", "public", "--exclude", "staff"], /name either a --contract, or tags/],
    [[file, "--contract", "partner"], /no contract "partner" \(it has: public\)/],
    [[join(fixtures, "course.graphql"), "--exclude", "a"], /is not a supergraph/],
  ] as const) {
    const { code, stderr } = await run("filter", ...args);
    assert.equal(code, 2);
    assert.match(stderr, expected);
  }
  const { code, stderr } = await run("filter", file, "--exclude", "stuff");
  assert.equal(code, 1);
  assert.match(stderr, /UNKNOWN_TAG/);
});

const ownFile = (file: string) => readFileSync(join(import.meta.dirname, "..", "..", file), "utf8");

/** Who may see each field of this graph. */
function ownViewers(): Record<string, string> {
  const { fields } = JSON.parse(ownFile("docs/permissions.json"));
  return Object.fromEntries(
    Object.entries<{ who: string }>(fields).map(([field, { who }]) => [field, who]),
  );
}

test("what only admins may use is `internal` in this graph, and nothing else is", () => {
  const viewers = ownViewers();
  const ofAdmins = Object.keys(viewers).filter((field) => viewers[field]?.startsWith("admin, "));
  const isInternal = ({ name, arguments: given = [] }: ConstDirectiveNode) =>
    name.value === "tag" && given.some(({ value }) => print(value) === '"internal"');
  const tagged = parse(ownFile("supergraph.graphql")).definitions.flatMap((node) =>
    node.kind === Kind.OBJECT_TYPE_DEFINITION
      ? (node.fields ?? [])
          .filter(({ directives = [] }) => directives.some(isInternal))
          .map((field) => `${node.name.value}.${field.name.value}`)
      : [],
  );

  assert.ok(ofAdmins.length > 10);
  assert.deepEqual(tagged.sort(), ofAdmins.sort());
});

/** To add a field is a decision: whoever lists our courses builds on it. */
const FOR_PARTNERS = {
  Course: [
    ...["createdAt", "description", "durationMinutes", "enrollmentCount", "id", "isFree", "level"],
    ...["price", "state", "teacher", "title"],
  ],
  CourseConnection: ["edges", "nodes", "pageInfo", "totalCount"],
  CourseEdge: ["cursor", "node"],
  PageInfo: ["endCursor", "hasNextPage", "hasPreviousPage", "startCursor"],
  Query: ["course", "courses"],
  User: ["id", "isVerified", "name"],
};

test("partners get the catalogue of this graph, to be read, and only what everyone may see", () => {
  const schema = apiSchema(parse(ownFile("supergraph.partner.graphql")));
  const types = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter(({ name }) => !name.startsWith("__"));
  const fields = types.map((type) => [type.name, Object.keys(type.getFields()).sort()]);

  assert.deepEqual(Object.fromEntries(fields), FOR_PARTNERS);
  assert.deepEqual(
    types.flatMap((type) => type.getInterfaces()),
    [],
  );
  const viewers = ownViewers();
  for (const [type, names] of Object.entries(FOR_PARTNERS)) {
    for (const name of names) {
      const who = viewers[`${type}.${name}`];
      assert.match(who ?? "nobody", /^(everyone|as the object)/, `${type}.${name}`);
    }
  }
});
