// What a check has found: the input of every report format.

import type { Approval } from "../approvals.ts";
import type { Level } from "../changes.ts";
import type { Operation } from "../operations.ts";
import type { PlanComparison } from "../plans.ts";
import type { Location, Problem } from "../problem.ts";

export const sections = [
  "run",
  "composition",
  "changes",
  "permissions",
  "operations",
  "plans",
  "lint",
  "approvals",
] as const;
export type Section = (typeof sections)[number];
export type Severity = "error" | "warning" | "note";

export interface Finding {
  section: Section;
  severity: Severity;
  /** A kind of change such as `FIELD_REMOVED`, or the name of a lint rule. */
  kind: string;
  level?: Level;
  /** `Type.field` or the name of an operation. */
  path?: string;
  subgraph?: string;
  /** The contract whose clients alone notice the change. */
  contract?: string;
  message: string;
  reason?: string;
  /** What to do about it. */
  hint?: string;
  location?: Location;
  /** The operations that use it. */
  affected: readonly Operation[];
  approval?: Approval;
}

/** What was not checked, or only in part, and why. */
export interface SkippedCheck {
  text: string;
  /** The sections that were not checked at all. */
  skips: readonly Section[];
}

export const skipped = (text: string, ...skips: Section[]): SkippedCheck => ({ text, skips });

export interface Report {
  /** The check could not run: the findings say why, and nothing was checked. */
  couldNotRun?: boolean;
  /** The list of subgraphs, where it is known. */
  config?: string;
  /** The name of the baseline; undefined when there was none. */
  against?: string;
  findings: Finding[];
  skippedChecks: readonly SkippedCheck[];
  operations: number;
  plans: PlanComparison[];
}

export const isFailed = ({ findings }: Report): boolean =>
  findings.some(({ severity }) => severity === "error");

/** The report on a check that could not run. */
export function failedReport(problems: readonly Problem[]): Report {
  return {
    couldNotRun: true,
    findings: problems.map(
      ({ code, message, coordinate, subgraph, location }): Finding => ({
        section: "run",
        severity: "error",
        kind: code ?? "UNEXPECTED",
        path: coordinate,
        subgraph,
        message,
        location,
        affected: [],
      }),
    ),
    skippedChecks: [],
    operations: 0,
    plans: [],
  };
}
