import assert from "node:assert/strict";
import { test } from "node:test";
import { compareResults } from "../src/comparison.ts";
import { Cursors } from "../src/cursors.ts";
import type { ResultError } from "../src/operation.ts";
import { ANY_TEXT, cursorWildcard, generated } from "../src/wildcards.ts";

function kinds(
  expected: { data: unknown; errors?: ResultError[] },
  data: unknown,
  errors: ResultError[] = [],
  cursors = new Cursors(),
) {
  const said = errors.map(({ code, path }) => ({ message: "no", path, extensions: { code } }));
  const result = { errors: [], ...expected };
  return compareResults(result, { data, errors: said }, cursors).map(({ kind }) => kind);
}

const forbidden = (...path: (string | number)[]) => ({ code: "FORBIDDEN", path });

test("equal results do not differ", () => {
  const data = { list: [{ a: 1, b: null }, {}] };

  assert.deepEqual(kinds({ data }, structuredClone(data)), []);
});

test("data is compared exactly, and so is the order of keys", () => {
  assert.deepEqual(kinds({ data: { a: {} } }, { a: null }), ["data"]);
  assert.deepEqual(kinds({ data: { a: 1 } }, { a: "1" }), ["data"]);
  assert.deepEqual(kinds({ data: { a: [1] } }, { a: [1, 2] }), ["data"]);
  assert.deepEqual(kinds({ data: { a: 1 } }, { a: 1, b: 2 }), ["data"]);
  assert.deepEqual(kinds({ data: { a: 1, b: 2 } }, { b: 2, a: 1 }), ["key order"]);
});

test("errors are compared by code and path, in any order", () => {
  const errors = [forbidden("a"), forbidden("b")];
  const data = { a: null, b: null };

  assert.deepEqual(kinds({ data, errors }, data, errors.toReversed()), []);
  assert.deepEqual(kinds({ data, errors }, data, [forbidden("a"), forbidden("a")]), ["errors"]);
  assert.deepEqual(kinds({ data, errors }, data, [forbidden("a")]), ["errors"]);
  assert.deepEqual(kinds({ data }, data, [forbidden("a")]), ["errors"]);
});

test("below a null value, any error may be reported, but at least one must be", () => {
  const expected = { data: { a: null }, errors: [forbidden("a", "b")] };

  assert.deepEqual(kinds(expected, { a: null }, [forbidden("a", "c")]), []);
  assert.deepEqual(kinds(expected, { a: null }), ["errors"]);
  assert.deepEqual(kinds({ data: { a: null } }, { a: null }, [forbidden("a", "b")]), ["errors"]);
});

test("a row has one cursor, which no other row has", () => {
  const cursors = new Cursors();
  const first = { data: { cursor: cursorWildcard("course", "1") } };
  const second = { data: { cursor: cursorWildcard("course", "2") } };

  assert.deepEqual(kinds(first, { cursor: "x" }, [], cursors), []);
  assert.deepEqual(kinds(first, { cursor: "x" }, [], cursors), []);
  assert.deepEqual(kinds(first, { cursor: "y" }, [], cursors), ["cursor"]);
  assert.deepEqual(kinds(second, { cursor: "x" }, [], cursors), ["cursor"]);
});

test("a generated id is the same everywhere in a response", () => {
  const data = { a: generated("id 1"), b: generated("id 1") };

  assert.deepEqual(kinds({ data }, { a: "x", b: "x" }), []);
  assert.deepEqual(kinds({ data }, { a: "x", b: "y" }), ["data"]);
});

test("a message may be any non-empty text", () => {
  assert.deepEqual(kinds({ data: { message: ANY_TEXT } }, { message: "no" }), []);
  assert.deepEqual(kinds({ data: { message: ANY_TEXT } }, { message: "" }), ["data"]);
});
