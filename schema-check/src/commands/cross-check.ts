import { type Command, type Output, parseOptions } from "../command.ts";
import { compose } from "../composition.ts";
import { composeWithApollo } from "../cross-check.ts";
import { exitCode, formatProblem, type Problem } from "../problem.ts";
import { loadSubgraphs } from "../subgraphs.ts";
import { supergraphDifferences } from "../supergraph-difference.ts";

const NAMES = ["@theguild/federation-composition", "@apollo/composition"] as const;

export const crossCheckCommand: Command = {
  async run(args, output) {
    const { config } = parseOptions(args, {
      config: { type: "string", default: "supergraph.yaml" },
    });
    const subgraphs = await loadSubgraphs(config);
    const [first, second] = [compose(subgraphs), await composeWithApollo(subgraphs)];

    if (first.composes && second.composes) {
      const differences = supergraphDifferences(first.supergraph, second.supergraph, NAMES);
      for (const difference of differences) output.log(`difference: ${difference}`);
      if (differences.length > 0) return exitCode.failed;
      output.log(`both composers agree on ${subgraphs.length} subgraphs`);
      return exitCode.passed;
    }

    if (first.composes !== second.composes) output.log("only one of the composers succeeded");
    if (!first.composes) logProblems(output, NAMES[0], first.problems);
    if (!second.composes) logProblems(output, NAMES[1], second.problems);
    return exitCode.failed;
  },
};

function logProblems(output: Output, composer: string, problems: Problem[]): void {
  output.log(`${composer} failed:`);
  for (const problem of problems) output.log(formatProblem(problem));
}
