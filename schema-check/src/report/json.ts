// JSON for programs. report.schema.json documents the format, and tests validate against it.

import type { Operation } from "../operations.ts";
import { type Finding, isFailed, type Report } from "./report.ts";

export function json(report: Report): string {
  const value = {
    version: 1,
    verdict: report.couldNotRun ? "could-not-run" : isFailed(report) ? "failed" : "passed",
    against: report.against ?? null,
    operations: report.operations,
    findings: report.findings.map(finding),
    plans: report.plans.map(({ operation: of, before, after }) => ({
      operation: operation(of),
      before: before ?? null,
      after,
    })),
    skippedChecks: report.skippedChecks.map(({ text }) => text),
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Unknown values are omitted. */
function finding({ affected, approval, ...rest }: Finding) {
  return { ...rest, affected: affected.map(operation), approval };
}

function operation(of: Operation) {
  const { name, id, location, viewers, service, requests, clients, asOf } = of;
  const viewer = viewers?.map(({ name }) => name).join(", ");
  return { name, id, file: location.file, viewer, ...service, requests, clients, asOf };
}
