import { type Command, type Output, parseOptions } from "../command.ts";
import { compose } from "../composition.ts";
import { readText, writeText } from "../files.ts";
import { CouldNotRun, type ExitCode, exitCode, formatProblem } from "../problem.ts";
import { loadSubgraphs } from "../subgraphs.ts";

export const composeCommand: Command = {
  async run(args, output) {
    const { config, check, ...files } = parseOptions(args, {
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
      for (const problem of result.problems) output.log(formatProblem(problem));
      return exitCode.failed;
    }

    const targets = [
      { file: files.out, text: result.supergraph },
      { file: files["api-out"], text: result.api },
    ].filter((target): target is Target => target.file !== undefined);

    if (check) return compareWithDisk(targets, output);
    for (const { file, text } of targets) output.log(writeText(file, text));
    if (targets.length === 0) output.print(result.supergraph);
    return exitCode.passed;
  },
};

interface Target {
  file: string;
  text: string;
}

function compareWithDisk(targets: Target[], output: Output): ExitCode {
  const stale = targets.filter(({ file, text }) => readText(file) !== text);
  for (const { file } of stale) {
    output.log(`${file}: error [STALE]: not up to date; run \`cargo xtask generate\``);
  }
  return stale.length > 0 ? exitCode.failed : exitCode.passed;
}
