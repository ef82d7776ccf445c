// Reading and writing files, with errors that name the file.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { CouldNotRun, type Location } from "./problem.ts";

export function readText(file: string, referencedAt?: Location): string {
  try {
    return withUnixLineEnds(readFileSync(file, "utf8"));
  } catch (cause) {
    const what = referencedAt ? file : "the file";
    throw new CouldNotRun({
      code: "FILE_UNREADABLE",
      message: `${what} cannot be read (${reason(cause)})${parentFolderHint(file)}`,
      // A missing file has no lines, but the reference to it has one.
      location: referencedAt ?? { file },
    });
  }
}

/** A checkout may have other line ends than the commit (`core.autocrlf`), which change nothing. */
export const withUnixLineEnds = (text: string): string => text.replaceAll("\r\n", "\n");

/** A hint for someone who runs the command in a subfolder; empty when no parent folder has the file. */
export function parentFolderHint(file: string): string {
  if (isAbsolute(file) || existsSync(file)) return "";
  for (let up = ".."; resolve(up) !== resolve(up, ".."); up = join(up, "..")) {
    if (existsSync(join(up, file))) return `; it exists in ${up}: run the command there`;
  }
  return "";
}

/** Writes the file and returns a message that names it and any folder that was created. */
export function writeText(file: string, text: string): string {
  try {
    const folder = mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return folder === undefined
      ? `wrote ${file}`
      : `wrote ${file} (created folder ${dirname(file)})`;
  } catch (cause) {
    throw new CouldNotRun({
      code: "FILE_UNWRITABLE",
      message: `the file cannot be written (${reason(cause)})`,
      location: { file },
    });
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
