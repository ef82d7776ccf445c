// How the router would answer each operation: the planner is in the `lyceum` binary.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Operation } from "./operations.ts";
import { CouldNotRun } from "./problem.ts";

/** Its cost, or why there is none. */
export type Plan = { fetches: number; steps: number; micros: number } | { error: string };

/** Weights that were learnt again differ a little. */
const DEARER = 1.1;

export interface PlanComparison {
  operation: Operation;
  before?: Plan;
  after: Plan;
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
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim() || String(cause);
    throw new CouldNotRun({ code: "PLANNER_FAILED", message: `${program} ${args[0]}: ${said}` });
  }
}

function parsePlans(text: string, count: number): Plan[] {
  const plans = asList(text);
  if (plans?.length !== count) {
    throw new CouldNotRun({
      code: "PLANNER_FAILED",
      message: "the planner answers something else",
    });
  }
  return plans;
}

function asList(text: string): Plan[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** What is worse than before, in words; nothing, when nothing is. */
export function riseOf({ before, after }: PlanComparison): string | undefined {
  if ("error" in after || !before || "error" in before) return undefined;
  const rises = [
    rise("fetches", before.fetches, after.fetches),
    rise("sequential steps", before.steps, after.steps),
    after.micros > before.micros * DEARER
      ? rise("microseconds of work", before.micros, after.micros)
      : undefined,
  ].filter((text) => text !== undefined);
  return rises.length > 0 ? rises.join(", ") : undefined;
}

function rise(what: string, before: number, after: number): string | undefined {
  return after > before ? `${after} ${what} instead of ${before}` : undefined;
}
