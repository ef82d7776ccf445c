import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Repository } from "./repository.ts";
import { run } from "./support.ts";

const ROOT = join(import.meta.dirname, "..", "..");

test("every document, by the hash of its text", async () => {
  const folder = join(ROOT, "operations");
  const { code, stdout } = await run("manifest", "--operations", folder);
  const { format, version, operations } = JSON.parse(stdout);
  const files = readdirSync(folder).filter((name) => name.endsWith(".graphql"));

  assert.equal(code, 0);
  assert.deepEqual([format, version], ["apollo-persisted-query-manifest", 1]);
  assert.equal(operations.length, files.length);
  for (const { id, name, body } of operations) {
    assert.equal(body, readFileSync(join(folder, `${name}.graphql`), "utf8"));
    assert.equal(id, createHash("sha256").update(body).digest("hex"));
  }
});

test("the committed manifest is up to date", async () => {
  const { stdout } = await run("manifest", "--operations", join(ROOT, "operations"));

  assert.equal(readFileSync(join(ROOT, "operations/manifest.json"), "utf8"), stdout);
});

test("the manifest is deterministic, and the check reads it", async () => {
  const repository = new Repository();
  const out = repository.path("manifest.json");
  const write = () => run("manifest", "--operations", repository.path("operations"), "--out", out);
  await write();
  const first = repository.read("manifest.json");
  await write();

  assert.equal(repository.read("manifest.json"), first);
  const { code, operations } = await repository.report("--against", "HEAD", "--operations", out);
  assert.equal(code, 0);
  assert.equal(operations, 9);
});
