import assert from "node:assert/strict";
import { test } from "node:test";
import { Repository } from "./repository.ts";
import { type Outcome, run } from "./support.ts";

const CHANGE = "FIELD_TYPE_CHANGED Book.tags";

function shorter(): Repository {
  return new Repository().replace("catalog.graphql", "tags: [String!]!", "tags: [String]!");
}

function approve(repository: Repository, change = CHANGE, ...args: string[]): Promise<Outcome> {
  const words = ["--reason", "All clients can take it.", "--author", "Ada"];
  return run(
    "approve",
    ...repository.where,
    "--against",
    "HEAD",
    "--change",
    change,
    ...words,
    ...args,
  );
}

test("an approved change is a note with its reason, and breaks nothing", async () => {
  const repository = shorter();
  assert.equal((await repository.report("--against", "HEAD")).code, 1);

  const { code, said } = await approve(repository);
  assert.equal(code, 0, said);

  const report = await repository.report("--against", "HEAD");
  assert.equal(report.code, 0);
  const [finding] = report.findings;
  assert.equal(finding?.severity, "note");
  assert.equal(finding?.approval?.author, "Ada");
  assert.equal(finding?.approval?.reason, "All clients can take it.");
});

test("it is good for that change only: not for another of the same field, nor of another", async () => {
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

test("once merged it is stale, which is said, and the next approval takes it away", async () => {
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

test("a document that an approved change makes invalid is to be taken away", async () => {
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

test("only what is a breaking change can be approved, with a reason and an author", async () => {
  const repository = shorter().replace("stock.graphql", "  PUBLISHED\n", "  PUBLISHED\n  SOLD\n");

  for (const change of ["FIELD_REMOVED Book.tags", "ENUM_VALUE_ADDED State.SOLD", "Book.tags"]) {
    const { code, said } = await approve(repository, change);
    assert.equal(code, 2);
    assert.match(said, /NO_SUCH_CHANGE.*FIELD_TYPE_CHANGED Book\.tags/);
  }
  for (const missing of ["--reason", "--author", "--change"]) {
    const { code, said } = await approve(repository, CHANGE, missing, " ");
    assert.equal(code, 2);
    assert.match(said, new RegExp(`USAGE.*${missing}`));
  }
});

for (const text of [
  "{",
  "{}",
  '[{"change": "a"}]',
  '[{"change":"a","message":"b","reason":"","author":"d","on":"e"}]',
]) {
  test(`approvals that are none: ${text}`, async () => {
    const repository = shorter().write("approvals.json", text);

    const { code, said } = await repository.check("--against", "HEAD");

    assert.equal(code, 2);
    assert.match(said, /approvals\.json:1.*: error \[INVALID_/);
  });
}
