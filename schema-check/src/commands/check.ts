import { existsSync } from "node:fs";
import { type Evidence, isBroken, judge } from "../check.ts";
import { type Command, options } from "../command.ts";
import { type Comparison, comparisonOptions, loadComparison } from "../comparison.ts";
import { readText, writeText } from "../files.ts";
import { type Plan, planAll } from "../plans.ts";
import { CouldNotRun, exitCode } from "../problem.ts";
import { formats, isFormat } from "../report/formats.ts";
import { defaultRules, parseRules, type Rules } from "../rules.ts";
import { composeAgain, isInstalled } from "../second-composer.ts";

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
    const comparison = await loadComparison(where);
    const report = judge({
      comparison,
      rules: loadRules(rules),
      second: await secondOpinion(comparison),
      plan: planner(comparison, program),
      today: new Date().toISOString().slice(0, 10),
      approvalsFile: where.approvals,
    });

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

/** The second composer, if it is installed. */
async function secondOpinion({ graph, subgraphs, remarks }: Comparison) {
  if (!graph.composes) return undefined;
  if (await isInstalled()) return composeAgain(subgraphs);
  remarks.push("Composed by one composer only: @apollo/composition is not installed.");
  return undefined;
}

/** Makes plans before and after, if there is a program to ask. */
function planner(
  { baseline, graph, remarks }: Comparison,
  program: string | undefined,
): Evidence["plan"] {
  if (!graph.composes) return undefined;
  if (program === undefined) {
    remarks.push("Plans were not compared: no `lyceum` was given (--lyceum, LYCEUM_PROGRAM).");
    return undefined;
  }
  if (baseline && !baseline.supergraph) {
    remarks.push(`Plans were made but not compared: ${baseline.name} is no supergraph.`);
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
