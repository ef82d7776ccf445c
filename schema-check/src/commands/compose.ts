import { type Command, type Output, options } from "../command.ts";
import { compose } from "../composition.ts";
import { readText, writeText } from "../files.ts";
import { CouldNotRun, type ExitCode, exitCode, formatProblem } from "../problem.ts";
import { loadSubgraphs } from "../subgraphs.ts";

export const composeCommand: Command = {
  summary: "compose the subgraphs into the supergraph and the API schema",
  usage: "compose [--config supergraph.yaml] [--out FILE] [--api-out FILE] [--check]",

  async run(args, output) {
    const { config, check, ...files } = options(args, {
      config: { type: "string", default: "supergraph.yaml" },
      out: { type: "string" },
      "api-out": { type: "string" },
      check: { type: "boolean", default: false },
    });
    if (check && !files.out && !files["api-out"]) {
      throw new CouldNotRun({
        code: "USAGE",
        message: "--check needs --out or --api-out to compare with",
      });
    }

    const result = compose(await loadSubgraphs(config));
    if (!result.composes) {
      for (const problem of result.problems) output.say(formatProblem(problem));
      return exitCode.broken;
    }

    const targets = [
      { file: files.out, text: result.supergraph },
      { file: files["api-out"], text: result.api },
    ].filter((target): target is Target => target.file !== undefined);

    if (check) return compareWithDisk(targets, output);
    for (const { file, text } of targets) output.say(writeText(file, text));
    if (targets.length === 0) output.print(result.supergraph);
    return exitCode.clean;
  },
};

interface Target {
  file: string;
  text: string;
}

function compareWithDisk(targets: Target[], output: Output): ExitCode {
  const stale = targets.filter(({ file, text }) => readText(file) !== text);
  for (const { file } of stale) {
    output.say(
      `${file}: error [STALE]: not what the subgraphs compose to; run \`cargo xtask generate\``,
    );
  }
  return stale.length > 0 ? exitCode.broken : exitCode.clean;
}
