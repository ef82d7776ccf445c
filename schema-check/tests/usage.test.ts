// Indirect usage: through interfaces and unions, and of directives.

import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema, parse } from "graphql";
import { schemaChanges } from "../src/changes.ts";
import { mayReturn, usageOf } from "../src/usage.ts";

const SDL = `
  directive @upper repeatable on QUERY | FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT | VARIABLE_DEFINITION
  interface Node { id: ID, label(short: Boolean = true): String }
  interface Named implements Node { id: ID, label(short: Boolean = true): String, name: String }
  type Book implements Node { id: ID, label(short: Boolean = true): String, pages: Int }
  type Person implements Node & Named { id: ID, label(short: Boolean = true): String, name: String }
  type Place { id: ID }
  union Hit = Book | Place
  type Query { node: Node, named: Named, hit: Hit, book: Book }
`;
const schema = buildSchema(SDL);

const used = (text: string) => usageOf(parse(text), schema);

test("a field of an interface counts for each implementing type", () => {
  const usage = used("{ node { label } }");

  assert.ok(mayReturn(usage, "Book.label") && mayReturn(usage, "Person.label"));
  assert.ok(mayReturn(usage, "Book") && mayReturn(usage, "Person"));
  assert.ok(!mayReturn(usage, "Book.pages") && !mayReturn(usage, "Place"));
  assert.ok(!usage.fields.has("Book.label"), "as it is written it is no field of the object");
  assert.ok(!mayReturn(used("{ named { label } }"), "Book.label"));
});

test("a union counts as each of its members", () => {
  const usage = used("{ hit { __typename } }");

  assert.ok(mayReturn(usage, "Book") && mayReturn(usage, "Place"));
  assert.ok(!mayReturn(usage, "Person") && !mayReturn(usage, "Book.id"));
});

test("a changed default of an object's field affects selections through the interface", async () => {
  const after = buildSchema(SDL.replace(/(type Book .*Boolean = )true/, "$1false"));
  const [change] = await schemaChanges(schema, after);

  assert.equal(change?.path, "Book.label.short");
  assert.ok(change.affects(used("{ node { label } }")));
  assert.ok(!change.affects(used("{ node { label(short: true) } }")));
  assert.ok(!change.affects(used("{ named { label } }")));
});

test("the locations of directives, and repeated directives", () => {
  const { directiveLocations, repeatedDirectives } = used(`
    query ($a: Int @upper) @upper { node { id @upper @upper ...A @upper ... @upper { id } } }
    fragment A on Node { id }
  `);

  assert.deepEqual(
    [...directiveLocations].sort(),
    ["FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT", "QUERY", "VARIABLE_DEFINITION"].map(
      (location) => `upper ${location}`,
    ),
  );
  assert.deepEqual([...repeatedDirectives], ["upper"]);
  assert.deepEqual([...used("{ node @upper { id @upper } }").repeatedDirectives], []);
});
