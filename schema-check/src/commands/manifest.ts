import { type Command, parseOptions } from "../command.ts";
import { writeText } from "../files.ts";
import { manifest } from "../manifest.ts";
import { loadOperations } from "../operations.ts";
import { CouldNotRun, exitCode } from "../problem.ts";

export const manifestCommand: Command = {
  async run(args, output) {
    const { operations, out } = parseOptions(args, {
      operations: { type: "string", default: "operations" },
      out: { type: "string" },
    });
    const found = loadOperations(operations);
    if (found.length === 0) {
      const location = { file: operations, line: 1 };
      throw new CouldNotRun({ code: "NO_OPERATIONS", message: "no operations found", location });
    }
    const text = manifest(found);
    if (out === undefined) output.print(text);
    else output.log(writeText(out, text));
    return exitCode.passed;
  },
};
