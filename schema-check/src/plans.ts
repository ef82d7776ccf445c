// The query plans of operations, by a program: `lyceum`, or its planner alone.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Operation } from "./operations.ts";
import { CouldNotRun } from "./problem.ts";

/** The cost of a plan, or why the operation cannot be planned. Only `lyceum` knows how long subgraphs work. */
export type Plan = { fetches: number; steps: number; micros?: number } | { error: string };

/** Recalibrated cost weights differ slightly, so a small increase in work does not count. */
const WORK_TOLERANCE = 1.1;

export interface PlanComparison {
  operation: Operation;
  before?: Plan;
  after: Plan;
}

/** Of all operations together: some documents have more ways to be planned than there is time. */
const PLANNING_TIMEOUT_MS = 600_000;
const PROGRAMS = ["lyceum", "lyceum-planner"];

/**
 * The named program, or the first in PATH, which npm and npx extend by their own `node_modules/.bin`. Never one of the
 * checkout: that is what is checked, and may be a stranger's.
 */
export function findPlanner(named: string | undefined): string | undefined {
  const given = named || process.env.LYCEUM_PROGRAM;
  if (given) return given;
  const ending = process.platform === "win32" ? ".exe" : "";
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const paths = PROGRAMS.flatMap((name) => folders.map((folder) => join(folder, name + ending)));
  return paths.find(existsSync);
}

/** One plan for each operation, in order. */
export function planAll(
  program: string,
  supergraph: string,
  operations: readonly Operation[],
): Plan[] {
  const folder = mkdtempSync(join(tmpdir(), "lyceum-plans-"));
  try {
    const graph = join(folder, "supergraph.graphql");
    writeFileSync(graph, supergraph);
    const files = operations.map(({ text }, index) => {
      const file = join(folder, `${index}.graphql`);
      writeFileSync(file, text);
      return file;
    });
    return parsePlans(run(program, ["plan", "--supergraph", graph, ...files]), operations.length);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, args: string[]): string {
  try {
    return execFileSync(program, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: PLANNING_TIMEOUT_MS,
    });
  } catch (cause) {
    const stderr = (cause as { stderr?: string }).stderr?.trim() || String(cause);
    throw new CouldNotRun({ code: "PLANNER_FAILED", message: `${program} ${args[0]}: ${stderr}` });
  }
}

function parsePlans(text: string, count: number): Plan[] {
  const plans = parseList(text);
  if (plans?.length !== count) {
    throw new CouldNotRun({
      code: "PLANNER_FAILED",
      message: "the planner returned an unexpected result",
    });
  }
  return plans;
}

function parseList(text: string): Plan[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when the plan costs no more than before. */
export function describeCostIncrease({ before, after }: PlanComparison): string | undefined {
  if ("error" in after || !before || "error" in before) return undefined;
  const increases = [
    increase("fetches", before.fetches, after.fetches),
    increase("sequential steps", before.steps, after.steps),
    workIncrease(before.micros, after.micros),
  ].filter((text) => text !== undefined);
  return increases.length > 0 ? increases.join(", ") : undefined;
}

function workIncrease(before: number | undefined, after: number | undefined): string | undefined {
  if (before === undefined || after === undefined) return undefined;
  return after > before * WORK_TOLERANCE
    ? increase("microseconds of work", before, after)
    : undefined;
}

function increase(what: string, before: number, after: number): string | undefined {
  return after > before ? `${after} ${what} instead of ${before}` : undefined;
}
