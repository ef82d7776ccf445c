// Reading and writing files, with errors that name the file.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CouldNotRun, type Place } from "./problem.ts";

export function readText(file: string, askedForBy?: Place): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const asked = askedForBy ? `, named in ${askedForBy.file}:${askedForBy.line ?? 1}` : "";
    throw new CouldNotRun({
      code: "FILE_UNREADABLE",
      message: `the file cannot be read (${reason(cause)})${asked}`,
      place: { file },
    });
  }
}

export function writeText(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
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
