// Access before and after a change: rows, access paths, keys, owners, and the severity of access changes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type JsonReport, Repository } from "./repository.ts";

const ROWS = "docs/permissions.json";
const BORN = '"Author.born": { "subgraph": "people", "who": "everyone" }';
const REMARK = '"Book.remark": { "subgraph": "catalog", "who": "librarian" }';
const THROUGH = (rule: string) =>
  `"Book.remark": { "subgraph": "catalog", "who": "librarian", "through": { "Query.today": "${rule}" } }`;

type ReportedChange = [kind: string | undefined, path?: string, level?: string];

async function reportedChanges(repository: Repository): Promise<ReportedChange[]> {
  const { findings } = await repository.report("--against", "HEAD");
  return access(findings).map(({ kind, path, level }) => [kind, path, level]);
}

const access = (findings: JsonReport["findings"]) =>
  findings.filter(({ section }) => section === "permissions");

test("an access path with a rule of its own is compared with the field's own rule, when it is added or removed", async () => {
  const repository = new Repository().replace(ROWS, REMARK, THROUGH("everyone"));
  assert.deepEqual(await reportedChanges(repository), [
    ["ACCESS_WIDENED", "Book.remark", "dangerous"],
  ]);

  repository.commit("Anyone, today");
  repository.replace(ROWS, THROUGH("everyone"), REMARK);
  assert.deepEqual(await reportedChanges(repository), [
    ["ACCESS_NARROWED", "Book.remark", "breaking"],
  ]);

  repository.replace(ROWS, REMARK, THROUGH("librarian"));
  repository.commit("Nothing new");
  repository.replace(ROWS, THROUGH("librarian"), REMARK);
  assert.deepEqual(await reportedChanges(repository), []);
});

test("through a new field, only wider access is a change", async () => {
  const repository = new Repository();
  repository.replace("catalog.graphql", "  today: Book\n", "  today: Book\n  best: Book\n");
  const accessPath = (rule: string) => THROUGH(rule).replace("Query.today", "Query.best");

  repository.replace(ROWS, REMARK, accessPath("everyone"));
  assert.deepEqual(await reportedChanges(repository), [
    ["ACCESS_WIDENED", "Book.remark", "dangerous"],
  ]);

  repository.restore();
  repository.replace("catalog.graphql", "  today: Book\n", "  today: Book\n  best: Book\n");
  repository.replace(ROWS, '"Author.born": { "subgraph": "people", "who": "everyone" }', BORN);
  repository.replace(
    ROWS,
    BORN,
    BORN.replace('"everyone" }', '"everyone", "through": { "Query.best": "librarian" } }'),
  );
  assert.deepEqual(await reportedChanges(repository), []);
});

test("a row that is added or removed while its field stays: without a row a field is public", async () => {
  const removed = new Repository().replace(ROWS, `${REMARK},\n`, "");
  assert.deepEqual(await reportedChanges(removed), [
    ["ACCESS_WIDENED", "Book.remark", "dangerous"],
  ]);
  removed.commit("No row");
  removed.replace(ROWS, BORN, `${BORN},\n    ${REMARK}`);
  assert.deepEqual(await reportedChanges(removed), [
    ["ACCESS_NARROWED", "Book.remark", "breaking"],
  ]);

  const same = new Repository().replace(ROWS, `,\n    ${BORN}`, "");
  assert.deepEqual(await reportedChanges(same), [["ACCESS_ROW_REMOVED", "Author.born", "safe"]]);
  same.commit("No row");
  const name = '"Author.name": { "subgraph": "people", "who": "everyone" }';
  same.replace(ROWS, name, `${name},\n    ${BORN}`);
  assert.deepEqual(await reportedChanges(same), [["ACCESS_ROW_ADDED", "Author.born", "safe"]]);
});

test("a row that is added or removed with its field is not reported twice", async () => {
  const repository = new Repository();
  repository.replace(
    "catalog.graphql",
    "  subtitle: String\n",
    "  subtitle: String\n  code: String\n",
  );
  const row = '"Book.code": { "subgraph": "catalog", "who": "librarian" }';
  repository.replace(ROWS, REMARK, `${REMARK},\n    ${row}`);
  assert.deepEqual(await reportedChanges(repository), []);

  repository.commit("Codes").replace("catalog.graphql", "  code: String\n", "");
  repository.replace(ROWS, `,\n    ${row}`, "");
  assert.deepEqual(await reportedChanges(repository), []);
});

test("a key that a subgraph now resolves, or no longer", async () => {
  const repository = new Repository();
  const key = '@key(fields: "id", resolvable: false) {\n  "Names it."\n  id: ID!\n}';
  repository.replace(
    "people.graphql",
    `type Book ${key}`,
    `type Book ${key.replace(", resolvable: false", "")}`,
  );
  repository.replace(ROWS, '"stock": "everyone" }', '"stock": "everyone", "people": "everyone" }');
  assert.deepEqual(await reportedChanges(repository), [["ACCESS_WIDENED", "Book", "dangerous"]]);

  repository.commit("One more door");
  repository.git("revert", "--no-edit", "HEAD");
  assert.deepEqual(
    access((await repository.report("--against", "HEAD~1")).findings).map(({ kind, level }) => [
      kind,
      level,
    ]),
    [["ACCESS_NARROWED", "dangerous"]],
  );
});

test("the same rule for another owner", async () => {
  const owner = new Repository().replace(ROWS, '"owner": "reader"', '"owner": "librarian"');
  assert.deepEqual(await reportedChanges(owner), [["ACCESS_OWNER_CHANGED", "Book", "dangerous"]]);

  const leads = new Repository().replace(ROWS, BORN, BORN.replace(" }", ', "leadsTo": "viewer" }'));
  assert.deepEqual(await reportedChanges(leads), [
    ["ACCESS_OWNER_CHANGED", "Author.born", "dangerous"],
  ]);
});

test("access changes have a rule of their own: no other rule turns them off", async () => {
  const repository = new Repository().replace(
    ROWS,
    REMARK,
    REMARK.replace("librarian", "everyone"),
  );
  repository.replace("catalog.graphql", ' @requiresScopes(scopes: [["staff"]])', "");
  const rules = repository.read("rules.yaml");
  const severities = async (...settings: string[]) => {
    const lines = settings.map((setting) => `\n  ${setting}`).join("");
    repository.write("rules.yaml", rules.replace("rules:", `rules:${lines}`));
    const { findings } = await repository.report("--against", "HEAD");
    return access(findings).map(({ kind, severity }) => [kind, severity]);
  };

  const as = (severity: string) => [
    ["ACCESS_WIDENED", severity],
    ["SCOPES_REMOVED", severity],
  ];
  assert.deepEqual(
    await severities("dangerous-change: off", "unused-breaking-change: off"),
    as("warning"),
  );
  assert.deepEqual(await severities("access-change: error"), as("error"));
  assert.deepEqual(await severities("access-change: off"), []);
});

test("wider access can be approved", async () => {
  const repository = new Repository().replace(
    ROWS,
    REMARK,
    REMARK.replace("librarian", "everyone"),
  );
  const rules = repository.read("rules.yaml");
  repository.write("rules.yaml", rules.replace("rules:", "rules:\n  access-change: error"));
  assert.equal((await repository.report("--against", "HEAD")).code, 1);

  const { code, stderr } = await repository.approve(
    "ACCESS_WIDENED Book.remark",
    "Remarks are for all.",
  );
  assert.equal(code, 0, stderr);

  const report = await repository.report("--against", "HEAD");
  assert.equal(report.code, 0);
  assert.deepEqual(
    access(report.findings).map(({ severity }) => severity),
    ["note"],
  );

  // Wider access is a different change.
  repository.replace(
    ROWS,
    REMARK.replace("librarian", "everyone"),
    REMARK.replace("librarian", "signed in"),
  );
  assert.equal((await repository.report("--against", "HEAD")).code, 1);
});
