import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildSchema, introspectionFromSchema } from "graphql";
import { checkContract } from "../src/contract.ts";
import { Copy, contractFolder, run } from "./support.ts";

const sdl = readFileSync(join(contractFolder, "api.graphql"), "utf8");
const contract = buildSchema(sdl);
/** Names that the fixtures lack. */
const NOT_YET = "# Later\nMutation.enroll\nSubscription\n";

function changed(from: string | RegExp, to: string): string {
  const text = sdl.replace(from, to);
  assert.notEqual(text, sdl, `the contract has no ${from}`);
  return text;
}

function violations(schema: string, mayBeMissing: string[] = []): string[] {
  return checkContract(contract, buildSchema(schema), new Set(mayBeMissing)).violations;
}

test("the contract satisfies itself", () => {
  assert.deepEqual(violations(sdl), []);
});

for (const [what, from, to, expected] of [
  [
    "a field gone",
    "  title: String!\n  description: String!\n  level",
    "  title: String!\n  level",
    "Course.description is missing",
  ],
  ["a query gone", "  user(id: ID!): User\n", "", "Query.user is missing"],
  [
    "an answer that may be null",
    "isFree: Boolean!\n",
    "isFree: Boolean\n",
    "Course.isFree is Boolean, but the contract has Boolean!",
  ],
  [
    "an item that may be null",
    "[CourseEdge!]!",
    "[CourseEdge]!",
    "CourseConnection.edges is [CourseEdge]!, but the contract has [CourseEdge!]!",
  ],
  [
    "another type",
    "durationMinutes: Int!\n",
    "durationMinutes: Float!\n",
    "Course.durationMinutes is Float!, but the contract has Int!",
  ],
  [
    "an item become a list",
    "price: Decimal\n",
    "price: [Decimal]\n",
    "Course.price is [Decimal], but the contract has Decimal",
  ],
  [
    "an argument gone",
    "notificationAdded(after: ID)",
    "notificationAdded",
    "Subscription.notificationAdded(after:) is missing",
  ],
  [
    "an argument become required",
    "notificationAdded(after: ID)",
    "notificationAdded(after: ID!)",
    "Subscription.notificationAdded(after:) takes ID!, but the contract has ID",
  ],
  [
    "a new required argument",
    "course(id: ID!)",
    "course(id: ID!, language: String!)",
    "Query.course(language:) is new and required",
  ],
  [
    "another default",
    "CourseOrder! = NEWEST",
    "CourseOrder! = OLDEST",
    "Query.courses(orderBy:) has the default OLDEST, not NEWEST",
  ],
  [
    "a default gone",
    "unreadOnly: Boolean! = false",
    "unreadOnly: Boolean!",
    "User.notifications(unreadOnly:) has the default (none), not false",
  ],
  [
    "a new default",
    "expectedAmount: Decimal",
    'expectedAmount: Decimal = "1"',
    'PurchaseCourseInput.expectedAmount has the default "1", not (none)',
  ],
  [
    "an input field become required",
    "search: String level",
    "search: String! level",
    "CourseFilter.search takes String!, but the contract has String",
  ],
  ["an input field gone", "teacherId: ID }", "}", "CourseFilter.teacherId is missing"],
  [
    "a new required input field",
    "input LogoutInput {",
    "input LogoutInput { reason: String!",
    "LogoutInput.reason is new and required",
  ],
  ["an enum value gone", "{ NEWEST OLDEST }", "{ NEWEST }", "CourseOrder.OLDEST is missing"],
  [
    "an enum become a scalar",
    "enum NotificationType { REGISTRATION ENROLLMENT PAYMENT }",
    "scalar NotificationType",
    "NotificationType is a different kind of type (scalar, not enum)",
  ],
  [
    "one input at a time",
    "input CourseFilter {",
    "input CourseFilter @oneOf {",
    "CourseFilter is stricter: @oneOf",
  ],
] as const) {
  test(`a violation: ${what}`, () => {
    assert.deepEqual(violations(changed(from, to)), [expected]);
  });
}

test("a type that is removed with the field that led to it", () => {
  const schema = changed(/ {2}payment\(id: ID!\): Payment\n/, "")
    .replace(/ {2}purchaseCourse.*\n/, "")
    .replace(/^type PurchaseCoursePayload.*\n/m, "");

  assert.deepEqual(violations(schema), [
    "Query.payment is missing",
    "Mutation.purchaseCourse is missing",
    "PurchaseCoursePayload is missing",
  ]);
});

test("a renamed root is a violation", () => {
  const schema = `schema { query: Query mutation: Mutation subscription: Live }\n${changed("type Subscription {", "type Live {")}`;

  assert.deepEqual(violations(schema), [
    "Subscription is missing",
    "Subscription is not the subscription root type",
  ]);
});

for (const [what, from, to] of [
  ["an answer that is null less often", "teacher: User\n", "teacher: User!\n"],
  ["an argument that may be left out", "course(id: ID!)", "course(id: ID)"],
  [
    "an input field that may be left out",
    "input LogoutInput { refreshToken: String! }",
    "input LogoutInput { refreshToken: String }",
  ],
  ["a default kept, null allowed", "CourseOrder! = NEWEST", "CourseOrder = NEWEST"],
  ["a new field", "  me: User\n", "  me: User\n  now: DateTime!\n"],
  ["a new optional argument", "course(id: ID!)", "course(id: ID!, language: String)"],
  ["a new argument with a default", "course(id: ID!)", 'course(id: ID!, language: String! = "en")'],
  ["a new enum value", "{ NEWEST OLDEST }", "{ NEWEST OLDEST CHEAPEST }"],
  ["a new type", "scalar DateTime", "type Lesson { id: ID! }\nscalar DateTime"],
] as const) {
  test(`no violation: ${what}`, () => {
    assert.deepEqual(violations(changed(from, to)), []);
  });
}

test("a name that may be missing includes only the types that nothing else leads to", () => {
  const schema = changed(/ {2}enroll\(.*\n/, "")
    .replace(/^input EnrollInput.*\n/m, "")
    .replace(/^type EnrollPayload.*\n/m, "");

  assert.deepEqual(violations(schema, ["Mutation.enroll"]), []);
  assert.deepEqual(
    violations(schema.replace("  cursor: String! node: Enrollment!", " node: Enrollment!"), [
      "Mutation.enroll",
    ]),
    [],
  );
  assert.equal(violations(schema).length, 3);
});

test("a name that may be missing, but exists, is checked against the contract", () => {
  const schema = changed(
    "enroll(input: EnrollInput!): EnrollPayload",
    "enroll(input: EnrollInput!): String",
  );

  assert.equal(violations(schema, ["Mutation.enroll"]).length, 1);
});

test("a schema satisfies the contract except for listed names", async () => {
  const copy = new Copy();
  await run(
    "compose",
    "--config",
    copy.config,
    "--out",
    copy.path("s"),
    "--api-out",
    copy.path("api.graphql"),
  );
  const args = [
    "contract",
    "--contract",
    join(contractFolder, "api.graphql"),
    "--schema",
    copy.path("api.graphql"),
  ];

  copy.write("list.txt", NOT_YET);

  assert.deepEqual(await run(...args, "--missing-allowed", copy.path("list.txt")), {
    code: 0,
    stdout: "",
    stderr: "the schema satisfies the contract\n",
  });

  const without = await run(...args);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /^violation: Mutation\.enroll is missing$/m);
  assert.match(without.stderr, /^violation: Subscription is missing$/m);
});

test("a schema can be the response to an introspection query", async () => {
  const copy = new Copy();
  const data = introspectionFromSchema(contract);
  const args = [
    "contract",
    "--contract",
    join(contractFolder, "api.graphql"),
    "--schema",
    copy.path("api.json"),
  ];

  copy.write("api.json", JSON.stringify({ data }));
  assert.equal((await run(...args)).code, 0);
  copy.write("api.json", JSON.stringify(data));
  assert.equal((await run(...args)).code, 0);
});

test("a name stays on the list only as long as it is missing", async () => {
  const copy = new Copy().write("list.txt", NOT_YET);
  const whole = join(contractFolder, "api.graphql");
  const list = copy.path("list.txt");
  const args = ["contract", "--contract", whole, "--schema", whole, "--missing-allowed", list];

  const { code, stderr } = await run(...args);

  assert.equal(code, 1);
  assert.match(stderr, /^violation: Mutation\.enroll exists now/m);
});

test("a list with an unknown name, and an invalid schema, are errors", async () => {
  const copy = new Copy().write("list.txt", "# a comment\nMutation.enrol\n").write("api.json", "{");
  const file = join(contractFolder, "api.graphql");
  const args = ["contract", "--contract", file, "--schema"];

  const misspelt = await run(...args, file, "--missing-allowed", copy.path("list.txt"));
  assert.equal(misspelt.code, 2);
  assert.match(
    misspelt.stderr,
    /list\.txt:2: error \[UNKNOWN_NAME\]: the contract has no Mutation\.enrol/,
  );

  const broken = await run(...args, copy.path("api.json"));
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /api\.json:1:2: error \[INVALID_JSON\]/);
});
