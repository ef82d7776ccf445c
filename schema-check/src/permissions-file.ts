// Parses the permissions file and reports every violation of its form, with the line.

import { locateJson, parseJson } from "./json.ts";
import { outcomes, type Permissions } from "./permissions.ts";
import { CouldNotRun } from "./problem.ts";

export function parsePermissions(text: string, file: string): Permissions {
  const parsed = parseJson(text, file);
  const violations = permissionsForm(parsed)(parsed, []);
  if (violations.length === 0) return parsed as Permissions;

  const locate = locateJson(text, file);
  throw new CouldNotRun(
    ...violations.map(({ path, message }) => ({
      code: "INVALID_FORM",
      coordinate: path[1],
      message,
      location: locate(path),
    })),
  );
}

interface Violation {
  /** The keys that lead to the value; the second one is the field, type or rule. */
  path: string[];
  message: string;
}

type Check = (value: unknown, path: string[]) => Violation[];

/** Rows refer to viewers and rules that the file itself defines. */
function permissionsForm(parsed: unknown): Check {
  const section = (name: string) => Object.keys(isObject(parsed) ? asObject(parsed[name]) : {});
  const viewer = oneOf(section("viewers"));
  const audience = oneOf([...section("viewers"), "owner", "signed in", "everyone"]);
  const rule = oneOf(section("rules"));
  return record({
    viewers: mapOf(text),
    rules: mapOf(
      record(
        { means: text, allowed: listOf(audience) },
        { otherwise: oneOf(outcomes), anonymous: oneOf(outcomes) },
      ),
    ),
    types: mapOf(record({ owner: viewer, ownerIs: text, entities: mapOf(rule) })),
    fields: mapOf(record({ subgraph: text, who: rule }, { leadsTo: text, through: mapOf(rule) })),
  });
}

const text: Check = (value, path) =>
  typeof value === "string" ? [] : [violation(path, `${JSON.stringify(value)} is not a string`)];

function oneOf(known: readonly string[]): Check {
  return (value, path) =>
    known.includes(value as string)
      ? []
      : [violation(path, `${JSON.stringify(value)} is not one of ${known.join(", ")}`)];
}

function listOf(item: Check): Check {
  return (value, path) =>
    Array.isArray(value)
      ? value.flatMap((each, index) => item(each, [...path, `${index}`]))
      : [violation(path, `${named(path)} must be a list`)];
}

function mapOf(entry: Check): Check {
  return (value, path) =>
    isObject(value)
      ? Object.entries(value).flatMap(([key, each]) => entry(each, [...path, key]))
      : [violation(path, `${named(path)} must be an object`)];
}

function record(required: Record<string, Check>, optional: Record<string, Check> = {}): Check {
  const known = { ...required, ...optional };
  return (value, path) => {
    if (!isObject(value)) return [violation(path, `${named(path)} must be an object`)];
    const missing = Object.keys(required).filter((key) => !Object.hasOwn(value, key));
    return [
      ...missing.map((key) => violation(path, `"${key}" is missing`)),
      ...Object.entries(value).flatMap(([key, each]) =>
        Object.hasOwn(known, key)
          ? (known[key] as Check)(each, [...path, key])
          : [violation([...path, key], `unknown key "${key}"`)],
      ),
    ];
  };
}

const violation = (path: string[], message: string): Violation => ({ path, message });

function named(path: readonly string[]): string {
  const key = path.at(-1);
  return key === undefined ? "the file" : `"${key}"`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const asObject = (value: unknown): object => (isObject(value) ? value : {});
