import { parseArgs } from "node:util";
import { type CheckInput, evaluate, isLinted } from "../check.ts";
import { type Command, type Output, parseOptions } from "../command.ts";
import {
  type Comparison,
  type ComparisonOptions,
  comparisonOptions,
  loadComparison,
} from "../comparison.ts";
import { type CrossComposition, composeWithApollo, isApolloInstalled } from "../cross-check.ts";
import { seenByOneComposer } from "../federation-version.ts";
import { writeText } from "../files.ts";
import { folderOf, pathInside, repositoryRoot } from "../git.ts";
import { findConfig } from "../places.ts";
import { findPlanner, type Plan, planAll } from "../plans.ts";
import { CouldNotRun, exitCode, type Problem, problemsOf } from "../problem.ts";
import { type FormatName, formats, isFormat } from "../report/formats.ts";
import { failedReport, isFailed, type Report, skipped } from "../report/report.ts";
import { rooted } from "../report/rooted.ts";
import { isLintScope, lintScopes, type Rules } from "../rules.ts";
import { loadRules } from "../rules-file.ts";
import type { Subgraph } from "../subgraphs.ts";

export const checkCommand: Command = {
  async run(args, output) {
    try {
      const { rules, lint, lyceum, format, write, ...where } = parseOptions(args, spec);
      const targets = parseTargets(format, write);
      const settings = withLint(loadRules(rules, findConfig(where.config)), lint);
      const report = await check(where, settings, findPlanner(lyceum));
      writeReport(report, targets, output);
      return isFailed(report) ? exitCode.failed : exitCode.passed;
    } catch (cause) {
      // The caller logs the error; machine-readable output and report files need it as well.
      writeFailureReport(problemsOf(cause), args, output);
      throw cause;
    }
  },
};

const spec = {
  ...comparisonOptions,
  rules: { type: "string" },
  lint: { type: "string" },
  lyceum: { type: "string" },
  format: { type: "string", default: "terminal" },
  write: { type: "string", multiple: true, default: [] as string[] },
} as const;

async function check(
  where: ComparisonOptions,
  rules: Rules,
  program: string | undefined,
): Promise<Report> {
  const today = new Date().toISOString().slice(0, 10);
  // Composition by the second composer takes as long as all the rest, and runs beside it.
  let crossComposition: CrossCheck | undefined;
  const comparison = await loadComparison(where, (subgraphs) => {
    crossComposition = startCrossCheck(subgraphs, rules, today);
  });
  if (!isLinted({ rules, baseline: comparison.baseline })) {
    const text =
      "Lint looks at what a change adds, and there is no baseline: `--lint all` looks at all.";
    comparison.skippedChecks.push(skipped(text, "lint"));
  }
  const report = evaluate({
    comparison,
    rules,
    crossComposition: await finishCrossCheck(comparison, crossComposition),
    plan: planner(comparison, program),
    today,
    approvalsFile: comparison.approvalsFile,
  });
  return { ...report, config: comparison.config };
}

interface Targets {
  files: { file: string; name: FormatName }[];
  printed: FormatName;
}

function parseTargets(format: string, write: readonly string[]): Targets {
  return { files: write.map(parseTarget), printed: parseFormat(format) };
}

function writeReport(report: Report, { files, printed }: Targets, output: Output): void {
  const elsewhere = fromRoot(report);
  for (const { file, name } of files) {
    output.log(`${name}: ${writeText(file, formats[name](elsewhere))}`);
  }
  // Last, so that nothing is printed twice when a file cannot be written.
  const isTerminal = printed === "terminal";
  output.print(formats[printed](isTerminal ? report : elsewhere, { colors: output.colors }));
}

/** Other programs read paths from the root of the repository; a terminal shows them from where one is. */
function fromRoot(report: Report): Report {
  const root = repositoryRoot(folderOf(report.config ?? "."));
  return root === undefined ? report : rooted(report, (file) => pathInside(root, file));
}

/** Best effort, since the options themselves may be invalid. The terminal has the message already. */
function writeFailureReport(problems: readonly Problem[], args: string[], output: Output): void {
  const { values } = parseArgs({ args, options: spec, strict: false, allowPositionals: true });
  const config = typeof values.config === "string" ? values.config : undefined;
  const report = fromRoot({ ...failedReport(problems), config });
  const written = [values.write].flat().filter((target) => typeof target === "string");
  for (const target of written) {
    try {
      const { file, name } = parseTarget(target);
      output.log(`${name}: ${writeText(file, formats[name](report))}`);
    } catch (cause) {
      if (!(cause instanceof CouldNotRun)) throw cause;
    }
  }
  const format = typeof values.format === "string" ? values.format : "";
  if (isFormat(format) && format !== "terminal") output.print(formats[format](report));
}

function parseTarget(text: string): { file: string; name: FormatName } {
  const [name = "", ...rest] = text.split("=");
  const file = rest.join("=");
  if (file === "") {
    throw new CouldNotRun({ code: "USAGE", message: `--write takes NAME=FILE, not "${text}"` });
  }
  return { file, name: parseFormat(name) };
}

function parseFormat(name: string): FormatName {
  if (isFormat(name)) return name;
  const message = `unknown format "${name}": expected one of ${Object.keys(formats).join(", ")}`;
  throw new CouldNotRun({ code: "USAGE", message });
}

function withLint(rules: Rules, lint: string | undefined): Rules {
  if (lint === undefined) return rules;
  if (isLintScope(lint)) return { ...rules, lint };
  const message = `--lint takes ${lintScopes.join(" or ")}, not "${lint}"`;
  throw new CouldNotRun({ code: "USAGE", message });
}

interface CrossCheck {
  result?: Promise<CrossComposition>;
  /** What is not cross-checked. */
  note?: string;
}

/** Composes with @apollo/composition, if it is installed and not switched off. */
function startCrossCheck(
  subgraphs: readonly Subgraph[],
  { skipCrossCheck }: Rules,
  today: string,
): CrossCheck {
  if (skipCrossCheck && skipCrossCheck.until >= today) {
    const { until, reason } = skipCrossCheck;
    return { note: `Composition is not cross-checked until ${until}, by the rules: ${reason}` };
  }
  if (!isApolloInstalled()) {
    return {
      note: "Composition was not cross-checked: @apollo/composition is not installed (`npm install --save-dev @apollo/composition`).",
    };
  }
  const unseen = seenByOneComposer(subgraphs);
  const result = composeWithApollo(subgraphs);
  // It is awaited only if the first composer succeeds.
  result.catch(() => {});
  return {
    result,
    note: unseen.length > 0 ? `Not cross-checked: ${unseen.join("; ")}.` : undefined,
  };
}

async function finishCrossCheck(
  { graph, skippedChecks }: Comparison,
  { result, note }: CrossCheck = {},
): Promise<CrossComposition | undefined> {
  if (!graph.composes) return undefined;
  if (note !== undefined) skippedChecks.push(skipped(note));
  return result;
}

/** Plans the operations before and after the change, if there is a program that does. */
function planner(
  { baseline, graph, skippedChecks }: Comparison,
  program: string | undefined,
): CheckInput["plan"] {
  if (!graph.composes) return undefined;
  if (program === undefined) {
    skippedChecks.push(
      skipped(
        "Query plans were not compared: no `lyceum` or `lyceum-planner` was found (--lyceum, LYCEUM_PROGRAM).",
        "plans",
      ),
    );
    return undefined;
  }
  if (baseline && !baseline.supergraph) {
    skippedChecks.push(
      skipped(`Query plans were not compared: ${baseline.name} is not a supergraph.`),
    );
  }
  const former = baseline?.supergraph;
  return (operations) => {
    const before = former ? planAll(program, former, operations) : [];
    const after = planAll(program, graph.supergraph, operations);
    return operations.map((operation, index) => ({
      operation,
      before: before[index],
      after: after[index] as Plan,
    }));
  };
}
