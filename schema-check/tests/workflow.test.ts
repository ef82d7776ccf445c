// .github/workflows/schema.yml: which runs are cancelled, and the step that writes the comment, with a fake `gh`
// that records its calls.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";

const WORKFLOW = join(import.meta.dirname, "..", "..", ".github", "workflows", "schema.yml");
const MARK = "<!-- lyceum-schema check -->";
const BOT = "github-actions[bot]";
// It filters comments with jq, as the real one does.
const GH = `#!/usr/bin/env bash
if [[ " $* " == *" --paginate "* ]]; then
  while [ "$1" != --jq ]; do shift; done
  jq -r "$2" comments.json
else
  echo "$*" >> asked
fi
`;

const skip = spawnSync("jq", ["--version"]).error ? "there is no jq here" : false;

interface Comment {
  id: number;
  user: { login: string };
  body: string;
}

/** The recorded call that writes the comment, for a pull request with these comments. */
function asked(comments: Comment[]): string {
  const folder = mkdtempSync(join(tmpdir(), "lyceum-workflow-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "schema-report"));
  writeFileSync(join(folder, "schema-report", "report.md"), `${MARK}\n## Schema check: Passed\n`);
  writeFileSync(join(folder, "comments.json"), JSON.stringify(comments));
  writeFileSync(join(folder, "gh"), GH);
  chmodSync(join(folder, "gh"), 0o755);

  execFileSync("bash", ["-euo", "pipefail", "-c", script()], {
    cwd: folder,
    env: {
      PATH: `${folder}:${process.env.PATH}`,
      GITHUB_REPOSITORY: "lyceum/lyceum",
      NUMBER: "7",
    },
  });
  return readFileSync(join(folder, "asked"), "utf8");
}

const workflow = parse(readFileSync(WORKFLOW, "utf8"));

function script(): string {
  const steps: { name?: string; run: string }[] = workflow.jobs.check.steps;
  return steps.find(({ name }) => name === "Comment")?.run ?? "";
}

test("the first report is a new comment", { skip }, () => {
  const others = [
    { id: 1, user: { login: "ada" }, body: `${MARK}\nI have copied this.` },
    { id: 2, user: { login: BOT }, body: "Another workflow's." },
    { id: 3, user: { login: BOT }, body: `It quotes ${MARK}` },
  ];

  const written =
    "api --method POST repos/lyceum/lyceum/issues/7/comments --field body=@schema-report/report.md";
  assert.equal(asked(others).trim(), written);
  assert.equal(asked([]).trim(), written);
});

test("the next report replaces it, whatever was written since", { skip }, () => {
  const comments = [
    { id: 4, user: { login: BOT }, body: `${MARK}\n## Schema check: Failed` },
    { id: 5, user: { login: BOT }, body: "Another workflow's." },
  ];

  assert.match(asked(comments), /^api --method PATCH repos\/lyceum\/lyceum\/issues\/comments\/4 /);
});

/** Evaluates the few GitHub expressions that the workflow uses. */
function evaluated(text: string, github: object): string {
  const format = (pattern: string, value: string) => pattern.replace("{0}", value);
  return text.replaceAll(/\$\{\{ (.*?) \}\}/g, (_, expression: string) =>
    // A property of nothing is nothing there.
    new Function("github", "format", `return ${expression.replaceAll(/(?<=\w)\.(?=\w)/g, "?.")}`)(
      github,
      format,
    ),
  );
}

/** The concurrency group of a run. */
function group(github: { event_name: string; ref: string; sha: string }): string {
  return evaluated(workflow.concurrency.group, github);
}

test("a push to a pull request cancels the previous run; a push to the main branch does not", () => {
  const push = (sha: string) => group({ event_name: "push", ref: "refs/heads/main", sha });
  const request = (sha: string) =>
    group({ event_name: "pull_request", ref: "refs/pull/7/merge", sha });

  assert.notEqual(push("a1"), push("b2"));
  assert.equal(request("a1"), request("b2"));
  assert.equal(workflow.concurrency["cancel-in-progress"], true);
});

test("a pull request, a group of the merge queue and a push are compared with where they began", () => {
  const steps: { name?: string; env?: { BASE: string } }[] = workflow.jobs.check.steps;
  const { BASE = "" } = steps.find(({ name }) => name === "Check")?.env ?? {};

  assert.equal(evaluated(BASE, { base_ref: "main", event: {} }), "origin/main");
  assert.equal(evaluated(BASE, { base_ref: "", event: { merge_group: { base_sha: "a1" } } }), "a1");
  assert.equal(evaluated(BASE, { base_ref: "", event: { before: "b2" } }), "b2");
});

test("both workflows run in the merge queue", () => {
  const folder = join(WORKFLOW, "..");
  for (const name of ["ci.yml", "schema.yml"]) {
    const { on } = parse(readFileSync(join(folder, name), "utf8"));
    assert.deepEqual(Object.keys(on), ["pull_request", "merge_group", "push"], name);
  }
});
