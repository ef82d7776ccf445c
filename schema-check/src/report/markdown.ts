// Markdown for a comment on a pull request.

import { markdownCode, markdownText } from "./escape.ts";
import { folded, othersText } from "./folded.ts";
import type { Finding, Report } from "./report.ts";
import {
  approvedBy,
  bySection,
  locationOf,
  operationLabel,
  planCost,
  summary,
  TITLES,
  usedBy,
  verdict,
} from "./text.ts";

const SIGNS: Record<Finding["severity"], string> = { error: "❌", warning: "⚠️", note: "ℹ️" };

/** An invisible marker by which the workflow finds the comment of an earlier run. */
const MARKER = "<!-- lyceum-schema check -->";

export function markdown(report: Report): string {
  const reported = report.findings.filter(({ level }) => level !== "safe");
  const safe = report.findings.filter(({ level }) => level === "safe");
  const blocks = [
    `${MARKER}\n## Schema check: ${verdict(report)}`,
    `${summary(report)}.`,
    ...bySection(reported).map(([section, findings]) => table(TITLES[section], findings)),
    ...(safe.length > 0 ? [collapsible(`Safe changes (${safe.length})`, safeList(safe))] : []),
    ...(report.plans.length > 0 ? [collapsible("Plans of all operations", planTable(report))] : []),
    ...report.skippedChecks.map(({ text }) => `> ${markdownText(text)}`),
  ];
  return truncate(`${blocks.join("\n\n")}\n`);
}

/** The maximum length of a GitHub comment, in characters. */
const MAX_LENGTH = 65_536;
const TRUNCATED_NOTE = `> The report is truncated here: a comment is limited to ${MAX_LENGTH.toLocaleString("en")} characters. The other formats have the full report.`;

function truncate(text: string): string {
  if (text.length <= MAX_LENGTH) return text;
  const room = MAX_LENGTH - TRUNCATED_NOTE.length - 2 * DETAILS_END.length;
  // Cuts at the end of a line: half a row would break the table or leave markup open.
  const head = text.slice(0, text.lastIndexOf("\n", room));
  const isInDetails = head.lastIndexOf(DETAILS_START) > head.lastIndexOf(DETAILS_END);
  return `${head}${isInDetails ? DETAILS_END : ""}\n\n${TRUNCATED_NOTE}\n`;
}

function table(title: string, findings: readonly Finding[]): string {
  const rows = folded(findings).map(({ finding, others }) => {
    const what = [
      finding.message,
      othersText(others),
      finding.reason,
      approvedBy(finding),
      finding.hint,
    ]
      .filter((part) => part !== undefined)
      .map(markdownText);
    const who = usedBy(finding);
    const at = locationOf(finding);
    const cells = [
      `${SIGNS[finding.severity]} ${finding.level ?? finding.severity}`,
      markdownCode([finding.kind, finding.path].filter(Boolean).join(" ")),
      [what.join("<br>"), who && `**${markdownText(who)}**`, at && markdownCode(at)]
        .filter(Boolean)
        .join("<br>"),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [`### ${title}`, "", "| | change | |", "| --- | --- | --- |", ...rows].join("\n");
}

function safeList(findings: readonly Finding[]): string {
  return findings
    .map((finding) => {
      const parts = [finding.message, usedBy(finding)].filter((part) => part !== undefined);
      return `- ${markdownCode(finding.kind)} ${markdownText(parts.join(": "))}`;
    })
    .join("\n");
}

function planTable({ plans }: Report): string {
  const rows = plans.map(
    ({ operation, before, after }) =>
      `| ${markdownText(operationLabel(operation))} | ${planCost(before)} | ${planCost(after)} |`,
  );
  return ["| operation | before | now |", "| --- | --- | --- |", ...rows].join("\n");
}

const DETAILS_START = "<details>";
const DETAILS_END = "\n\n</details>";

function collapsible(title: string, body: string): string {
  return `${DETAILS_START}<summary>${title}</summary>\n\n${body}${DETAILS_END}`;
}
