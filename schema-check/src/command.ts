// What a command is: its options, its help, and what it does with them.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { CouldNotRun, type ExitCode } from "./problem.ts";

export interface Output {
  /** The result, on standard output. */
  print(text: string): void;
  /** Everything said about it, on standard error. */
  say(line: string): void;
}

export interface Command {
  summary: string;
  usage: string;
  /** What else is to be known of its options. */
  details?: string;
  run(args: string[], output: Output): Promise<ExitCode>;
}

export function options<const T extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  spec: T,
) {
  try {
    return parseArgs({ args, options: spec, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new CouldNotRun({
      code: "USAGE",
      message: cause instanceof Error ? cause.message : `${cause}`,
    });
  }
}

export function required(value: string | undefined, option: string): string {
  if (value === undefined)
    throw new CouldNotRun({ code: "USAGE", message: `${option} is required` });
  return value;
}
