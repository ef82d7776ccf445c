// Whether an answer is the right one: data exactly, its keys in their order, errors by code and path. And whether a
// mutation has had its effects, once, and no others.
//
// The contract leaves open, and so nothing else does here:
// - the wording of messages, in errors and in `userErrors`: clients go by the code (docs/errors.md);
// - the order of errors, which the specification of GraphQL does not say anything of;
// - which errors below a place that is null because of them are named, as long as one is: the specification lets an
//   executor give up the siblings of a field that may not be null and is;
// - the characters of a cursor: but a row has one, and only one, however it is listed;
// - the id and the time of what is new: but they are the same everywhere in the answer.

import type { Cursors } from "./cursors.ts";
import type { Answer, Problem } from "./operation.ts";
import type { Reply } from "./systems.ts";
import { cursorKey, isWildcard, WORDING } from "./wildcards.ts";

export const DIFFERENCES = ["data", "key order", "errors", "cursor", "effect"] as const;
export type DifferenceKind = (typeof DIFFERENCES)[number];

export interface Difference {
  kind: DifferenceKind;
  path: string;
  expected: unknown;
  actual: unknown;
}

type Path = (string | number)[];

export function compareAnswers(expected: Answer, reply: Reply, cursors: Cursors): Difference[] {
  const comparison = new Comparison(cursors);
  comparison.values(expected.data, reply.data ?? null, []);
  const actual = (reply.errors ?? []).map((error) => ({
    code: error.extensions?.code ?? `no code: ${error.message}`,
    path: error.path ?? [],
  }));
  comparison.errors(expected, actual);
  return comparison.differences;
}

/** Whether a mutation has changed in the databases what it should have, and nothing else. */
export function compareEffects(expected: string[], actual: string[]): Difference[] {
  const [missing, extra] = [without(expected, actual), without(actual, expected)];
  if (missing.length === 0 && extra.length === 0) return [];
  return [{ kind: "effect", path: "", expected: missing, actual: extra }];
}

class Comparison {
  readonly differences: Difference[] = [];
  readonly #bound = new Map<string, unknown>();
  readonly #cursors: Cursors;

  constructor(cursors: Cursors) {
    this.#cursors = cursors;
  }

  values(expected: unknown, actual: unknown, path: Path): void {
    if (isWildcard(expected)) {
      this.#wildcard(expected, actual, path);
    } else if (
      Array.isArray(expected) &&
      Array.isArray(actual) &&
      expected.length === actual.length
    ) {
      expected.forEach((item, index) => {
        this.values(item, actual[index], [...path, index]);
      });
    } else if (isObject(expected) && isObject(actual)) {
      this.#objects(expected, actual, path);
    } else if (isObject(expected) || expected !== actual) {
      this.#differ("data", path, expected, actual);
    }
  }

  errors(expected: Answer, actual: Problem[]): void {
    // Within what is null, `data` as a whole included.
    const isFree = ({ path }: Problem) =>
      path.some((_, end) => at(expected.data, path.slice(0, end)) === null);
    const fixed = (problems: Problem[]) =>
      problems.filter((problem) => !isFree(problem)).map(written);
    const [wanted, got] = [fixed(expected.errors), fixed(actual)];
    const [missing, extra] = [without(wanted, got), without(got, wanted)];
    if (missing.length > 0 || extra.length > 0) {
      this.#differ("errors", [], missing, extra);
      return;
    }
    const free = (problems: Problem[]) => problems.filter(isFree);
    if (free(expected.errors).length > 0 !== free(actual).length > 0)
      this.#differ("errors", [], expected.errors.map(written), actual.map(written));
  }

  #objects(expected: Record<string, unknown>, actual: Record<string, unknown>, path: Path): void {
    const [wanted, got] = [Object.keys(expected), Object.keys(actual)];
    const isSame =
      wanted.length === got.length && wanted.every((key) => Object.hasOwn(actual, key));
    if (!isSame) {
      this.#differ("data", path, expected, actual);
      return;
    }
    if (wanted.some((key, index) => got[index] !== key))
      this.#differ("key order", path, wanted, got);
    for (const key of wanted) this.values(expected[key], actual[key], [...path, key]);
  }

  #wildcard(mark: string, actual: unknown, path: Path): void {
    if (typeof actual !== "string" || actual === "") {
      this.#differ("data", path, mark, actual);
      return;
    }
    if (mark === WORDING) return;
    const key = cursorKey(mark);
    // A new row's key is a mark, too: what it is called is not known beyond this answer.
    if (key !== undefined && !isWildcard(key.split(" ")[1] ?? "")) {
      if (!this.#cursors.learn(key, actual)) this.#differ("cursor", path, mark, actual);
      return;
    }
    const bound = this.#bound.get(mark) ?? actual;
    if (bound !== actual) this.#differ("data", path, bound, actual);
    this.#bound.set(mark, bound);
  }

  #differ(kind: DifferenceKind, path: Path, expected: unknown, actual: unknown): void {
    this.differences.push({ kind, path: path.join("."), expected, actual });
  }
}

function written({ code, path }: Problem): string {
  return `${code} at ${JSON.stringify(path)}`;
}

/** A list without what another one has, each as often as that one has it. */
function without(list: string[], others: string[]): string[] {
  const left = [...others];
  return list.filter((item) => {
    const index = left.indexOf(item);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

function at(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (value == null ? value : (value as Record<string | number, unknown>)[key]),
    data,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
