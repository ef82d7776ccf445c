import type { Finding, Report } from "../check.ts";
import { type PlanComparison, riseOf } from "../plans.ts";
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

const SIGNS: Record<Finding["severity"], string> = { error: "✗", warning: "!", note: "·" };

export function terminal(report: Report): string {
  const blocks = bySection(report.findings).map(([section, findings]) =>
    [TITLES[section], ...findings.map(entry)].join("\n"),
  );
  const better = report.plans.filter((plan) => plan.before && isCheaper(plan));
  const plans = better.map(
    ({ operation, before, after }) => `  ${nameOf(operation)}: ${cost(after)}, was ${cost(before)}`,
  );
  if (plans.length > 0) blocks.push(["Plans that cost less", ...plans].join("\n"));
  if (report.remarks.length > 0) {
    blocks.push(["Remarks", ...report.remarks.map(({ text }) => `  ${text}`)].join("\n"));
  }
  return `${[...blocks, `${verdict(report)}: ${summary(report)}`].join("\n\n")}\n`;
}

/** What costs more is among the findings. */
function isCheaper(plan: PlanComparison): boolean {
  return riseOf(plan) === undefined && cost(plan.before) !== cost(plan.after);
}

function entry(finding: Finding): string {
  const head = [
    SIGNS[finding.severity],
    finding.level,
    finding.kind,
    finding.subgraph,
    finding.path,
  ];
  const lines = [
    `  ${head.filter(Boolean).join(" ")}: ${finding.message}`,
    ...[placeOf(finding), users(finding), approvedBy(finding), finding.hint]
      .filter((line) => line !== undefined)
      .map((line) => `      ${line}`),
  ];
  return lines.join("\n");
}
