import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema, type GraphQLSchema, parse, validate } from "graphql";
import { schemaChanges } from "../src/changes.ts";
import { undo } from "../src/undo.ts";

const BEFORE = buildSchema(`
  type Query { node: Node, thing: Thing }
  interface Node { id: ID, label(short: Boolean): String }
  type Thing implements Node { id: ID, label(short: Boolean): String }
`);

/** What a document breaks on in a schema without one of the changes to it. */
async function errorsWithout(kind: string, path: string, after: GraphQLSchema): Promise<string[]> {
  const changes = (await schemaChanges(BEFORE, after)).filter(
    (change) => change.kind === kind && change.path === path,
  );
  assert.equal(changes.length, 1);
  const document = parse("{ node { label(short: true) } thing { label(short: true) } }");
  return validate(undo(changes, BEFORE, after), document).map(({ message }) => message);
}

test("one of two changes that belong together can be undone alone", async () => {
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
