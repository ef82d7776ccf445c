// lyceum-schema: dispatches to the command and maps errors to exit codes.

import type { Command, Output } from "./command.ts";
import { helpTexts } from "./help.ts";
import { type ExitCode, exitCode, formatProblem, problemsOf } from "./problem.ts";
import { version } from "./version.ts";

/** Loaded on demand: all of them together take ten times as long to load as one needs to print its help. */
const commands: Record<string, () => Promise<Command>> = {
  check: async () => (await import("./commands/check.ts")).checkCommand,
  approve: async () => (await import("./commands/approve.ts")).approveCommand,
  diff: async () => (await import("./commands/diff.ts")).diffCommand,
  changelog: async () => (await import("./commands/changelog.ts")).changelogCommand,
  usage: async () => (await import("./commands/usage.ts")).usageCommand,
  manifest: async () => (await import("./commands/manifest.ts")).manifestCommand,
  compose: async () => (await import("./commands/compose.ts")).composeCommand,
  filter: async () => (await import("./commands/filter.ts")).filterCommand,
  "cross-check": async () => (await import("./commands/cross-check.ts")).crossCheckCommand,
  contract: async () => (await import("./commands/contract.ts")).contractCommand,
  permissions: async () => (await import("./commands/permissions.ts")).permissionsCommand,
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
  if (name === "--version" || name === "-v") {
    output.print(`lyceum-schema ${version()}\n`);
    return exitCode.passed;
  }
  const asked = name === "help" ? rest[0] : name;
  const topic = asked !== undefined && Object.hasOwn(commands, asked) ? asked : undefined;
  if (name === undefined || name === "help" || args.some(isHelpFlag)) {
    output.print(help(topic));
    return name === undefined ? exitCode.couldNotRun : exitCode.passed;
  }

  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!load) {
    output.log(`error [USAGE]: unknown command "${name}"\n\n${help()}`);
    return exitCode.couldNotRun;
  }
  try {
    const command = await load();
    return await command.run(rest, output);
  } catch (cause) {
    for (const problem of problemsOf(cause)) output.log(formatProblem(problem));
    return exitCode.couldNotRun;
  }
}

const isHelpFlag = (word: string): boolean => word === "--help" || word === "-h";

/** Of one command, or of all. */
function help(topic?: string): string {
  if (topic !== undefined && helpTexts[topic]) {
    const { summary, usage, details } = helpTexts[topic];
    const more = details === undefined ? "" : `\n${details}\n`;
    return `lyceum-schema ${usage}\n\n  ${summary}\n${more}\n${EXIT_CODES}\n`;
  }
  const width = Math.max(...Object.keys(helpTexts).map(({ length }) => length));
  const lines = Object.entries(helpTexts).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`,
  );
  return `lyceum-schema: composes the supergraph and checks changes to it

${lines.join("")}
\`lyceum-schema COMMAND --help\` lists the options of a command; \`--version\` prints the version.
${EXIT_CODES}
`;
}

const EXIT_CODES = "Exit codes: 0 passed, 1 failed, 2 could not run";
