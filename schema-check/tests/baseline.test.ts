// The default baseline of a check.

import assert from "node:assert/strict";
import { mkdirSync, renameSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { Repository } from "./repository.ts";

const REMOVED: [string, string, string] = [
  "catalog.graphql",
  '  "How long."\n  minutes: Int\n',
  "",
];
const NOT_COMMITTED: [string, string, string] = [
  "catalog.graphql",
  "  subtitle: String\n",
  "  subtitle: String\n  code: Int\n",
];

async function compared(repository: Repository): Promise<[string | undefined, string[]]> {
  const { against, findings } = await repository.report();
  const changes = findings.filter(({ section }) => section === "changes");
  return [against?.split(" ")[0], changes.map(({ path }) => path ?? "")];
}

test("on the main branch with uncommitted changes: the last commit", async () => {
  const repository = new Repository().replace(...REMOVED).commit("Films have no length");
  repository.replace(...NOT_COMMITTED);

  assert.deepEqual(await compared(repository), ["HEAD", ["Book.code"]]);
});

test("on the main branch: a new document is an uncommitted change, too", async () => {
  const repository = new Repository().replace(...REMOVED).commit("Films have no length");
  repository.write("operations/new/Today.graphql", "query Today { today { id } }");

  assert.deepEqual(await compared(repository), ["HEAD", []]);
});

test("on the main branch: uncommitted changes to unrelated files do not count", async () => {
  const repository = new Repository().replace(...REMOVED).commit("Films have no length");
  repository.write("report/junit.xml", "<testsuites/>").write("README.md", "Read me");

  assert.deepEqual(await compared(repository), ["HEAD~1", ["Film.minutes"]]);
});

test("when the main branch is ahead, but HEAD has no commits of its own: the previous commit", async () => {
  const repository = new Repository().replace(...REMOVED).commit("Films have no length");
  repository.git("switch", "--quiet", "--detach");
  repository.git("switch", "--quiet", "main");
  repository.replace(...NOT_COMMITTED).commit("Books have a number");
  repository.git("switch", "--quiet", "--detach", "HEAD~1");

  assert.deepEqual(await compared(repository), ["HEAD~1", ["Film.minutes"]]);
});

test("in a clone of depth 1: cannot run, and says how much history it needs", async () => {
  const origin = new Repository().commit("One more");
  const clone = new Repository();
  clone.git("clone", "--quiet", "--depth", "1", `file://${origin.folder}`, "clone");
  const config = ["--config", clone.path("clone/supergraph.yaml")];

  const { code, stderr } = await clone.check(...config);

  assert.equal(code, 2);
  assert.match(stderr, /NO_BASELINE.*git fetch --unshallow.*fetch-depth: 0/);

  clone.git("-C", "clone", "fetch", "--quiet", "--unshallow");
  assert.equal((await clone.check(...config)).code, 0);
});

test("in a full clone of a single commit: passes, and says that there is no baseline", async () => {
  const clone = new Repository();
  clone.git("clone", "--quiet", new Repository().folder, "clone");

  const { code, stdout } = await clone.check("--config", clone.path("clone/supergraph.yaml"));

  assert.equal(code, 0, stdout);
  assert.match(stdout, /There is no baseline/);
});

test("through a symbolic link to the folder, or to the configuration itself", async () => {
  const repository = new Repository();
  mkdirSync(repository.path("lists"));
  renameSync(repository.path("supergraph.yaml"), repository.path("lists/all.yaml"));
  symlinkSync("lists/all.yaml", repository.path("supergraph.yaml"));
  repository.commit("The list is elsewhere").replace(...REMOVED);
  const elsewhere = new Repository();
  symlinkSync(repository.folder, elsewhere.path("link"));
  const options = ["config supergraph.yaml", "operations operations"].flatMap((option) => {
    const [name, file] = option.split(" ");
    return [`--${name}`, elsewhere.path(`link/${file}`)];
  });

  for (const where of [[], options]) {
    const { code, findings, against } = await repository.report("--against", "HEAD", ...where);

    assert.equal(code, 1);
    assert.match(against ?? "", /^HEAD /);
    assert.deepEqual(
      findings.map(({ kind, path }) => `${kind} ${path}`),
      ["FIELD_REMOVED Film.minutes", "INVALID_OPERATION Search"],
    );
  }
});

test("in a clone of one branch only: cannot run, and says what to give", async () => {
  const origin = new Repository();
  origin.git("switch", "--quiet", "--create", "shorter");
  origin
    .replace(...REMOVED)
    .commit("Films have no length")
    .commit("And more");
  const clone = new Repository();
  const only = ["--single-branch", "--branch", "shorter"];
  clone.git("clone", "--quiet", ...only, `file://${origin.folder}`, "clone");
  const config = ["--config", clone.path("clone/supergraph.yaml")];

  const { code, stderr } = await clone.check(...config);

  assert.equal(code, 2);
  assert.match(stderr, /NO_BASELINE.*--against.*git fetch origin/);

  clone.git(
    "-C",
    "clone",
    "fetch",
    "--quiet",
    "origin",
    "+refs/heads/main:refs/remotes/origin/main",
  );
  assert.equal((await clone.check(...config)).code, 1);
});

for (const name of ["master", "trunk"]) {
  test(`in a clone whose main branch is called ${name}`, async () => {
    const origin = new Repository();
    origin.git("branch", "--quiet", "--move", name);
    const clone = new Repository();
    clone.git("clone", "--quiet", origin.folder, "clone");
    clone.git("-C", "clone", "switch", "--quiet", "--create", "shorter");
    clone.replace(...(["clone/catalog.graphql", ...REMOVED.slice(1)] as typeof REMOVED));
    clone.git("-C", "clone", "commit", "--quiet", "--all", "-m", "Films have no length");
    clone.git("-C", "clone", "commit", "--quiet", "--allow-empty", "-m", "And more");

    const config = ["--config", clone.path("clone/supergraph.yaml")];
    const { code, against } = await clone.report(...config);

    assert.equal(code, 1);
    assert.match(against ?? "", new RegExp(`^origin/${name} `));
  });
}

test("without a remote and with one branch, that is the main branch", async () => {
  const repository = new Repository();
  repository.git("branch", "--quiet", "--move", "trunk");
  repository.replace(...REMOVED).commit("Films have no length");

  assert.deepEqual(await compared(repository), ["HEAD~1", ["Film.minutes"]]);
});

test("without a remote and with several branches, none of them known: cannot run", async () => {
  const repository = new Repository();
  repository.git("branch", "--quiet", "--move", "trunk");
  repository.git("switch", "--quiet", "--create", "shorter");

  const { code, stderr } = await repository.check();

  assert.equal(code, 2);
  assert.match(stderr, /NO_BASELINE.*--against/);
});
