// lyceum-schema: dispatches to the command and maps errors to exit codes.

import type { Command, Output } from "./command.ts";
import { approveCommand } from "./commands/approve.ts";
import { checkCommand } from "./commands/check.ts";
import { composeCommand } from "./commands/compose.ts";
import { contractCommand } from "./commands/contract.ts";
import { crossCheckCommand } from "./commands/cross-check.ts";
import { manifestCommand } from "./commands/manifest.ts";
import { permissionsCommand } from "./commands/permissions.ts";
import { type ExitCode, exitCode, formatProblem, problemsOf } from "./problem.ts";

const commands: Record<string, Command> = {
  check: checkCommand,
  approve: approveCommand,
  manifest: manifestCommand,
  compose: composeCommand,
  "cross-check": crossCheckCommand,
  contract: contractCommand,
  permissions: permissionsCommand,
};

const terminal: Output = {
  print: (text) => process.stdout.write(text),
  log: (line) => process.stderr.write(`${line}\n`),
  get colors() {
    if (process.env.NO_COLOR) return false;
    return Boolean(process.env.FORCE_COLOR) || process.stdout.isTTY;
  },
};

export async function main(args: string[], output: Output = terminal): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined || name === "help" || args.some(isHelpFlag)) {
    output.print(help());
    return name === undefined ? exitCode.couldNotRun : exitCode.passed;
  }

  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    output.log(`error [USAGE]: unknown command "${name}"\n\n${help()}`);
    return exitCode.couldNotRun;
  }
  try {
    return await command.run(rest, output);
  } catch (cause) {
    for (const problem of problemsOf(cause)) output.log(formatProblem(problem));
    return exitCode.couldNotRun;
  }
}

const isHelpFlag = (word: string): boolean => word === "--help" || word === "-h";

function help(): string {
  const lines = Object.values(commands).map(
    ({ usage, summary, details }) =>
      `  ${usage}\n      ${summary}\n${details === undefined ? "" : `${details}\n`}`,
  );
  return `lyceum-schema: composes the supergraph and checks changes to it\n\n${lines.join("")}
Exit codes: 0 passed, 1 failed, 2 could not run\n`;
}
