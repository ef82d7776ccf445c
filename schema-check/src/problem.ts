// What can be wrong, and the exit code that says so.

export const exitCode = { clean: 0, broken: 1, couldNotRun: 2 } as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** A place in a file that a person can open; lines and columns count from 1. */
export interface Place {
  file: string;
  line?: number;
  column?: number;
}

/** One thing that is wrong, with all that is known of where. */
export interface Problem {
  message: string;
  code?: string;
  subgraph?: string;
  /** `Type`, `Type.field` or `Type.field(argument:)`. */
  coordinate?: string;
  place?: Place;
}

/** The question could not be answered at all: exit code 2. */
export class CouldNotRun extends Error {
  readonly problems: readonly Problem[];

  constructor(...problems: Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

/** Of whatever was thrown: ours, or a library's, whose trace is what helps whoever mends it. */
export function problemsOf(cause: unknown): readonly Problem[] {
  if (cause instanceof CouldNotRun) return cause.problems;
  const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return [{ code: "UNEXPECTED", message }];
}

export function formatProblem(problem: Problem): string {
  const code = problem.code && `[${problem.code}]`;
  const head = ["error", code, problem.subgraph, problem.coordinate].filter(Boolean).join(" ");
  const place = problem.place ? `${formatPlace(problem.place)}: ` : "";
  return `${place}${head}: ${problem.message}`;
}

export function formatPlace({ file, line, column }: Place): string {
  return [file, line, column].filter((part) => part !== undefined).join(":");
}
