// SARIF 2.1.0, for code-scanning pages and editors.

import type { Log, ReportingDescriptor, Result } from "sarif";
import type { Finding, Report } from "./report.ts";
import { approvedBy, usedBy } from "./text.ts";

export function sarif(report: Report): string {
  const reported = report.findings.filter(({ level }) => level !== "safe");
  const kinds = [...new Set(reported.map(({ kind }) => kind))].sort();
  const log: Log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "lyceum-schema", rules: kinds.map(descriptor) } },
        invocations: [
          {
            executionSuccessful: !report.couldNotRun,
            toolExecutionNotifications: report.skippedChecks.map(({ text }) => ({
              level: "note",
              message: { text },
            })),
          },
        ],
        results: reported.map((finding) => result(finding, kinds.indexOf(finding.kind))),
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
  const { severity, kind, path, location, message, approval, hint } = finding;
  const parts = [message, usedBy(finding), approvedBy(finding), hint].filter(Boolean);
  return {
    ruleId: kind,
    ruleIndex,
    level: severity,
    message: { text: [path, parts.join(". ")].filter(Boolean).join(": ") },
    locations: location && [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(location.file.replaceAll("\\", "/")) },
          region:
            location.line === undefined
              ? undefined
              : { startLine: location.line, startColumn: location.column },
        },
        logicalLocations: path === undefined ? undefined : [{ fullyQualifiedName: path }],
      },
    ],
    suppressions: approval && [{ kind: "external", justification: approval.reason }],
  };
}
