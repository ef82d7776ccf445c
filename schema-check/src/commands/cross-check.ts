import { type Command, type Output, options } from "../command.ts";
import { compose } from "../composition.ts";
import { exitCode, formatProblem, type Problem } from "../problem.ts";
import { composeAgain } from "../second-composer.ts";
import { loadSubgraphs } from "../subgraphs.ts";
import { supergraphDifferences } from "../supergraph-difference.ts";

const NAMES = ["@theguild/federation-composition", "@apollo/composition"] as const;

export const crossCheckCommand: Command = {
  summary: "compose with a second composer, too, and compare",
  usage: "cross-check [--config supergraph.yaml]",

  async run(args, output) {
    const { config } = options(args, { config: { type: "string", default: "supergraph.yaml" } });
    const subgraphs = await loadSubgraphs(config);
    const [first, second] = [compose(subgraphs), await composeAgain(subgraphs)];

    if (first.composes && second.composes) {
      const differences = supergraphDifferences(first.supergraph, second.supergraph, NAMES);
      for (const difference of differences) output.say(`difference: ${difference}`);
      if (differences.length > 0) return exitCode.broken;
      output.say(`both composers agree on ${subgraphs.length} subgraphs`);
      return exitCode.clean;
    }

    if (first.composes !== second.composes)
      output.say("the composers disagree on whether this composes");
    if (!first.composes) tell(output, NAMES[0], first.problems);
    if (!second.composes) tell(output, NAMES[1], second.problems);
    return exitCode.broken;
  },
};

function tell(output: Output, composer: string, problems: Problem[]): void {
  output.say(`${composer} refuses:`);
  for (const problem of problems) output.say(formatProblem(problem));
}
