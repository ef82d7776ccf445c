import { existsSync } from "node:fs";
import { type Command, options } from "../command.ts";
import { readText, writeText } from "../files.ts";
import { manifest } from "../manifest.ts";
import { loadOperations } from "../operations.ts";
import { exitCode } from "../problem.ts";

export const manifestCommand: Command = {
  summary: "write the list of persisted documents that the router serves (`lyceum up --safelist`)",
  usage: "manifest [--operations operations] [--out FILE] [--check]",

  async run(args, output) {
    const { operations, out, check } = options(args, {
      operations: { type: "string", default: "operations" },
      out: { type: "string" },
      check: { type: "boolean", default: false },
    });
    const text = manifest(loadOperations(operations));
    if (out === undefined) {
      output.print(text);
      return exitCode.clean;
    }
    if (!check) {
      writeText(out, text);
      return exitCode.clean;
    }
    if (existsSync(out) && readText(out) === text) return exitCode.clean;
    output.say(`${out}: error [STALE]: not the documents of ${operations}; write it again`);
    return exitCode.broken;
  },
};
