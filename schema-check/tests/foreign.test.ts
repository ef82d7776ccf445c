// Graphs of other people, checked from a fresh clone with as few options as possible.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { airline, clinic, type ForeignCase, kitchen } from "./foreign-corpus.ts";
import { type JsonReport, Repository } from "./repository.ts";
import { fixtures } from "./support.ts";

const GRAPHS = [
  { name: "airline", branch: "master", documents: "web", corpus: airline },
  { name: "clinic", branch: "main", documents: "app", corpus: clinic },
  { name: "kitchen", branch: "trunk", documents: "client", corpus: kitchen },
] as const;

/** A clone, on a branch of its own. */
class Clone {
  private readonly repository: Repository;

  constructor(name: string, branch: string) {
    const root = join(fixtures, "foreign", name);
    const origin = new Repository({ root, paths: ["."] });
    origin.git("branch", "--quiet", "--move", branch);
    this.repository = new Repository({ root, paths: ["README.md"] });
    this.repository.git("clone", "--quiet", `file://${origin.folder}`, "clone");
    this.git("switch", "--quiet", "--create", "change");
  }

  git(...args: string[]): string {
    return this.repository.git("-C", "clone", ...args);
  }

  edit(edits: ForeignCase["edits"]): void {
    for (const [file, from, to] of edits) this.repository.replace(`clone/${file}`, from, to);
    this.git("commit", "--quiet", "--all", "-m", "A change");
    // The breaking commit is not the last one.
    this.git("commit", "--quiet", "--allow-empty", "-m", "Another change");
  }

  restore(branch: string): void {
    this.git("reset", "--quiet", "--hard", `origin/${branch}`);
  }

  async check(...args: string[]): Promise<JsonReport & { code: number }> {
    const words = ["check", "--format", "json", ...args];
    const { code, stdout, stderr } = await this.repository.below("clone", ...words);
    if (stdout === "") throw new Error(stderr);
    return { code, ...JSON.parse(stdout) };
  }

  write(file: string, text: string): string {
    return this.repository.write(file, text).path(file);
  }
}

const NO_LINT = `rules: { description: off, naming: off, edge-nullability: off, connection: off, mutation-payload: off, deprecation-reason: off }\n`;

test("there are sixty changes", () => {
  assert.ok(GRAPHS.flatMap(({ corpus }) => corpus).length >= 60);
});

for (const { name, branch, documents, corpus } of GRAPHS) {
  const clone = new Clone(name, branch);
  const rules = clone.write("rules.yaml", NO_LINT);

  test(`${name}: the unchanged graph passes, without any finding`, async () => {
    const { code, findings, operations } = await clone.check("--operations", documents);

    assert.deepEqual(findings, []);
    assert.equal(code, 0);
    assert.ok(operations >= 4, `${operations}`);
  });

  for (const each of corpus) {
    test(`${name}: ${each.name}`, async () => {
      try {
        clone.edit(each.edits);
        const report = await clone.check("--operations", documents, "--rules", rules);
        assert.match(report.against ?? "", new RegExp(`^origin/${branch} `));
        expect(each, report);
      } finally {
        clone.restore(branch);
      }
    });
  }
}

function expect(each: ForeignCase, { findings, code }: JsonReport & { code: number }): void {
  if (each.composition) {
    const kinds = findings
      .filter(({ section }) => section === "composition")
      .map(({ kind }) => kind);
    assert.ok(
      kinds.some((kind) => each.composition?.test(kind)),
      kinds.join(", "),
    );
  } else {
    assert.deepEqual(found(findings, each), sorted(each.changes ?? {}));
    const invalid = findings.filter(({ kind }) => kind === "INVALID_OPERATION");
    assert.deepEqual([...new Set(invalid.map(({ path }) => path))].sort(), each.invalid ?? []);
  }
  assert.equal(code, each.fails ? 1 : 0);
}

function found(findings: JsonReport["findings"], { changes = {} }: ForeignCase): unknown {
  const all = findings
    .filter(({ section }) => section === "changes" || section === "permissions")
    .map(({ kind, path, level, affected }) => ({
      id: `${kind} ${path}`,
      levelAndUsers: [level, ...affected.map(({ name }) => name).sort()],
    }))
    .filter(({ id, levelAndUsers }) => levelAndUsers[0] !== "safe" || id in changes);
  return sorted(Object.fromEntries(all.map(({ id, levelAndUsers }) => [id, levelAndUsers])));
}

const sorted = (changes: Record<string, unknown>): [string, unknown][] =>
  Object.entries(changes).sort(([a], [b]) => (a < b ? -1 : 1));

test("airline: in the folder of the graph itself, and with paths from the root of the repository", async () => {
  const clone = new Clone("airline", "master");
  clone.edit([["platform/graph/flights/schema.graphql", "  arrivesAt: DateTime\n", ""]]);

  const { findings } = await clone.check("--operations", "web");

  assert.deepEqual(
    findings.map(({ location }) => location?.file),
    ["platform/graph/flights/schema.graphql", "web/src/pages/SearchFlights.tsx"],
  );
});
