// Compares a response with the expected result: data exactly, including the order of keys; errors by code and path.
// Also compares the effects of a mutation: exactly the expected changes, once.
//
// The contract leaves these open, so the comparison does, too:
// - the text of messages in errors and `userErrors`: clients rely on the code (docs/errors.md);
// - the order of errors, which the GraphQL specification does not define;
// - which errors below a null are reported, as long as one is: the specification allows an executor to cancel the
//   siblings of a non-null field that is null;
// - the characters of a cursor: but a row has exactly one cursor in every list;
// - generated ids and times: but they are the same everywhere in the response.

import type { Cursors } from "./cursors.ts";
import type { OperationResult, ResultError } from "./operation.ts";
import type { GraphQLResponse } from "./systems.ts";
import { ANY_TEXT, cursorKey, isWildcard } from "./wildcards.ts";

export const DIFFERENCES = ["data", "key order", "errors", "cursor", "effect"] as const;
export type DifferenceKind = (typeof DIFFERENCES)[number];

export interface Difference {
  kind: DifferenceKind;
  path: string;
  expected: unknown;
  actual: unknown;
}

type Path = (string | number)[];

export function compareResults(
  expected: OperationResult,
  response: GraphQLResponse,
  cursors: Cursors,
): Difference[] {
  const comparison = new Comparison(cursors);
  comparison.values(expected.data, response.data ?? null, []);
  const actual = (response.errors ?? []).map((error) => ({
    code: error.extensions?.code ?? `no code: ${error.message}`,
    path: error.path ?? [],
  }));
  comparison.errors(expected, actual);
  return comparison.differences;
}

/** Compares the changes of a mutation in the databases with the expected ones. */
export function compareEffects(expected: string[], actual: string[]): Difference[] {
  const [missing, extra] = [subtract(expected, actual), subtract(actual, expected)];
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
      this.#addDifference("data", path, expected, actual);
    }
  }

  errors(expected: OperationResult, actual: ResultError[]): void {
    // Below a null value, which can be `data` itself.
    const isBelowNull = ({ path }: ResultError) =>
      path.some((_, end) => valueAt(expected.data, path.slice(0, end)) === null);
    const determined = (problems: ResultError[]) =>
      problems.filter((error) => !isBelowNull(error)).map(formatError);
    const [wanted, got] = [determined(expected.errors), determined(actual)];
    const [missing, extra] = [subtract(wanted, got), subtract(got, wanted)];
    if (missing.length > 0 || extra.length > 0) {
      this.#addDifference("errors", [], missing, extra);
      return;
    }
    const belowNull = (problems: ResultError[]) => problems.filter(isBelowNull);
    if (belowNull(expected.errors).length > 0 !== belowNull(actual).length > 0)
      this.#addDifference("errors", [], expected.errors.map(formatError), actual.map(formatError));
  }

  #objects(expected: Record<string, unknown>, actual: Record<string, unknown>, path: Path): void {
    const [wanted, got] = [Object.keys(expected), Object.keys(actual)];
    const isSame =
      wanted.length === got.length && wanted.every((key) => Object.hasOwn(actual, key));
    if (!isSame) {
      this.#addDifference("data", path, expected, actual);
      return;
    }
    if (wanted.some((key, index) => got[index] !== key))
      this.#addDifference("key order", path, wanted, got);
    for (const key of wanted) this.values(expected[key], actual[key], [...path, key]);
  }

  #wildcard(wildcard: string, actual: unknown, path: Path): void {
    if (typeof actual !== "string" || actual === "") {
      this.#addDifference("data", path, wildcard, actual);
      return;
    }
    if (wildcard === ANY_TEXT) return;
    const key = cursorKey(wildcard);
    // The id of a new row is a wildcard, too: it is known only within this response.
    if (key !== undefined && !isWildcard(key.split(" ")[1] ?? "")) {
      if (!this.#cursors.record(key, actual)) this.#addDifference("cursor", path, wildcard, actual);
      return;
    }
    const bound = this.#bound.get(wildcard) ?? actual;
    if (bound !== actual) this.#addDifference("data", path, bound, actual);
    this.#bound.set(wildcard, bound);
  }

  #addDifference(kind: DifferenceKind, path: Path, expected: unknown, actual: unknown): void {
    this.differences.push({ kind, path: path.join("."), expected, actual });
  }
}

function formatError({ code, path }: ResultError): string {
  return `${code} at ${JSON.stringify(path)}`;
}

/** Multiset difference: removes each item of `others` once. */
function subtract(list: string[], others: string[]): string[] {
  const left = [...others];
  return list.filter((item) => {
    const index = left.indexOf(item);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (value == null ? value : (value as Record<string | number, unknown>)[key]),
    data,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
