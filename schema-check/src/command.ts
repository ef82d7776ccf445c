// The interface of a command, and the parsing of its options.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { CouldNotRun, type ExitCode } from "./problem.ts";

export interface Output {
  /** The result, on standard output. */
  print(text: string): void;
  /** Messages about the result, on standard error. */
  log(line: string): void;
  /** Whether what is printed may have colours. */
  colors?: boolean;
}

export interface Command {
  run(args: string[], output: Output): Promise<ExitCode>;
}

/** The values of these options. */
type Options<T extends NonNullable<ParseArgsConfig["options"]>> = ReturnType<
  typeof parseArgs<{ options: T; strict: true; allowPositionals: false }>
>["values"];

export function parseOptions<const T extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  spec: T,
): Options<T> {
  try {
    return parseArgs({ args, options: spec, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new CouldNotRun({
      code: "USAGE",
      message: cause instanceof Error ? cause.message : `${cause}`,
    });
  }
}

/** Options, and words without one, such as the two states of `diff`. */
export function parseWords<const T extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  spec: T,
  max: number,
): { values: Options<T>; words: string[] } {
  try {
    const { values, positionals } = parseArgs({
      ...{ args, options: spec, strict: true, allowPositionals: true },
    });
    if (positionals.length > max) throw new Error(`Unexpected argument '${positionals[max]}'`);
    return { values: values as Options<T>, words: positionals };
  } catch (cause) {
    throw new CouldNotRun({
      code: "USAGE",
      message: cause instanceof Error ? cause.message : `${cause}`,
    });
  }
}

export function requireOption(value: string | undefined, option: string): string {
  if (value === undefined)
    throw new CouldNotRun({ code: "USAGE", message: `${option} is required` });
  return value;
}
