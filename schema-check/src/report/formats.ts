// The formats of a report.

import { github } from "./github.ts";
import { json } from "./json.ts";
import { junit } from "./junit.ts";
import { markdown } from "./markdown.ts";
import type { Report } from "./report.ts";
import { sarif } from "./sarif.ts";
import { type TerminalStyle, terminal } from "./terminal.ts";

export const formats = { terminal, markdown, json, junit, github, sarif } satisfies Record<
  string,
  (report: Report, style?: TerminalStyle) => string
>;

export type FormatName = keyof typeof formats;

export function isFormat(name: string): name is FormatName {
  return Object.hasOwn(formats, name);
}
