// YAML files of people: parsed, with the places of what is wrong in them.

import { LineCounter, type ParsedNode, parseDocument } from "yaml";
import { CouldNotRun, type Location } from "./problem.ts";

export interface YamlFile {
  /** `null` for an empty file. */
  root: ParsedNode | null;
  locationOf(node: unknown): Location;
  /** The error of a node, to be thrown. */
  fail(message: string, node: unknown): CouldNotRun;
}

/** Errors at nodes have this code. */
export function parseYaml(text: string, file: string, code: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const error = document.errors[0];
  if (error) {
    throw new CouldNotRun({
      code: "INVALID_YAML",
      message: error.message.split(" at line ")[0] ?? "",
      location: { file, line: error.linePos?.[0].line, column: error.linePos?.[0].col },
    });
  }
  const locationOf = (node: unknown): Location => {
    const offset = (node as { range?: [number, number, number] | null } | undefined)?.range?.[0];
    const { line, col } = lines.linePos(offset ?? 0);
    return { file, line: line || 1, column: col || 1 };
  };
  const fail = (message: string, node: unknown) =>
    new CouldNotRun({ code, message, location: locationOf(node) });
  return { root: document.contents, locationOf, fail };
}
