import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeType } from "@graphql-inspector/core";
import { type Case, corpus } from "./corpus.ts";
import { type JsonReport, Repository } from "./repository.ts";

const repository = new Repository();

test("the unchanged graph passes", async () => {
  const { code, findings } = await repository.report("--against", "HEAD");

  assert.deepEqual(findings, []);
  assert.equal(code, 0);
});

test("there are at least sixty single changes", () => {
  assert.ok(corpus.length >= 60);
  assert.equal(new Set(corpus.map(({ name }) => name)).size, corpus.length);
});

/** Kinds that are not in the corpus, and why. */
const ELSEWHERE: [RegExp, string][] = [
  [/^DIRECTIVE_USAGE_/, "no client sees what carries a directive"],
  [
    /_(DESCRIPTION|DEPRECATION_REASON)_(ADDED|CHANGED|REMOVED)$/,
    "words for people, all like others",
  ],
  [/^DIRECTIVE_REPEATABLE_ADDED$/, "valid documents stay valid"],
  [/^SCHEMA_QUERY_TYPE_CHANGED$/, "a supergraph has it under one name"],
];

test("every kind of change that the inspector knows is in the corpus, except for those that break no client", () => {
  const covered = new Set(corpus.flatMap(({ changes = {} }) => Object.keys(changes)));
  const kinds = new Set([...covered].map((id) => id.split(" ")[0]));
  const missing = Object.values(ChangeType).filter(
    (kind) => !kinds.has(kind) && !ELSEWHERE.some(([pattern]) => pattern.test(kind)),
  );

  assert.deepEqual(missing, []);
});

for (const each of corpus) {
  test(each.name, async () => {
    try {
      for (const [file, from, to] of each.edits) repository.replace(file, from, to);
      expect(each, await repository.report("--against", "HEAD"));
    } finally {
      repository.restore();
    }
  });
}

function expect(each: Case, report: JsonReport & { code: number }): void {
  if (each.compositionError) {
    const kinds = report.findings.map(({ section, kind }) => `${section} ${kind}`);
    assert.ok(
      kinds.some(
        (kind) => kind.startsWith("composition ") && each.compositionError?.test(kind.slice(12)),
      ),
      kinds.join(", "),
    );
  } else {
    assert.deepEqual(found(report, each.changes ?? {}), sorted(each.changes ?? {}));
    assert.deepEqual(invalid(report), each.invalid ?? []);
  }
  assert.equal(report.code, each.exit);
}

type Changes = NonNullable<Case["changes"]>;

/** All breaking and dangerous changes, and the safe ones that are expected. */
function found({ findings }: JsonReport, expected: Changes): unknown {
  const changes = findings
    .filter(({ section }) => section === "changes" || section === "permissions")
    .map(({ kind, path, level, affected }) => ({
      id: `${kind} ${path}`,
      levelAndUsers: [level, ...affected.map(({ name }) => name).sort()],
    }))
    .filter(({ id, levelAndUsers }) => levelAndUsers[0] !== "safe" || id in expected);
  return sorted(Object.fromEntries(changes.map(({ id, levelAndUsers }) => [id, levelAndUsers])));
}

function sorted(changes: object): [string, unknown][] {
  return Object.entries(changes).sort(([a], [b]) => (a < b ? -1 : 1));
}

function invalid({ findings }: JsonReport): string[] {
  const names = findings
    .filter(({ kind }) => kind === "INVALID_OPERATION")
    .map(({ path }) => path ?? "");
  return [...new Set(names)].sort();
}
