import { describeCostIncrease, type PlanComparison } from "../plans.ts";
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

const SIGNS: Record<Finding["severity"], string> = { error: "✗", warning: "!", note: "·" };

export function terminal(report: Report): string {
  const blocks = bySection(report.findings).map(([section, findings]) =>
    [TITLES[section], ...findings.map(entry)].join("\n"),
  );
  const better = report.plans.filter((plan) => plan.before && isCheaper(plan));
  const plans = better.map(
    ({ operation, before, after }) =>
      `  ${operationLabel(operation)}: ${planCost(after)}, was ${planCost(before)}`,
  );
  if (plans.length > 0) blocks.push(["Plans that cost less", ...plans].join("\n"));
  if (report.skippedChecks.length > 0) {
    blocks.push(["Not checked", ...report.skippedChecks.map(({ text }) => `  ${text}`)].join("\n"));
  }
  return `${[...blocks, `${verdict(report)}: ${summary(report)}`].join("\n\n")}\n`;
}

/** Plans that cost more are among the findings. */
function isCheaper(plan: PlanComparison): boolean {
  return describeCostIncrease(plan) === undefined && planCost(plan.before) !== planCost(plan.after);
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
    ...[locationOf(finding), usedBy(finding), approvedBy(finding), finding.hint]
      .filter((line) => line !== undefined)
      .map((line) => `      ${line}`),
  ];
  return lines.join("\n");
}
