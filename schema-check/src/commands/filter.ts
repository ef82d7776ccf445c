import { print } from "graphql";
import { type Command, parseWords } from "../command.ts";
import { filterSupergraph } from "../contract-filter.ts";
import { findContract } from "../contracts-file.ts";
import { readText, writeText } from "../files.ts";
import { CouldNotRun, exitCode, formatProblem } from "../problem.ts";
import { parseSdl } from "../subgraphs.ts";
import type { ContractFilter } from "../tagged-graph.ts";

export const filterCommand: Command = {
  async run(args, output) {
    const { values, words } = parseWords(
      args,
      {
        contract: { type: "string" },
        include: { type: "string", multiple: true, default: [] as string[] },
        exclude: { type: "string", multiple: true, default: [] as string[] },
        out: { type: "string" },
      },
      1,
    );
    const [file = "supergraph.graphql"] = words;
    const filter = filterOf(values, file);
    const text = readText(file);
    if (!/@join__type\b/.test(text)) {
      const message = `${file} is not a supergraph: \`lyceum-schema compose --out ${file}\` writes one`;
      throw new CouldNotRun({ code: "NO_SUPERGRAPH", message });
    }
    const result = filterSupergraph(parseSdl(text, file), filter);
    if ("problems" in result) {
      for (const problem of result.problems) output.log(formatProblem(problem));
      return exitCode.failed;
    }
    const filtered = `${print(result.document)}\n`;
    if (values.out) output.log(writeText(values.out, filtered));
    else output.print(filtered);
    return exitCode.passed;
  },
};

function filterOf(
  { contract, include, exclude }: ContractFilter & { contract?: string },
  file: string,
): ContractFilter {
  const hasTags = include.length + exclude.length > 0;
  if (contract !== undefined && !hasTags) return findContract(contract, file);
  if (contract === undefined && hasTags) return { include, exclude };
  const message = "name either a --contract, or tags by --include and --exclude";
  throw new CouldNotRun({ code: "USAGE", message });
}
