// GitHub workflow commands: shown as annotations at the lines of a pull request.

import { type FoldedFinding, folded, othersText } from "./folded.ts";
import { type Finding, isFailed, type Report } from "./report.ts";
import { approvedBy, summary, usedBy, verdict } from "./text.ts";

const COMMANDS: Record<Finding["severity"], string> = {
  error: "error",
  warning: "warning",
  note: "notice",
};

export function github(report: Report): string {
  const reported = report.findings.filter(({ level }) => level !== "safe");
  const command = isFailed(report) ? "error" : "notice";
  // GitHub shows ten annotations of each kind, so the summary comes first.
  return [
    `::${command} title=Schema check::${text(`${verdict(report)}: ${summary(report)}`)}`,
    ...folded(reported).map(annotation),
    ...report.skippedChecks.map((remark) => `::notice title=Schema check::${text(remark.text)}`),
    "",
  ].join("\n");
}

function annotation({ finding, others }: FoldedFinding): string {
  const { severity, location, kind, path } = finding;
  const properties = Object.entries({
    file: location?.file,
    line: location?.line,
    col: location?.column,
    title: [kind, path].filter(Boolean).join(" "),
  })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${property(`${value}`)}`);
  const { message, hint } = finding;
  const parts = [message, othersText(others), usedBy(finding), approvedBy(finding), hint];
  return `::${COMMANDS[severity]} ${properties.join(",")}::${text(parts.filter(Boolean).join("\n"))}`;
}

function text(value: string): string {
  return value.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(value: string): string {
  return text(value).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
