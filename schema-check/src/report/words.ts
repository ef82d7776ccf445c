// What the formats for people have in common.

import { type Finding, isBroken, type Report, type Section, sections } from "../check.ts";
import type { Operation } from "../operations.ts";
import type { Plan } from "../plans.ts";

export const TITLES: Record<Section, string> = {
  run: "The check could not run",
  composition: "Composition",
  changes: "Changes of the schema",
  permissions: "Who may see what",
  operations: "Operations that the new schema refuses",
  plans: "Query plans",
  lint: "How it is written",
  approvals: "Approvals",
};

export function verdict(report: Report): string {
  if (report.couldNotRun) return "Could not run";
  if (isBroken(report)) return "Broken";
  return report.findings.some(({ severity }) => severity === "warning")
    ? "Clean, with warnings"
    : "Clean";
}

export function summary({ findings, operations, against, couldNotRun }: Report): string {
  const count = (severity: Finding["severity"]) =>
    findings.filter((finding) => finding.severity === severity).length;
  if (couldNotRun) return plural(count("error"), "error");
  const compared = against === undefined ? "compared with nothing" : `compared with ${against}`;
  return `${plural(count("error"), "error")}, ${plural(count("warning"), "warning")}, ${plural(count("note"), "note")}; ${plural(operations, "operation")}; ${compared}`;
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** The sections that have findings, in order. */
export function bySection(findings: readonly Finding[]): [Section, Finding[]][] {
  return sections
    .map((section): [Section, Finding[]] => [
      section,
      findings.filter((finding) => finding.section === section),
    ])
    .filter(([, found]) => found.length > 0);
}

export function placeOf({ place }: Finding): string | undefined {
  if (!place) return undefined;
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
}

/** Who uses it, for a finding of which that can be said. */
export function users(finding: Finding): string | undefined {
  if (finding.section !== "changes" && finding.section !== "permissions") return undefined;
  if (finding.level === "safe") return undefined;
  if (finding.affected.length === 0) return "no operation uses it";
  return `used by ${finding.affected.map(nameOf).join(", ")}`;
}

export function nameOf({ name, asOf, requests }: Operation): string {
  const remarks = [
    asOf && `as of ${asOf}`,
    requests !== undefined && plural(requests, "request"),
  ].filter(Boolean);
  return remarks.length > 0 ? `${name} (${remarks.join(", ")})` : name;
}

export function cost(plan: Plan | undefined): string {
  if (!plan) return "not known";
  return "error" in plan
    ? "none"
    : `${plural(plan.fetches, "fetch").replace("fetchs", "fetches")} in ${plural(plan.steps, "step")}, at most ${(plan.micros / 1000).toFixed(1)} ms of work`;
}

export function approvedBy({ approval }: Finding): string | undefined {
  return approval && `approved by ${approval.author} on ${approval.on}: ${approval.reason}`;
}
