import assert from "node:assert/strict";
import { test } from "node:test";
import { locateJson, parseJson } from "../src/json.ts";

for (const [what, text, location] of [
  ["nothing", "", "1:1"],
  ["a page", "<html>\n", "1:1"],
  ["a bare word", '{\n  "a": ["b", word]\n}', "2:14"],
  ["a key without quotes", '{\n  "a": "{ a }",\n  b\n}', "3:3"],
  ["a comma too many in a list", "[\n  1,\n]", "3:1"],
  ["a comma too many in an object", '{\n  "a": 1,\n}', "3:1"],
  ["a comma too few", '[\n  {"a": 1}\n  {"b": 2}\n]', "3:3"],
  ["a text that does not end", '{\n  "a": "b\n}', "2:8"],
  ["a text with an escape that is none", '["\\x"]', "1:2"],
  ["a number that is none", "[01]", "1:3"],
  ["cut off", '{\n  "a":', "2:7"],
  ["something behind it", '{"a": 1}\n\n2', "3:1"],
] as const) {
  test(`invalid JSON is reported with line and column: ${what}`, () => {
    assert.throws(
      () => parseJson(text, "a.json"),
      new RegExp(`a\\.json:${location}: error \\[INV`),
    );
  });
}

test("valid JSON is parsed", () => {
  const text = ' {"a": [1, -0.5e+3, true, null, {}, []], "b": {"c": "\\u00e9\\n"}}\n';

  assert.deepEqual(parseJson(text, "a.json"), JSON.parse(text));
});

test("a value is located by its path, or else its nearest ancestor", () => {
  const locate = locateJson('{\n  "a": {\n    "b.c": [1, 2]\n  }\n}', "a.json");

  assert.deepEqual(locate(["a", "b.c", "1"]), { file: "a.json", line: 3, column: 16 });
  assert.deepEqual(locate(["a", "none"]), { file: "a.json", line: 2, column: 8 });
  assert.deepEqual(locate(["none"]), { file: "a.json", line: 1, column: 1 });
});
