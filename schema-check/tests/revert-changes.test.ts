import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema, type GraphQLSchema, parse, validate } from "graphql";
import { schemaChanges } from "../src/changes.ts";
import { revertChanges } from "../src/revert-changes.ts";

const BEFORE = buildSchema(`
  type Query { node: Node, thing: Thing }
  interface Node { id: ID, label(short: Boolean): String }
  type Thing implements Node { id: ID, label(short: Boolean): String }
`);

/** The errors of a document in a schema with one change reverted. */
async function errorsWithout(kind: string, path: string, after: GraphQLSchema): Promise<string[]> {
  const changes = (await schemaChanges(BEFORE, after)).filter(
    (change) => change.kind === kind && change.path === path,
  );
  assert.equal(changes.length, 1);
  const document = parse("{ node { label(short: true) } thing { label(short: true) } }");
  return validate(revertChanges(changes, BEFORE, after), document).map(({ message }) => message);
}

const UPPER = "directive @upper(by: Int, of: Letters) repeatable on FIELD | FRAGMENT_SPREAD";
const DOCUMENT = parse("{ a @upper(by: 1) @upper(of: ALL) ...A } fragment A on Query { a }");

function withDirective(directive: string): GraphQLSchema {
  const letters = directive.includes("Letters") ? "enum Letters { ALL }" : "";
  return buildSchema(`${directive} ${letters} type Query { a: String }`);
}

for (const [kind, path, directive] of [
  ["DIRECTIVE_REMOVED", "@upper", ""],
  ["DIRECTIVE_LOCATION_REMOVED", "@upper", UPPER.replace("FIELD | ", "")],
  ["DIRECTIVE_REPEATABLE_REMOVED", "@upper", UPPER.replace("repeatable ", "")],
  ["DIRECTIVE_ARGUMENT_ADDED", "@upper", UPPER.replace("Letters", "Letters, how: Int!")],
  ["DIRECTIVE_ARGUMENT_REMOVED", "@upper.by", UPPER.replace("by: Int, ", "")],
  ["DIRECTIVE_ARGUMENT_REMOVED", "@upper.of", UPPER.replace(", of: Letters", "")],
  ["DIRECTIVE_ARGUMENT_TYPE_CHANGED", "@upper.by", UPPER.replace("Int", "Boolean")],
] as const) {
  test(`a change of a directive is reverted: ${kind} ${path}`, async () => {
    const [before, after] = [withDirective(UPPER), withDirective(directive)];
    const changes = (await schemaChanges(before, after)).filter(
      (change) => change.kind === kind && change.path === path,
    );

    assert.equal(changes[0]?.level, "breaking");
    assert.notDeepEqual(validate(after, DOCUMENT), []);
    assert.deepEqual(validate(revertChanges(changes, before, after), DOCUMENT), []);
  });
}

test("only one of two changes of a directive is reverted", async () => {
  const [before, after] = [
    withDirective(UPPER),
    withDirective("directive @upper(of: Letters) on FIELD | FRAGMENT_SPREAD"),
  ];
  const changes = (await schemaChanges(before, after)).filter(
    ({ kind }) => kind === "DIRECTIVE_ARGUMENT_REMOVED",
  );

  assert.deepEqual(
    validate(revertChanges(changes, before, after), DOCUMENT).map(({ message }) => message),
    ['The directive "@upper" can only be used once at this location.'],
  );
});

test("one of two related changes can be reverted alone", async () => {
  const after = buildSchema(`
    type Query { node: Node, thing: Thing }
    interface Node { id: ID }
    type Thing implements Node { id: ID }
  `);

  assert.deepEqual(await errorsWithout("FIELD_REMOVED", "Node.label", after), [
    'Cannot query field "label" on type "Thing".',
  ]);
});

test("an argument of an interface's field, too", async () => {
  const after = buildSchema(`
    type Query { node: Node, thing: Thing }
    interface Node { id: ID, label: String }
    type Thing implements Node { id: ID, label: String }
  `);

  assert.deepEqual(await errorsWithout("FIELD_ARGUMENT_REMOVED", "Node.label.short", after), [
    'Unknown argument "short" on field "Thing.label".',
  ]);
});
