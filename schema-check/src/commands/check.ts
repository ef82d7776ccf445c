import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Evidence, failedReport, isBroken, judge, leftOut, type Report } from "../check.ts";
import { type Command, type Output, options } from "../command.ts";
import { type Comparison, comparisonOptions, loadComparison, type Where } from "../comparison.ts";
import { readText, writeText } from "../files.ts";
import { type Plan, planAll } from "../plans.ts";
import { CouldNotRun, exitCode, type Problem, problemsOf } from "../problem.ts";
import { type FormatName, formats, isFormat } from "../report/formats.ts";
import { defaultRules, parseRules, type Rules } from "../rules.ts";
import { composeAgain, isInstalled } from "../second-composer.ts";

const RULES = "schema-check/rules.yaml";

export const checkCommand: Command = {
  summary: "compare the graph with what it was: what breaks, and whom",
  usage: `check [--against COMMIT|FILE|URL] [--config supergraph.yaml]
      [--operations FOLDER|MANIFEST] [--counts FILE] [--permissions FILE] [--rules FILE]
      [--approvals FILE] [--lyceum PROGRAM] [--format NAME] [--write NAME=FILE]…`,
  details: `      Without --against: origin/main or main; when all that is committed is in there, HEAD if files that
      the check reads are not committed as they are, else the commit before.
      Of a branch the commit counts that it has in common with HEAD: what others did since is no change of yours.
      --counts: JSON, requests by an operation's name or id; one with 0 counts as not in use.
      --lyceum (LYCEUM_PROGRAM): the built \`lyceum\`, whose planner is asked for plans.
      Formats: ${Object.keys(formats).join(", ")}. --format is what is printed, --write can be given again.`,

  async run(args, output) {
    try {
      const { rules, lyceum, format, write, ...where } = options(args, spec);
      const targets = targetsOf(format, write);
      const report = await check(where, rules, lyceum || process.env.LYCEUM_PROGRAM || undefined);
      deliver(report, targets, output);
      return isBroken(report) ? exitCode.broken : exitCode.clean;
    } catch (cause) {
      // The caller says it; but who reads a format, or a file, is to find it there, too.
      deliverFailure(problemsOf(cause), args, output);
      throw cause;
    }
  },
};

const spec = {
  ...comparisonOptions,
  rules: { type: "string" },
  lyceum: { type: "string" },
  format: { type: "string", default: "terminal" },
  write: { type: "string", multiple: true, default: [] as string[] },
} as const;

async function check(
  where: Where,
  rules: string | undefined,
  program: string | undefined,
): Promise<Report> {
  const comparison = await loadComparison(where);
  return judge({
    comparison,
    rules: loadRules(rules),
    second: await secondOpinion(comparison),
    plan: planner(comparison, program),
    today: new Date().toISOString().slice(0, 10),
    approvalsFile: where.approvals,
  });
}

interface Targets {
  files: { file: string; name: FormatName }[];
  printed: FormatName;
}

function targetsOf(format: string, write: readonly string[]): Targets {
  return { files: write.map(parseTarget), printed: formatNamed(format) };
}

function deliver(report: Report, { files, printed }: Targets, output: Output): void {
  for (const { file, name } of files) {
    output.say(`${name}: ${writeText(file, formats[name](report))}`);
  }
  // Last, so that nothing is printed twice when a file cannot be written.
  output.print(formats[printed](report));
}

/** As far as the options can be understood; what people read on a terminal is said already. */
function deliverFailure(problems: readonly Problem[], args: string[], output: Output): void {
  const { values } = parseArgs({ args, options: spec, strict: false, allowPositionals: true });
  const report = failedReport(problems);
  const written = [values.write].flat().filter((target) => typeof target === "string");
  for (const target of written) {
    try {
      const { file, name } = parseTarget(target);
      output.say(`${name}: ${writeText(file, formats[name](report))}`);
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
  return { file, name: formatNamed(name) };
}

function formatNamed(name: string): FormatName {
  if (isFormat(name)) return name;
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

/** The second composer, if it is installed. */
async function secondOpinion({ graph, subgraphs, remarks }: Comparison) {
  if (!graph.composes) return undefined;
  if (await isInstalled()) return composeAgain(subgraphs);
  remarks.push(leftOut("Composed by one composer only: @apollo/composition is not installed."));
  return undefined;
}

/** Makes plans before and after, if there is a program to ask. */
function planner(
  { baseline, graph, remarks }: Comparison,
  program: string | undefined,
): Evidence["plan"] {
  if (!graph.composes) return undefined;
  if (program === undefined) {
    remarks.push(
      leftOut(
        "Plans were not compared: no `lyceum` was given (--lyceum, LYCEUM_PROGRAM).",
        "plans",
      ),
    );
    return undefined;
  }
  if (baseline && !baseline.supergraph) {
    remarks.push(leftOut(`Plans were made but not compared: ${baseline.name} is no supergraph.`));
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
