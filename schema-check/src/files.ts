// Reading and writing files, with errors that name the file.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { CouldNotRun, type Place } from "./problem.ts";

export function readText(file: string, askedForBy?: Place): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const what = askedForBy ? file : "the file";
    throw new CouldNotRun({
      code: "FILE_UNREADABLE",
      message: `${what} cannot be read (${reason(cause)})${whereElse(file)}`,
      // A file that is not there has no line, but its name stands in one.
      place: askedForBy ?? { file },
    });
  }
}

/** Whoever stands in a folder of the repository has to go up; nothing, where that does not help. */
export function whereElse(file: string): string {
  if (isAbsolute(file) || existsSync(file)) return "";
  for (let up = ".."; resolve(up) !== resolve(up, ".."); up = join(up, "..")) {
    if (existsSync(join(up, file))) return `; it is in ${up}: run this there`;
  }
  return "";
}

/** What was written where, for people: a folder that was not there before is named. */
export function writeText(file: string, text: string): string {
  try {
    const folder = mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return folder === undefined
      ? `wrote ${file}`
      : `wrote ${file}, in the new folder ${dirname(file)}`;
  } catch (cause) {
    throw new CouldNotRun({
      code: "FILE_UNWRITABLE",
      message: `the file cannot be written (${reason(cause)})`,
      place: { file },
    });
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
