import assert from "node:assert/strict";
import { test } from "node:test";
import { Repository } from "./repository.ts";
import type { CommandResult } from "./support.ts";

const CHANGE = "FIELD_TYPE_CHANGED Book.tags";

function shorter(): Repository {
  return new Repository().replace("catalog.graphql", "tags: [String!]!", "tags: [String]!");
}

function approve(
  repository: Repository,
  change = CHANGE,
  ...args: string[]
): Promise<CommandResult> {
  return repository.approve(change, "All clients can take it.", ...args);
}

test("an approved change is a note with its reason, and does not fail the check", async () => {
  const repository = shorter();
  assert.equal((await repository.report("--against", "HEAD")).code, 1);

  const { code, stderr } = await approve(repository);
  assert.equal(code, 0, stderr);

  const report = await repository.report("--against", "HEAD");
  assert.equal(report.code, 0);
  const [finding] = report.findings;
  assert.equal(finding?.severity, "note");
  assert.equal(finding?.approval?.author, "Ada");
  assert.equal(finding?.approval?.reason, "All clients can take it.");
});

test("an approval covers only its change, not another one of the same or another field", async () => {
  const repository = shorter();
  await approve(repository);

  repository.replace("catalog.graphql", "tags: [String]!", "tags: [Int]!");
  assert.equal((await repository.report("--against", "HEAD")).code, 1);

  repository.replace("catalog.graphql", "tags: [Int]!", "tags: [String]!");
  repository.replace("catalog.graphql", "  minutes: Int\n", "  minutes: String\n");
  const { code, findings } = await repository.report("--against", "HEAD");
  assert.equal(code, 1);
  assert.deepEqual(
    findings.filter(({ severity }) => severity === "error").map(({ path }) => path),
    ["Film.minutes"],
  );
});

test("an approval is consumed when merged: it does not cover making the change again after a revert", async () => {
  const repository = shorter();
  await approve(repository);
  repository.commit("Tags may be null");
  repository
    .replace("catalog.graphql", "tags: [String]!", "tags: [String!]!")
    .commit("They may not");
  repository.git("switch", "--quiet", "--create", "again");
  repository.replace("catalog.graphql", "tags: [String!]!", "tags: [String]!");

  const { code, findings } = await repository.report("--against", "main");

  assert.equal(code, 1);
  assert.deepEqual(
    findings.map(({ kind, severity }) => [kind, severity]),
    [
      ["FIELD_TYPE_CHANGED", "error"],
      ["CONSUMED_APPROVAL", "error"],
    ],
  );
  assert.match(findings[1]?.hint ?? "", /approve --change 'FIELD_TYPE_CHANGED Book\.tags'/);

  // By the same author, on the same day, for the same reason: still a separate approval.
  assert.equal((await approve(repository)).code, 0);
  assert.equal((await repository.report("--against", "main")).code, 0);
});

test("it stays consumed when it was removed from the file and restored by a revert of the revert", async () => {
  const repository = shorter();
  await approve(repository);
  repository.commit("Tags may be null");
  repository.git("revert", "--no-edit", "HEAD");
  repository.git("switch", "--quiet", "--create", "again");
  repository.git("revert", "--no-edit", "HEAD");
  assert.equal(JSON.parse(repository.read("approvals.json")).length, 1);

  const { code, findings } = await repository.report("--against", "main");

  assert.equal(code, 1);
  assert.ok(findings.some(({ kind }) => kind === "CONSUMED_APPROVAL"));
});

test("on a long-running branch it stays active while the main branch is merged into it", async () => {
  const repository = new Repository();
  repository.git("switch", "--quiet", "--create", "long");
  repository.replace("catalog.graphql", "tags: [String!]!", "tags: [String]!");
  await approve(repository);
  repository.commit("Tags may be null");

  const merge = (edit: [string, string, string]) => {
    repository.git("switch", "--quiet", "main");
    repository.replace(...edit).commit("Meanwhile");
    repository.git("switch", "--quiet", "long");
    repository.git("merge", "--quiet", "--no-edit", "main");
  };
  const errors = async () => {
    const { findings } = await repository.report("--against", "main");
    return findings.filter(({ severity }) => severity === "error").map(({ kind }) => kind);
  };
  assert.deepEqual(await errors(), []);
  merge(["catalog.graphql", "  minutes: Int\n", "  minutes: Int!\n"]);
  assert.deepEqual(await errors(), []);
});

test("it covers one former definition: a field that has changed meanwhile needs a new approval", async () => {
  const repository = new Repository();
  const remove = (type: string) =>
    repository.replace("catalog.graphql", `  "How long."\n  minutes: ${type}\n`, "");
  remove("Int");
  await approve(repository, "FIELD_REMOVED Film.minutes");
  assert.equal((await repository.report("--against", "HEAD")).code, 0);
  const approvals = repository.read("approvals.json");

  repository.restore();
  repository.replace("catalog.graphql", "  minutes: Int\n", "  minutes: String\n").commit("Words");
  repository.write("approvals.json", approvals);
  remove("String");
  const { code, findings } = await repository.report("--against", "HEAD");

  assert.equal(code, 1);
  const stale = findings.find(({ kind }) => kind === "STALE_APPROVAL");
  assert.match(stale?.message ?? "", /a different change to it/);
  assert.match(stale?.hint ?? "", /approve it again/);
});

test("once merged it is reported as stale, and the next approval removes it", async () => {
  const repository = shorter();
  await approve(repository);
  repository.commit("Tags may be null");

  const { code, findings } = await repository.report("--against", "HEAD");
  assert.equal(code, 0);
  assert.deepEqual(
    findings.map(({ kind, path }) => [kind, path]),
    [["STALE_APPROVAL", CHANGE]],
  );

  repository.replace("catalog.graphql", "  minutes: Int\n", "  minutes: String\n");
  await approve(repository, "FIELD_TYPE_CHANGED Film.minutes");
  const kept = JSON.parse(repository.read("approvals.json"));
  assert.deepEqual(
    kept.map(({ change }: { change: string }) => change),
    ["FIELD_TYPE_CHANGED Film.minutes"],
  );
});

test("a document that an approved change makes invalid is a warning to remove it", async () => {
  const repository = new Repository().replace(
    "catalog.graphql",
    '  "How long."\n  minutes: Int\n',
    "",
  );
  await approve(repository, "FIELD_REMOVED Film.minutes");

  const { code, findings } = await repository.report("--against", "HEAD");
  assert.equal(code, 0);
  assert.deepEqual(
    findings.map(({ kind, severity }) => [kind, severity]),
    [
      ["FIELD_REMOVED", "note"],
      ["INVALID_OPERATION", "warning"],
    ],
  );
  repository.commit("Films have no length");
  assert.equal((await repository.report("--against", "HEAD")).code, 1);
});

test("it covers the errors that the change causes, and no other errors of the same document", async () => {
  const repository = new Repository();
  repository.replace("operations/Search.graphql", "__typename", "__typename nonsense");
  repository.replace("catalog.graphql", '  "How long."\n  minutes: Int\n', "");
  await approve(repository, "FIELD_REMOVED Film.minutes");

  const { code, findings } = await repository.report("--against", "HEAD");

  assert.equal(code, 1);
  const invalid = findings.filter(({ kind }) => kind === "INVALID_OPERATION");
  assert.deepEqual(
    invalid.map(({ severity, message }) => [severity, /"(nonsense|minutes)"/.exec(message)?.[1]]),
    [
      ["error", "nonsense"],
      // The current Search, and that of the baseline.
      ["warning", "minutes"],
      ["warning", "minutes"],
    ],
  );
});

test("a safe change that makes a document invalid is not covered", async () => {
  const repository = new Repository();
  repository.replace(
    "operations/Search.graphql",
    "      title\n    }\n    ... on Film {",
    "      long: pages\n    }\n    ... on Film {\n      long: years",
  );
  repository.replace("catalog.graphql", "  minutes: Int\n", "  minutes: Int\n  years: Int!\n");
  repository.commit("Years");
  repository.replace("catalog.graphql", "  years: Int!\n", "  years: Int\n");
  repository.replace("catalog.graphql", '  "How long."\n  minutes: Int\n', "");
  await approve(repository, "FIELD_REMOVED Film.minutes");
  const approved = await repository.report("--against", "HEAD");
  assert.equal(approved.code, 1);
  assert.ok(
    approved.findings.some(
      ({ kind, severity, message }) =>
        kind === "INVALID_OPERATION" && severity === "error" && /long/.test(message),
    ),
  );
});

test("the approval of every kind of change covers the errors that it causes", async () => {
  const edits: [change: string, ...edit: [string, string, string]][] = [
    ["FIELD_REMOVED Film.minutes", "catalog.graphql", '  "How long."\n  minutes: Int\n', ""],
    ["FIELD_TYPE_CHANGED Book.tags", "catalog.graphql", "tags: [String!]!", "tags: [Author!]!"],
    ["ENUM_VALUE_REMOVED Genre.NOVEL", "catalog.graphql", '  "Long."\n  NOVEL\n', ""],
    [
      "INPUT_FIELD_REMOVED BookFilter.minPages",
      "catalog.graphql",
      '  "Not shorter."\n  minPages: Int\n',
      "",
    ],
    [
      "INPUT_FIELD_TYPE_CHANGED BookFilter.minPages",
      "catalog.graphql",
      "minPages: Int",
      "minPages: Boolean",
    ],
    [
      "FIELD_ARGUMENT_REMOVED Query.books.genres",
      "catalog.graphql",
      '    "Of these genres only."\n    genres: [Genre!]\n',
      "",
    ],
    [
      "FIELD_ARGUMENT_ADDED Query.search.depth",
      "catalog.graphql",
      "text: String!",
      'text: String! "How far." depth: Int!',
    ],
    [
      "FIELD_ARGUMENT_TYPE_CHANGED Query.search.text",
      "catalog.graphql",
      "text: String!",
      "text: Int!",
    ],
    ["UNION_MEMBER_REMOVED Hit", "catalog.graphql", "union Hit = Book | Film", "union Hit = Book"],
    [
      "OBJECT_TYPE_INTERFACE_REMOVED Book",
      "catalog.graphql",
      "type Book implements Item @key",
      "type Book @key",
    ],
  ];
  const repository = new Repository();
  for (const [change, ...edit] of edits) {
    repository.restore();
    repository.replace(...edit);
    const before = await repository.report("--against", "HEAD");
    const { code, stderr } = await approve(repository, change);
    assert.equal(code, 0, stderr);

    const { findings } = await repository.report("--against", "HEAD");

    assert.equal(before.code, 1, change);
    const invalid = findings.filter(({ kind }) => kind === "INVALID_OPERATION");
    assert.ok(invalid.length > 0, change);
    const bad = findings.filter(({ severity }) => severity === "error");
    assert.deepEqual(bad, [], change);
  }
});

test("only a breaking change can be approved, with a reason and an author", async () => {
  const repository = shorter().replace("stock.graphql", "  PUBLISHED\n", "  PUBLISHED\n  SOLD\n");

  for (const change of ["FIELD_REMOVED Book.tags", "ENUM_VALUE_ADDED State.SOLD", "Book.tags"]) {
    const { code, stderr } = await approve(repository, change);
    assert.equal(code, 2);
    assert.match(stderr, /NO_SUCH_CHANGE.*FIELD_TYPE_CHANGED Book\.tags/);
  }
  for (const missing of ["--reason", "--author", "--change"]) {
    const { code, stderr } = await approve(repository, CHANGE, missing, " ");
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`USAGE.*${missing}`));
  }
});

for (const text of [
  "{",
  "{}",
  '[{"change": "a"}]',
  '[{"change":"a","message":"b","reason":"","author":"d","on":"e"}]',
  '[{"change":"a","message":"b","reason":"c","author":"d","on":"e"}]',
]) {
  test(`invalid approvals: ${text}`, async () => {
    const repository = shorter().write("approvals.json", text);

    const { code, stderr } = await repository.check("--against", "HEAD");

    assert.equal(code, 2);
    assert.match(stderr, /approvals\.json:1.*: error \[INVALID_/);
  });
}
