// JSON with source positions, so that errors can name a line.

import { isNode, LineCounter, parseDocument } from "yaml";
import { CouldNotRun, type Location } from "./problem.ts";

export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CouldNotRun({
      code: "INVALID_JSON",
      message,
      location: { file, ...syntaxErrorPosition(text) },
    });
  }
}

const SCALAR =
  /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-f]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null/iuy;

/** `JSON.parse` does not always report a position: this finds the first invalid character. */
function syntaxErrorPosition(text: string): Omit<Location, "file"> {
  let at = 0;
  const match = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const isMatch = pattern.test(text);
    if (isMatch) at = pattern.lastIndex;
    return isMatch;
  };
  const consume = (sign: string): boolean => {
    match(/\s*/y);
    if (text[at] !== sign) return false;
    at++;
    return true;
  };
  const items = (item: () => boolean, end: string): boolean => {
    if (consume(end)) return true;
    do if (!item()) return false;
    while (consume(","));
    return consume(end);
  };
  const member = (): boolean => {
    match(/\s*/y);
    return text[at] === '"' && match(SCALAR) && consume(":") && value();
  };
  const value = (): boolean => {
    if (consume("[")) return items(value, "]");
    return consume("{") ? items(member, "}") : match(SCALAR);
  };
  if (value()) match(/\s*/y);
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Locates the value at a path, or its nearest ancestor that exists. */
export type Locate = (path: readonly string[]) => Location;

export function locateJson(text: string, file: string): Locate {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false });
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (!isNode(node) || !node.range) continue;
      const { line, col } = lines.linePos(node.range[0]);
      return { file, line, column: col };
    }
    return { file, line: 1, column: 1 };
  };
}
