// Workflow commands: GitHub shows each at its line of the pull request.

import { type Finding, isBroken, type Report } from "../check.ts";
import { approvedBy, summary, users, verdict } from "./words.ts";

const COMMANDS: Record<Finding["severity"], string> = {
  error: "error",
  warning: "warning",
  note: "notice",
};

export function github(report: Report): string {
  const told = report.findings.filter(({ level }) => level !== "safe");
  const command = isBroken(report) ? "error" : "notice";
  return [
    ...told.map(annotation),
    ...report.remarks.map((remark) => `::notice title=Schema check::${text(remark.text)}`),
    `::${command} title=Schema check::${text(`${verdict(report)}: ${summary(report)}`)}`,
    "",
  ].join("\n");
}

function annotation(finding: Finding): string {
  const { severity, place, kind, path } = finding;
  const properties = Object.entries({
    file: place?.file,
    line: place?.line,
    col: place?.column,
    title: [kind, path].filter(Boolean).join(" "),
  })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${property(`${value}`)}`);
  const { message, hint } = finding;
  const body = [message, users(finding), approvedBy(finding), hint].filter(Boolean).join("\n");
  return `::${COMMANDS[severity]} ${properties.join(",")}::${text(body)}`;
}

function text(value: string): string {
  return value.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(value: string): string {
  return text(value).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
