import { describeCostIncrease, type PlanComparison } from "../plans.ts";
import { type FoldedFinding, folded, othersText } from "./folded.ts";
import { type Finding, isFailed, type Report } from "./report.ts";
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

export interface TerminalStyle {
  /** Whether the terminal shows colours. */
  colors?: boolean;
}

export function terminal(report: Report, { colors = false }: TerminalStyle = {}): string {
  const paint = colors ? painted : plain;
  const blocks = bySection(report.findings).map(([section, findings]) =>
    [
      paint(TITLES[section], "bold"),
      ...folded(findings).map((finding) => entry(finding, paint)),
    ].join("\n"),
  );
  const better = report.plans.filter((plan) => plan.before && isCheaper(plan));
  const plans = better.map(
    ({ operation, before, after }) =>
      `  ${operationLabel(operation)}: ${planCost(after)}, was ${planCost(before)}`,
  );
  if (plans.length > 0) blocks.push([paint("Plans that cost less", "bold"), ...plans].join("\n"));
  if (report.skippedChecks.length > 0) {
    const texts = report.skippedChecks.map(({ text }) => `  ${text}`);
    blocks.push([paint("Not checked", "bold"), ...texts].join("\n"));
  }
  const outcome = isFailed(report) ? "error" : hasWarnings(report) ? "warning" : "passed";
  return `${[...blocks, `${paint(verdict(report), outcome)}: ${summary(report)}`].join("\n\n")}\n`;
}

const hasWarnings = ({ findings }: Report): boolean =>
  findings.some(({ severity }) => severity === "warning");

type Style = Finding["severity"] | "bold" | "passed";

const CODES: Record<Style, number> = { error: 31, warning: 33, note: 2, bold: 1, passed: 32 };

const plain = (text: string): string => text;

const painted = (text: string, style: Style): string => `\u001b[${CODES[style]}m${text}\u001b[0m`;

/** Plans that cost more are among the findings. */
function isCheaper(plan: PlanComparison): boolean {
  return describeCostIncrease(plan) === undefined && planCost(plan.before) !== planCost(plan.after);
}

function entry(
  { finding, others }: FoldedFinding,
  paint: (text: string, style: Style) => string,
): string {
  const { severity, level, kind, subgraph, path } = finding;
  const sign = paint([SIGNS[severity], level].filter(Boolean).join(" "), severity);
  const head = [sign, kind, subgraph, path].filter(Boolean).join(" ");
  const lines = [
    `  ${head}: ${finding.message}`,
    ...[locationOf(finding), othersText(others), usedBy(finding), approvedBy(finding), finding.hint]
      .filter((line) => line !== undefined)
      .map((line) => `      ${line}`),
  ];
  return lines.join("\n");
}
