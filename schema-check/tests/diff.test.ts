// The changes between any two states, and the changelog of a repository.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { XMLValidator } from "fast-xml-parser";
import { Repository } from "./repository.ts";
import { run } from "./support.ts";

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
  const lines = stdout.split("\n").filter((line) => /^(## |\*\*|- )/.test(line));
  const dates = / [\d-]+: | \(`[\da-f]+`\)$/g;
  assert.deepEqual(
    lines.map((line) => line.replaceAll(dates, "")),
    [
      "##More of books",
      ...["**Dangerous:**", "- Enum value `SOLD` was added to enum `State`"],
      ...["**Safe:**", "- New fields: `Book.code`"],
      "##Films have no &lt;length>",
      ...["**Breaking:**", "- Field `minutes` was removed from object type `Film`"],
    ],
  );
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
  assert.match(releases, /`minutes` was removed[\s\S]*`SOLD` was added/);
  assert.match(await changelog(), /`minutes` was removed/);
  assert.doesNotMatch(await changelog("--since", "HEAD~1"), /`minutes` was removed/);

  const sound = repository.read("stock.graphql");
  repository.write("stock.graphql", "type Query {").commit("Broken");
  repository.write("stock.graphql", sound).commit("Repaired");
  assert.match(
    await changelog(),
    /Repaired[\s\S]*changes are not known[\s\S]*Broken[\s\S]*changes are not known/,
  );
  assert.equal((await repository.inside("changelog", "--by", "moon")).code, 2);
});

test("a changelog for reading: reworded descriptions are counted, and untitled merges have a subject", async () => {
  const repository = new Repository();
  repository.git("switch", "--quiet", "--create", "words");
  const words = repository
    .read("catalog.graphql")
    .replaceAll(/^( *)"([^"\n]+)"$/gm, '$1"$2 Indeed."');
  repository.write("catalog.graphql", words).commit("Reword the catalogue");
  repository.write("catalog.graphql", `${words}\n`).commit("Mend that");
  repository.write("README.md", "Not the graph.").commit("A page");
  repository.git("switch", "--quiet", "main");
  repository.git(
    "merge",
    "--quiet",
    "--no-ff",
    "-m",
    "Merge branch 'words' of /home/ada/x",
    "words",
  );

  const { stdout } = await repository.inside("changelog");

  assert.match(stdout, /^## [\d-]+: Reword the catalogue \(/m);
  assert.doesNotMatch(stdout, /ada|Indeed/);
  assert.match(stdout, /^- Descriptions: (`[\w.]+`, ){7}`[\w.]+` and \d+ more$/m);
});

test("the first graph, after a commit without one", async () => {
  const repository = new Repository();
  const list = repository.read("supergraph.yaml");
  rmSync(repository.path("supergraph.yaml"));
  repository.commit("No graph");
  repository.write("supergraph.yaml", list).commit("A graph");

  const { stdout } = await repository.inside("changelog", "--since", "HEAD~1");

  assert.match(stdout, /: A graph \(`[\da-f]+`\)\n\nThe first graph\.\n$/);
});

test("--check: a changelog that the history does not say is stale, later commits are counted", async () => {
  const repository = history();
  const check = async () => {
    const { code, stderr } = await repository.inside("changelog", "--out", "log.md", "--check");
    return `${code} ${stderr.trim()}`;
  };
  await repository.inside("changelog", "--out", "log.md");
  const text = repository.read("log.md");
  assert.equal(await check(), "0 log.md is up to date");

  repository.commit("The changelog");
  repository
    .replace(...([CODE[0], CODE[2], CODE[1]] as [string, string, string]))
    .commit("No code");
  assert.equal(await check(), "0 log.md is correct; 1 later commits are not in it");

  repository.write("log.md", text.replace("was removed", "was added"));
  assert.match(await check(), /^1 log\.md: error \[STALE\]: it is not what the history up to/);
  repository.write("log.md", text.replace(/\(`[\da-f]+`\)/, "(`0123456789`)"));
  assert.match(await check(), /^1 .*0123456789 is not in this history/);
  repository.write("log.md", "# Nothing\n");
  assert.match(await check(), /^1 .*it has no entry/);
  assert.equal((await repository.inside("changelog", "--check")).code, 2);
  assert.equal(
    (await repository.inside("changelog", "--check", "--by", "release", "--out", "log.md")).code,
    2,
  );
});

// This repository's own.

const ROOT = join(import.meta.dirname, "..", "..");
const git = (...args: string[]) => spawnSync("git", args, { cwd: ROOT, encoding: "utf8" }).stdout;
const newest = /\(`([0-9a-f]+)`\)/.exec(
  readFileSync(join(ROOT, "docs", "graph-changelog.md"), "utf8"),
)?.[1];
const skip =
  (git("rev-parse", "--is-shallow-repository").trim() !== "false" ||
    spawnSync("git", ["merge-base", "--is-ancestor", newest ?? "", "HEAD"], { cwd: ROOT })
      .status !== 0) &&
  "its history is not here";

test("docs/graph-changelog.md is what the history says", { skip }, async () => {
  const file = join(ROOT, "docs", "graph-changelog.md");
  const list = join(ROOT, "supergraph.yaml");
  const { code, stderr } = await run("changelog", "--config", list, "--out", file, "--check");

  assert.equal(code, 0, stderr);
});
