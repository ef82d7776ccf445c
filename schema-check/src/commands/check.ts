import { existsSync } from "node:fs";
import {
  approvalFindings,
  changeFindings,
  compositionFindings,
  type Finding,
  isBroken,
  lintFindings,
  operationFindings,
  planFindings,
  type Report,
} from "../check.ts";
import { type Command, options } from "../command.ts";
import { type Comparison, comparisonOptions, type Graph, loadComparison } from "../comparison.ts";
import { readText, writeText } from "../files.ts";
import { type PlanComparison, planAll } from "../plans.ts";
import { CouldNotRun, exitCode, type Problem } from "../problem.ts";
import { formats, isFormat } from "../report/formats.ts";
import { defaultRules, parseRules, type Rules } from "../rules.ts";
import { composeAgain, isInstalled } from "../second-composer.ts";
import { supergraphDifferences } from "../supergraph-difference.ts";

const RULES = "schema-check/rules.yaml";

export const checkCommand: Command = {
  summary: "compare the graph with what it was: what breaks, and whom",
  usage: `check [--against COMMIT|FILE|URL] [--config supergraph.yaml]
      [--operations FOLDER|MANIFEST] [--counts FILE] [--permissions FILE] [--rules FILE]
      [--approvals FILE] [--lyceum PROGRAM] [--format NAME] [--write NAME=FILE]…`,
  details: `      Without --against: the last commit of origin/main or main that is not this one, else the commit before.
      --counts: JSON, requests by an operation's name or id; one with 0 counts as not in use.
      --lyceum (LYCEUM_PROGRAM): the built \`lyceum\`, whose planner is asked for plans.
      Formats: ${Object.keys(formats).join(", ")}. --format is what is printed, --write can be given again.`,

  async run(args, output) {
    const { rules, lyceum, format, write, ...where } = options(args, {
      ...comparisonOptions,
      rules: { type: "string" },
      lyceum: { type: "string" },
      format: { type: "string", default: "terminal" },
      write: { type: "string", multiple: true, default: [] },
    });
    const files = write.map(parseTarget);
    const printed = formatNamed(format);

    const program = lyceum ?? (process.env.LYCEUM_PROGRAM || undefined);
    const report = await check(await loadComparison(where), loadRules(rules), program, where);

    for (const { file, print } of files) writeText(file, print(report));
    output.print(printed(report));
    return isBroken(report) ? exitCode.broken : exitCode.clean;
  },
};

function parseTarget(text: string) {
  const [name = "", ...rest] = text.split("=");
  const file = rest.join("=");
  if (file === "") {
    throw new CouldNotRun({ code: "USAGE", message: `--write takes NAME=FILE, not "${text}"` });
  }
  return { file, print: formatNamed(name) };
}

function formatNamed(name: string) {
  if (isFormat(name)) return formats[name];
  const message = `there is no format "${name}", only ${Object.keys(formats).join(", ")}`;
  throw new CouldNotRun({ code: "USAGE", message });
}

/** The file that is asked for has to be there; without being asked, its absence means the defaults. */
function loadRules(file: string | undefined): Rules {
  const path = file ?? RULES;
  return file === undefined && !existsSync(path)
    ? defaultRules()
    : parseRules(readText(path), path);
}

async function check(
  comparison: Comparison,
  rules: Rules,
  program: string | undefined,
  { approvals: approvalsFile }: { approvals: string },
): Promise<Report> {
  const { graph, baseline, operations, approvals, subgraphs, remarks } = comparison;
  const report: Report = {
    against: baseline?.name,
    findings: [],
    remarks: [...remarks],
    operations: operations.length,
    plans: [],
  };
  if (!graph.composes) {
    report.findings.push(...compositionFindings(graph.problems));
    return report;
  }
  report.findings.push(...(await secondOpinion(comparison, graph, report)));

  const { changes, clients, api } = graph;
  const changed = changeFindings(changes, clients, rules, approvals, subgraphs);
  report.findings.push(...changed, ...operationFindings(operations, api, changed));
  report.plans = plans(comparison, graph, program, report);
  report.findings.push(
    ...planFindings(report.plans, rules),
    ...lintFindings(api, subgraphs, rules, new Date().toISOString().slice(0, 10)),
    ...(baseline ? approvalFindings(approvals, changes, approvalsFile) : []),
  );
  return report;
}

const SECOND = "@apollo/composition";

async function secondOpinion(
  { subgraphs }: Comparison,
  graph: Graph,
  report: Report,
): Promise<Finding[]> {
  if (!(await isInstalled())) {
    report.remarks.push(`Composed by one composer only: ${SECOND} is not installed.`);
    return [];
  }
  const second = await composeAgain(subgraphs);
  if (!second.composes) return compositionFindings(second.problems, SECOND);

  const names = ["@theguild/federation-composition", SECOND] as const;
  const differences = supergraphDifferences(graph.supergraph, second.supergraph, names);
  const problems = differences.map((message): Problem => ({ code: "COMPOSERS_DIFFER", message }));
  return compositionFindings(problems);
}

/** Of the operations that are valid now: the others are broken already. */
function plans(
  { operations, baseline }: Comparison,
  { supergraph }: Graph,
  program: string | undefined,
  report: Report,
): PlanComparison[] {
  if (program === undefined) {
    report.remarks.push(
      "Plans were not compared: no `lyceum` was given (--lyceum, LYCEUM_PROGRAM).",
    );
    return [];
  }
  const invalid = new Set(
    report.findings
      .filter(({ section }) => section === "operations")
      .flatMap(({ affected }) => affected),
  );
  const valid = operations.filter((operation) => !invalid.has(operation));
  const after = planAll(program, supergraph, valid);
  if (baseline && !baseline.supergraph) {
    report.remarks.push(`Plans were made but not compared: ${baseline.name} is no supergraph.`);
  }
  const before = baseline?.supergraph ? planAll(program, baseline.supergraph, valid) : [];
  return valid.map((operation, index) => ({
    operation,
    before: before[index],
    after: after[index] ?? { error: "the planner left it out" },
  }));
}
