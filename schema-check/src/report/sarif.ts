// SARIF 2.1.0, for code-scanning pages and editors.

import type { Log, ReportingDescriptor, Result } from "sarif";
import { version } from "../version.ts";
import { kindText } from "./kinds.ts";
import type { Finding, Report, Section } from "./report.ts";
import { approvedBy, usedBy } from "./text.ts";

export function sarif(report: Report): string {
  const reported = report.findings.filter(({ level }) => level !== "safe");
  const sections = new Map(reported.map(({ kind, section }) => [kind, section]));
  const kinds = [...sections.keys()].sort();
  const file = report.config ?? DEFAULT_FILE;
  const log: Log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "lyceum-schema",
            version: version(),
            rules: kinds.map((kind) => descriptor(kind, sections.get(kind) ?? "run")),
          },
        },
        invocations: [
          {
            executionSuccessful: !report.couldNotRun,
            toolExecutionNotifications: report.skippedChecks.map(({ text }) => ({
              level: "note",
              message: { text },
            })),
          },
        ],
        results: reported.map((finding) => result(finding, kinds.indexOf(finding.kind), file)),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

/** GitHub refuses a result without a location: what is nowhere else is at the list of subgraphs. */
const DEFAULT_FILE = "supergraph.yaml";

function descriptor(kind: string, section: Section): ReportingDescriptor {
  const { description, help } = kindText(kind, section);
  return {
    id: kind,
    shortDescription: { text: description },
    fullDescription: { text: description },
    help: { text: help, markdown: help },
  };
}

function result(finding: Finding, ruleIndex: number, file: string): Result {
  const { severity, kind, path, location = { file }, message, approval, hint } = finding;
  const parts = [message, usedBy(finding), approvedBy(finding), hint].filter(Boolean);
  return {
    ruleId: kind,
    ruleIndex,
    level: severity,
    message: { text: [path, parts.join(". ")].filter(Boolean).join(": ") },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(location.file) },
          region: { startLine: location.line ?? 1, startColumn: location.column },
        },
        logicalLocations: path === undefined ? undefined : [{ fullyQualifiedName: path }],
      },
    ],
    suppressions: approval && [{ kind: "external", justification: approval.reason }],
  };
}

function uriOf(file: string): string {
  if (/^https?:/.test(file)) return file;
  const path = encodeURI(file.replaceAll("\\", "/")).replaceAll("#", "%23").replaceAll("?", "%3F");
  return path.startsWith("/") ? `file://${path}` : path;
}
