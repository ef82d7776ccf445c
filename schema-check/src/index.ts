// What other programs can use: the command, and the reports that it makes.

export type { Output } from "./command.ts";
export { main } from "./main.ts";
export { type ExitCode, exitCode, type Location, type Problem } from "./problem.ts";
export type { Finding, Report, Section, Severity } from "./report/report.ts";
