// Errors with their source locations, and exit codes.

export const exitCode = { passed: 0, failed: 1, couldNotRun: 2 } as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** A position in a file; lines and columns count from 1. */
export interface Location {
  file: string;
  line?: number;
  column?: number;
}

/** One error, with its location as far as it is known. */
export interface Problem {
  message: string;
  code?: string;
  subgraph?: string;
  /** `Type`, `Type.field` or `Type.field(argument:)`. */
  coordinate?: string;
  location?: Location;
}

/** The command could not run: exit code 2. */
export class CouldNotRun extends Error {
  readonly problems: readonly Problem[];

  constructor(...problems: Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

/** The problems of any thrown value. An unexpected error keeps its stack trace, to be debugged. */
export function problemsOf(cause: unknown): readonly Problem[] {
  if (cause instanceof CouldNotRun) return cause.problems;
  const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return [{ code: "UNEXPECTED", message }];
}

export function formatProblem(problem: Problem): string {
  const code = problem.code && `[${problem.code}]`;
  const head = ["error", code, problem.subgraph, problem.coordinate].filter(Boolean).join(" ");
  const location = problem.location ? `${formatLocation(problem.location)}: ` : "";
  return `${location}${head}: ${problem.message}`;
}

export function formatLocation({ file, line, column }: Location): string {
  return [file, line, column].filter((part) => part !== undefined).join(":");
}
