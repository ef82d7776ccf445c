// Which documents count, who sends them, and the permissions file.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { Repository } from "./repository.ts";
import { run } from "./support.ts";

const SHELF = '"Book.shelf": { "subgraph": "catalog", "who": "signed in" }';
const NARROWED = SHELF.replace('"signed in" }', '"librarian" }');

// Viewers.

async function narrowed(header: string): Promise<[severity: string | undefined, users: string[]]> {
  const repository = new Repository();
  const text = repository.read("operations/AuthorPage.graphql").replace("# Viewer: reader", header);
  repository.write("operations/AuthorPage.graphql", text).commit("Who sends it");
  repository.replace("docs/permissions.json", SHELF, NARROWED);
  const { findings } = await repository.report("--against", "HEAD");
  const finding = findings.find(({ kind }) => kind === "ACCESS_NARROWED");
  return [finding?.severity, finding?.affected.map(({ name }) => name) ?? []];
}

test("narrowed access breaks a document if one of its senders has lost it", async () => {
  assert.deepEqual(await narrowed("# Viewer: reader"), ["error", ["AuthorPage"]]);
  assert.deepEqual(await narrowed("# Viewer: librarian, reader"), ["error", ["AuthorPage"]]);
  assert.deepEqual(await narrowed("# Viewer: anonymous"), ["warning", []]);
});

test("a document without declared viewers may be sent by any viewer", async () => {
  assert.deepEqual(await narrowed("# A page."), ["error", ["AuthorPage"]]);
});

for (const header of [
  "# Viewer: raeder",
  "# Viewer: anonymous reader",
  "# Viewer: anonymous, reders",
  "# Viewer: reader,",
  "# Viewer: Reader",
  "# Viewer:",
]) {
  test(`an unknown viewer is reported with its line: ${header}`, async () => {
    const repository = new Repository();
    const text = repository.read("operations/AuthorPage.graphql");
    repository.write(
      "operations/AuthorPage.graphql",
      `# A page.\n${text.replace("# Viewer: reader", header)}`,
    );

    const { code, stderr } = await repository.check("--against", "HEAD");

    assert.equal(code, 2);
    assert.match(
      stderr,
      /AuthorPage\.graphql:2:1: error \[UNKNOWN_VIEWER\]: unknown viewer ".*": expected/,
    );
    assert.match(stderr, /anonymous, reader, librarian/);
  });
}

test("an unknown viewer in a manifest is reported at the line of the document", async () => {
  const repository = new Repository();
  const body = "# Viewer: raeder\n{ today { id } }";
  repository.write("manifest.json", JSON.stringify({ first: "{ today { id } }", body }, null, 1));

  const { code, stderr } = await repository.check("--operations", repository.path("manifest.json"));

  assert.equal(code, 2);
  assert.match(stderr, /manifest\.json:3: error \[UNKNOWN_VIEWER\]/);
});

test("an unknown viewer in a former document counts as any viewer", async () => {
  const repository = new Repository();
  const file = "operations/AuthorPage.graphql";
  const text = repository.read(file);
  repository.write(file, text.replace("reader", "raeder")).commit("A slip of the pen");
  repository.write(file, text).replace("docs/permissions.json", SHELF, NARROWED);

  const { code, findings } = await repository.report("--against", "HEAD");

  assert.equal(code, 1);
  assert.deepEqual(
    findings[0]?.affected.map(({ asOf }) => asOf),
    [undefined, "HEAD"],
  );
});

test("without permissions any single word is a valid viewer", async () => {
  const repository = new Repository();
  const check = (header: string) => {
    const text = `${header}\nquery Today { today { id } }`;
    repository.write("operations/Today.graphql", text);
    rmSync(repository.path("docs"), { recursive: true, force: true });
    return repository.inside("check", "--against", "HEAD");
  };

  assert.match((await check("# Viewer: the reader")).stderr, /Today\.graphql:1:1.*UNKNOWN_VIEWER/);
  assert.doesNotMatch((await check("# Viewer: somebody")).stderr, /UNKNOWN_VIEWER/);
});

// Folders and manifests.

test("documents in subfolders count, in the working tree and in the commit", async () => {
  const repository = new Repository();
  const text = repository.read("operations/Search.graphql");
  repository.write("operations/pages/deep/Search.graphql", text);
  rmSync(repository.path("operations/Search.graphql"));
  repository.commit("In a folder");
  repository.replace("catalog.graphql", '  "How long."\n  minutes: Int\n', "");

  const here = await repository.report("--against", "HEAD");
  rmSync(repository.path("operations/pages"), { recursive: true });
  const there = await repository.report("--against", "HEAD");

  for (const { code, findings, operations } of [here, there]) {
    assert.equal(code, 1);
    assert.equal(operations, 9);
    assert.deepEqual(
      findings[0]?.affected.map(({ name }) => name),
      ["Search"],
    );
  }
  assert.match(here.findings[1]?.location?.file ?? "", /operations\/pages\/deep\/Search\.graphql$/);
});

test("a manifest has the documents of all subfolders", async () => {
  const repository = new Repository();
  repository.write("operations/pages/Today.graphql", "query Today { today { id } }");

  const { stdout } = await run("manifest", "--operations", repository.path("operations"));

  const names: string[] = JSON.parse(stdout).operations.map(({ name }: { name: string }) => name);
  assert.equal(names.length, 10);
  assert.ok(names.includes("Today"));
});

test("a manifest that the commit has, too: its former documents are still in use", async () => {
  const repository = new Repository();
  const manifest = (body: string) =>
    repository.write("manifest.json", JSON.stringify({ film: body, today: "{ today { id } }" }));
  manifest('{ search(text: "a") { ... on Film { minutes } } }').commit("A manifest");
  manifest('{ search(text: "a") { ... on Film { id } } }');
  repository.replace("catalog.graphql", '  "How long."\n  minutes: Int\n', "");
  const where = ["--operations", repository.path("manifest.json")];

  const { code, findings, skippedChecks, operations } = await repository.report(
    ...["--against", "HEAD", ...where],
  );

  assert.equal(code, 1);
  assert.equal(operations, 3);
  assert.deepEqual(
    findings[0]?.affected.map(({ name, asOf }) => [name, asOf]),
    [["film", "HEAD"]],
  );
  assert.doesNotMatch(skippedChecks.join(), /Only current operations/);
});

test("unknown former documents are reported", async () => {
  const repository = new Repository();
  repository.write("manifest.json", '{"today": "{ today { id } }"}');
  const manifest = ["--operations", repository.path("manifest.json")];

  const { skippedChecks, code } = await repository.report("--against", "HEAD", ...manifest);
  assert.equal(code, 0);
  assert.match(skippedChecks.join(), /Only current operations were checked.*HEAD.*manifest\.json/);

  const graph = await repository.report("--against", repository.path("supergraph.yaml"));
  assert.match(
    graph.skippedChecks.join(),
    /Only current operations were checked.*supergraph\.yaml/,
  );
});

// The permissions file.

test("a missing permissions file: cannot run", async () => {
  const repository = new Repository();
  const none = ["--permissions", repository.path("docs/permisions.json")];

  const { code, stderr } = await repository.check("--against", "HEAD", ...none);

  assert.equal(code, 2);
  assert.match(stderr, /docs\/permisions\.json: error \[FILE_UNREADABLE\]/);
});

test("a removed permissions file is an error, which can be approved", async () => {
  const repository = new Repository();
  rmSync(repository.path("docs/permissions.json"));
  const check = async () => {
    const { code, stdout } = await repository.inside(
      ...["check", "--against", "HEAD", "--format", "json", "--rules", "rules.yaml"],
      ...["--approvals", "approvals.json"],
    );
    return { code, ...JSON.parse(stdout) };
  };

  const gone = await check();
  assert.equal(gone.code, 1);
  assert.equal(gone.findings.length, 1);
  assert.equal(gone.findings[0].kind, "ACCESS_FILE_REMOVED");
  assert.match(gone.findings[0].message, /'docs\/permissions\.json' was removed/);

  const approved = await repository.inside(
    ...["approve", "--against", "HEAD", "--approvals", "approvals.json", "--author", "Ada"],
    ...["--change", "ACCESS_FILE_REMOVED docs/permissions.json", "--reason", "All is for all."],
  );
  assert.equal(approved.code, 0, approved.stderr);
  assert.equal((await check()).code, 0);
});

test("a graph that never had permissions: reported as not compared", async () => {
  const repository = new Repository();
  rmSync(repository.path("docs"), { recursive: true });
  repository.commit("No rows");

  const { code, stdout } = await repository.inside(
    ...["check", "--against", "HEAD", "--rules", "rules.yaml"],
  );

  assert.equal(code, 0, stdout);
  assert.match(stdout, /Permissions were not compared: HEAD .* has no docs\/permissions\.json/);
});

test("invalid permissions: reported with file and line, in the working tree and in the commit", async () => {
  const repository = new Repository();
  const sound = repository.read("docs/permissions.json");
  repository.replace("docs/permissions.json", '"who": "librarian"', '"whom": "librarian"');

  const { code, stderr } = await repository.check("--against", "HEAD");
  assert.equal(code, 2);
  assert.match(stderr, /permissions\.json:19:\d+: error \[INVALID_FORM\] Book\.remark/);

  repository.commit("Broken").write("docs/permissions.json", sound);
  const { code: mended, findings } = await repository.report("--against", "HEAD");
  assert.equal(mended, 0);
  assert.match(findings[0]?.message ?? "", /HEAD:.*permissions\.json:19:\d+/);
});
