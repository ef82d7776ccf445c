import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, test } from "node:test";
import { planFindings } from "../src/check.ts";
import type { Operation } from "../src/operations.ts";
import { describeCostIncrease, findPlanner, type Plan } from "../src/plans.ts";
import { defaultRules } from "../src/rules.ts";

const operation = { name: "Home", location: { file: "Home.graphql", line: 1 } } as Operation;
const costIncrease = (before: Plan | undefined, after: Plan) =>
  describeCostIncrease({ operation, before, after });

test("more fetches or sequential steps are a cost increase; fewer are not", () => {
  const plan = { fetches: 3, steps: 2, micros: 1000 };

  assert.equal(costIncrease(plan, { ...plan, fetches: 4 }), "4 fetches instead of 3");
  assert.equal(costIncrease(plan, { ...plan, steps: 3 }), "3 sequential steps instead of 2");
  assert.equal(
    costIncrease(plan, { ...plan, micros: 1200 }),
    "1200 microseconds of work instead of 1000",
  );
  assert.equal(
    costIncrease(plan, { ...plan, micros: 1050 }),
    undefined,
    "weights that were learnt again",
  );
  assert.match(costIncrease(plan, { ...plan, fetches: 5, steps: 3 }) ?? "", /fetches.*steps/);
  for (const after of [plan, { ...plan, fetches: 2 }, { ...plan, steps: 1 }]) {
    assert.equal(costIncrease(plan, after), undefined);
  }
  assert.equal(costIncrease(undefined, plan), undefined);
  assert.equal(costIncrease({ error: "no way" }, plan), undefined);
});

test("an operation that the router cannot plan fails the check", () => {
  const [finding] = planFindings([{ operation, after: { error: "no way" } }], defaultRules());

  assert.equal(finding?.severity, "error");
  assert.equal(finding?.kind, "UNPLANNABLE");
  assert.match(finding?.message ?? "", /no way/);
});

test("an operation with 0 requests that the router cannot plan is a warning", () => {
  const idle = { ...operation, requests: 0 };

  const [finding] = planFindings([{ operation: idle, after: { error: "no way" } }], defaultRules());

  assert.equal(finding?.severity, "warning");
});

test("an operation that could not be planned before either is a problem of the baseline", () => {
  const failed = { error: "no way" };

  const [finding] = planFindings([{ operation, before: failed, after: failed }], defaultRules());

  assert.equal(finding?.severity, "warning");
  assert.equal(finding?.kind, "UNPLANNABLE_BASELINE");
  assert.equal(finding?.level, undefined);
  assert.match(finding?.message ?? "", /could not plan it in the baseline either: no way/);
});

test("a planner that does not know how long subgraphs work is compared by the rest", () => {
  const plan = { fetches: 3, steps: 2 };

  assert.equal(costIncrease(plan, { ...plan, fetches: 4 }), "4 fetches instead of 3");
  assert.equal(costIncrease(plan, plan), undefined);
  assert.equal(costIncrease(plan, { ...plan, micros: 1000 }), undefined);
  assert.equal(costIncrease({ ...plan, micros: 1000 }, plan), undefined);
});

test("a planner is found by its name and in PATH, and never in what is checked", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lyceum-planner-")));
  const { PATH, LYCEUM_PROGRAM } = process.env;
  const elsewhere = process.cwd();
  after(() => rmSync(folder, { recursive: true, force: true }));
  const program = (path: string) => {
    const file = join(folder, process.platform === "win32" ? `${path}.exe` : path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
    return file;
  };
  try {
    mkdirSync(join(folder, "packages/graph"), { recursive: true });
    process.chdir(join(folder, "packages/graph"));
    delete process.env.LYCEUM_PROGRAM;
    process.env.PATH = ["one", "", "two"].map((name) => name && join(folder, name)).join(delimiter);
    assert.equal(findPlanner(undefined), undefined);

    program("node_modules/.bin/lyceum-planner");
    program("packages/graph/lyceum");
    assert.equal(findPlanner(undefined), undefined);
    const alone = program("two/lyceum-planner");
    assert.equal(findPlanner(undefined), alone);
    const whole = program("two/lyceum");
    assert.equal(findPlanner(undefined), whole, "which knows more");
    process.env.LYCEUM_PROGRAM = alone;
    assert.equal(findPlanner(""), alone);
    assert.equal(findPlanner("other"), "other");
  } finally {
    process.chdir(elsewhere);
    Object.assign(process.env, { PATH, LYCEUM_PROGRAM });
    if (LYCEUM_PROGRAM === undefined) delete process.env.LYCEUM_PROGRAM;
  }
});
