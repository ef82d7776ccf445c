// Texts that several report formats share.

import type { Operation } from "../operations.ts";
import type { Plan } from "../plans.ts";
import type { ClientUse } from "../traffic.ts";
import { type Finding, isFailed, type Report, type Section, sections } from "./report.ts";

export const TITLES: Record<Section, string> = {
  run: "The check could not run",
  composition: "Composition",
  changes: "Schema changes",
  permissions: "Access",
  operations: "Invalid operations",
  plans: "Query plans",
  lint: "Lint",
  approvals: "Approvals",
};

export function verdict(report: Report): string {
  if (report.couldNotRun) return "Could not run";
  if (isFailed(report)) return "Failed";
  return report.findings.some(({ severity }) => severity === "warning")
    ? "Passed with warnings"
    : "Passed";
}

export function summary({ findings, operations, against, couldNotRun }: Report): string {
  const count = (severity: Finding["severity"]) =>
    findings.filter((finding) => finding.severity === severity).length;
  if (couldNotRun) return plural(count("error"), "error");
  const compared = against === undefined ? "no baseline" : `compared with ${against}`;
  return `${plural(count("error"), "error")}, ${plural(count("warning"), "warning")}, ${plural(count("note"), "note")}; ${plural(operations, "operation")}; ${compared}`;
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** The sections with findings, in order. */
export function bySection(findings: readonly Finding[]): [Section, Finding[]][] {
  return sections
    .map((section): [Section, Finding[]] => [
      section,
      findings.filter((finding) => finding.section === section),
    ])
    .filter(([, found]) => found.length > 0);
}

export function locationOf({ location }: Finding): string | undefined {
  if (!location) return undefined;
  return [location.file, location.line, location.column]
    .filter((part) => part !== undefined)
    .join(":");
}

/** The operations that use what has changed; undefined for a finding without that information. */
export function usedBy(finding: Finding): string | undefined {
  if (finding.section !== "changes" && finding.section !== "permissions") return undefined;
  if (finding.affected.length === 0) {
    return finding.level === "safe" ? undefined : "no operation uses it";
  }
  return `used by ${finding.affected.map(operationLabel).join(", ")}`;
}

export function operationLabel({
  name,
  service,
  location,
  asOf,
  requests,
  clients = [],
}: Operation): string {
  const notes = [
    service && `sent by ${service.sender}: ${location.file}`,
    asOf && `as of ${asOf}`,
    requests !== undefined && clients.length === 0 && plural(requests, "request"),
    clients.length > 0 && `from ${clientsText(clients)}`,
  ].filter(Boolean);
  return notes.length > 0 ? `${name} (${notes.join(", ")})` : name;
}

export function planCost(plan: Plan | undefined): string {
  if (!plan) return "unknown";
  if ("error" in plan) return "none";
  const asked = `${plural(plan.fetches, "fetch").replace("fetchs", "fetches")} in ${plural(plan.steps, "step")}`;
  return plan.micros === undefined
    ? asked
    : `${asked}, at most ${(plan.micros / 1000).toFixed(1)} ms of work`;
}

export function approvedBy({ approval }: Finding): string | undefined {
  return approval && `approved by ${approval.author} on ${approval.on}: ${approval.reason}`;
}

/** The clients with the most requests. */
export function clientsText(clients: readonly ClientUse[]): string {
  const shown = clients
    .slice(0, MAX_CLIENTS)
    .map(({ client, version, requests }) =>
      [client || "an unnamed client", version, `(${plural(requests, "request")})`]
        .filter(Boolean)
        .join(" "),
    );
  const rest = clients.length > MAX_CLIENTS ? [`${clients.length - MAX_CLIENTS} more`] : [];
  return [...shown, ...rest].join(", ");
}

const MAX_CLIENTS = 3;
