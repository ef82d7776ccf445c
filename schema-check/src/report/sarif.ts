// SARIF 2.1.0, for code-scanning pages and editors.

import type { Log, ReportingDescriptor, Result } from "sarif";
import type { Finding, Report } from "../check.ts";
import { approvedBy, users } from "./words.ts";

export function sarif(report: Report): string {
  const told = report.findings.filter(({ level }) => level !== "safe");
  const kinds = [...new Set(told.map(({ kind }) => kind))].sort();
  const log: Log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "lyceum-schema", rules: kinds.map(descriptor) } },
        invocations: [
          {
            executionSuccessful: !report.couldNotRun,
            toolExecutionNotifications: report.remarks.map(({ text }) => ({
              level: "note",
              message: { text },
            })),
          },
        ],
        results: told.map((finding) => result(finding, kinds.indexOf(finding.kind))),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function descriptor(kind: string): ReportingDescriptor {
  const words = kind.toLowerCase().replaceAll(/[_-]/g, " ");
  return { id: kind, shortDescription: { text: words } };
}

function result(finding: Finding, ruleIndex: number): Result {
  const { severity, kind, path, place, message, approval, hint } = finding;
  const parts = [message, users(finding), approvedBy(finding), hint].filter(Boolean);
  return {
    ruleId: kind,
    ruleIndex,
    level: severity,
    message: { text: [path, parts.join(". ")].filter(Boolean).join(": ") },
    locations: place && [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(place.file.replaceAll("\\", "/")) },
          region:
            place.line === undefined
              ? undefined
              : { startLine: place.line, startColumn: place.column },
        },
        logicalLocations: path === undefined ? undefined : [{ fullyQualifiedName: path }],
      },
    ],
    suppressions: approval && [{ kind: "external", justification: approval.reason }],
  };
}
