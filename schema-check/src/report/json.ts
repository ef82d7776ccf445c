// For programs. Its form is documented, and tested, in report.schema.json.

import { type Finding, isBroken, type Report } from "../check.ts";
import type { Operation } from "../operations.ts";

export function json(report: Report): string {
  const value = {
    version: 1,
    verdict: report.couldNotRun ? "could-not-run" : isBroken(report) ? "broken" : "clean",
    against: report.against ?? null,
    operations: report.operations,
    findings: report.findings.map(finding),
    plans: report.plans.map(({ operation: of, before, after }) => ({
      operation: operation(of),
      before: before ?? null,
      after,
    })),
    remarks: report.remarks.map(({ text }) => text),
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** What is not known is left out. */
function finding({ affected, approval, ...rest }: Finding) {
  return { ...rest, affected: affected.map(operation), approval };
}

function operation({ name, id, place, viewers, requests, asOf }: Operation) {
  const viewer = viewers?.map(({ name }) => name).join(", ");
  return { name, id, file: place.file, viewer, requests, asOf };
}
