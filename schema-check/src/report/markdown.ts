// For a comment on a pull request.

import type { Finding, Report } from "../check.ts";
import {
  approvedBy,
  bySection,
  cost,
  nameOf,
  placeOf,
  summary,
  TITLES,
  users,
  verdict,
} from "./words.ts";

const SIGNS: Record<Finding["severity"], string> = { error: "❌", warning: "⚠️", note: "ℹ️" };

/** By which the comment of a former run is found; nobody sees it. */
const MARK = "<!-- lyceum-schema check -->";

export function markdown(report: Report): string {
  const told = report.findings.filter(({ level }) => level !== "safe");
  const safe = report.findings.filter(({ level }) => level === "safe");
  const blocks = [
    `${MARK}\n## Schema check: ${verdict(report)}`,
    `${summary(report)}.`,
    ...bySection(told).map(([section, findings]) => table(TITLES[section], findings)),
    ...(safe.length > 0 ? [folded(`Safe changes (${safe.length})`, safeList(safe))] : []),
    ...(report.plans.length > 0 ? [folded("Plans of all operations", planTable(report))] : []),
    ...report.remarks.map(({ text }) => `> ${cellText(text)}`),
  ];
  return shortened(`${blocks.join("\n\n")}\n`);
}

/** As long as a comment on GitHub may be, in characters. */
const LONGEST = 65_536;
const CUT = `> The report is cut here: a comment may have ${LONGEST.toLocaleString("en")} characters. All of it is in the other formats.`;

function shortened(text: string): string {
  if (text.length <= LONGEST) return text;
  const room = LONGEST - CUT.length - 2 * FOLD_END.length;
  // No row is cut in two, which would end the table, or leave a mark open.
  const head = text.slice(0, text.lastIndexOf("\n", room));
  const isInFold = head.lastIndexOf(FOLD_START) > head.lastIndexOf(FOLD_END);
  return `${head}${isInFold ? FOLD_END : ""}\n\n${CUT}\n`;
}

function table(title: string, findings: readonly Finding[]): string {
  const rows = findings.map((finding) => {
    const what = [finding.message, finding.reason, approvedBy(finding), finding.hint]
      .filter((part) => part !== undefined)
      .map(cellText);
    const who = users(finding);
    const at = placeOf(finding);
    const cells = [
      `${SIGNS[finding.severity]} ${finding.level ?? finding.severity}`,
      code([finding.kind, finding.path].filter(Boolean).join(" ")),
      [what.join("<br>"), who && `**${cellText(who)}**`, at && code(at)]
        .filter(Boolean)
        .join("<br>"),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [`### ${title}`, "", "| | what | |", "| --- | --- | --- |", ...rows].join("\n");
}

function safeList(findings: readonly Finding[]): string {
  return findings.map(({ kind, message }) => `- ${code(kind)} ${cellText(message)}`).join("\n");
}

function planTable({ plans }: Report): string {
  const rows = plans.map(
    ({ operation, before, after }) =>
      `| ${cellText(nameOf(operation))} | ${cost(before)} | ${cost(after)} |`,
  );
  return ["| operation | before | now |", "| --- | --- | --- |", ...rows].join("\n");
}

const FOLD_START = "<details>";
const FOLD_END = "\n\n</details>";

function folded(title: string, body: string): string {
  return `${FOLD_START}<summary>${title}</summary>\n\n${body}${FOLD_END}`;
}

/** Nothing of a schema or of a message can end a cell or make markup. */
function cellText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/[\\`*_[\]|~]/g, "\\$&")
    .replaceAll("@", "&#64;")
    .replaceAll(/\s+/g, " ");
}

function code(text: string): string {
  return `\`${text.replaceAll("`", "'").replaceAll("|", "\\|")}\``;
}
