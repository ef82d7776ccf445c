// The changes between any two states, and the changelog of a repository.

import assert from "node:assert/strict";
import { test } from "node:test";
import { XMLValidator } from "fast-xml-parser";
import { Repository } from "./repository.ts";

const MINUTES: [string, string, string] = [
  "catalog.graphql",
  '  "How long."\n  minutes: Int\n',
  "",
];
const STATE: [string, string, string] = ["stock.graphql", "  PUBLISHED\n", "  PUBLISHED\n  SOLD\n"];
const CODE: [string, string, string] = [
  "catalog.graphql",
  "  subtitle: String\n",
  "  subtitle: String\n  code: Int\n",
];

/** Three commits: the graph, then a breaking change, then two others. */
function history(): Repository {
  const repository = new Repository();
  repository.git("tag", "v1");
  repository.replace(...MINUTES).commit("Films have no <length>");
  repository.write("README.md", "Not the graph.").commit("A page");
  repository
    .replace(...STATE)
    .replace(...CODE)
    .commit("More of books");
  repository.git("tag", "v2");
  return repository;
}

test("between two commits, a commit and the working tree, a file and a commit", async () => {
  const repository = history();
  const diff = async (...args: string[]) => {
    const { code, stdout, stderr } = await repository.inside("diff", ...args, "--format", "json");
    assert.equal(code, 0, stderr);
    const { changes } = JSON.parse(stdout);
    return changes.map(({ kind, path }: { kind: string; path: string }) => `${kind} ${path}`);
  };
  const all = [
    "FIELD_REMOVED Film.minutes",
    "ENUM_VALUE_ADDED State.SOLD",
    "FIELD_ADDED Book.code",
  ];

  assert.deepEqual(await diff("v1", "v2"), all);
  assert.deepEqual(await diff("v1"), all);
  assert.deepEqual(await diff("v2", "v2"), []);
  assert.deepEqual(await diff("v2", "v1"), [
    "FIELD_REMOVED Book.code",
    "ENUM_VALUE_REMOVED State.SOLD",
    "FIELD_ADDED Film.minutes",
  ]);
  repository.replace(...([CODE[0], CODE[2], CODE[1]] as [string, string, string]));
  assert.deepEqual(await diff("v2"), ["FIELD_REMOVED Book.code"]);
  assert.deepEqual(await diff("v1", "supergraph.yaml"), all.slice(0, 2));
});

test("a commit is that commit, not where a branch began", async () => {
  const repository = history();
  repository.git("switch", "--quiet", "--create", "old", "v1");

  const { stdout } = await repository.inside("diff", "main");

  assert.match(stdout, /FIELD_ADDED Film\.minutes/);
});

test("as text, Markdown and HTML, with everything escaped", async () => {
  const repository = new Repository();
  repository.replace(
    "catalog.graphql",
    "subtitle: String\n",
    'subtitle: String @deprecated(reason: "<b>|`@all`")\n',
  );
  const diff = async (format: string) =>
    (await repository.inside("diff", "HEAD", "--format", format)).stdout;

  const terminal = await diff("terminal");
  assert.match(terminal, /^Safe\n {2}· FIELD_DEPRECATION_ADDED Book\.subtitle/);
  assert.match(terminal, /to the working tree: 1 safe\n$/);
  assert.doesNotMatch(await diff("markdown"), /<b>|@all/);
  const html = await diff("html");
  assert.doesNotMatch(html, /<b>/);
  const isXml = XMLValidator.validate(
    html.replace("<!doctype html>", "").replaceAll(/<meta [^>]*>/g, ""),
  );
  assert.equal(isXml, true);
  assert.match(html, /<section class="safe">\n<h2>Safe<\/h2>/);
});

test("what cannot be compared is refused", async () => {
  const repository = new Repository();
  for (const [args, expected] of [
    [[], /USAGE.*one or two states/],
    [["a", "b", "c"], /USAGE/],
    [["HEAD", "--format", "pdf"], /USAGE.*unknown format/],
    [["none"], /UNKNOWN_BASELINE.*"none" is not a commit/],
  ] as const) {
    const { code, stderr } = await repository.inside("diff", ...args);
    assert.equal(code, 2);
    assert.match(stderr, expected);
  }
});

test("a changelog by commit: only those that change the graph, the newest first", async () => {
  const { code, stdout } = await history().inside("changelog");

  assert.equal(code, 0);
  const headings = [...stdout.matchAll(/^##+ (.*)$/gm)].map(([, text = ""]) =>
    text.replace(/^[\d-]+: /, "").replace(/ \(`[\da-f]+`\)/, ""),
  );
  assert.deepEqual(headings, [
    ...["More of books", "Dangerous", "Safe"],
    ...["Films have no &lt;length>", "Breaking"],
  ]);
  assert.match(stdout, /^- `Film\.minutes`: Field 'minutes' was removed from object type 'Film'$/m);
});

test("a changelog by release, since one, and with a graph that does not compose", async () => {
  const repository = history();
  const changelog = async (...args: string[]) => {
    const { code, stdout, stderr } = await repository.inside("changelog", ...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  const releases = await changelog("--by", "release");
  assert.match(releases, /^## [\d-]+: v2$/m);
  assert.doesNotMatch(releases, /: v1$/m);
  assert.match(releases, /Film\.minutes[\s\S]*State\.SOLD/);
  assert.doesNotMatch(await changelog("--since", "HEAD~1"), /Film\.minutes/);

  const sound = repository.read("stock.graphql");
  repository.write("stock.graphql", "type Query {").commit("Broken");
  repository.write("stock.graphql", sound).commit("Repaired");
  assert.match(
    await changelog(),
    /Repaired[\s\S]*changes are not known[\s\S]*Broken[\s\S]*changes are not known/,
  );
  assert.equal((await repository.inside("changelog", "--by", "moon")).code, 2);
});
