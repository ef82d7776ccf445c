// The file of permissions, read: everything that its form can get wrong is told at once, with the line.

import { locateJson, parseJson } from "./json.ts";
import { outcomes, type Permissions } from "./permissions.ts";
import { CouldNotRun } from "./problem.ts";

export function parsePermissions(text: string, file: string): Permissions {
  const parsed = parseJson(text, file);
  const faults = form(parsed)(parsed, []);
  if (faults.length === 0) return parsed as Permissions;

  const locate = locateJson(text, file);
  throw new CouldNotRun(
    ...faults.map(({ path, message }) => ({
      code: "INVALID_FORM",
      coordinate: path[1],
      message,
      place: locate(path),
    })),
  );
}

interface Fault {
  /** The keys that lead there; the second one is the field, type or rule. */
  path: string[];
  message: string;
}

type Check = (value: unknown, path: string[]) => Fault[];

/** What the rows speak of stands in the file itself. */
function form(parsed: unknown): Check {
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
  typeof value === "string" ? [] : [fault(path, `${JSON.stringify(value)} is no text`)];

function oneOf(known: readonly string[]): Check {
  return (value, path) =>
    known.includes(value as string)
      ? []
      : [fault(path, `${JSON.stringify(value)} is none of ${known.join(", ")}`)];
}

function listOf(item: Check): Check {
  return (value, path) =>
    Array.isArray(value)
      ? value.flatMap((each, index) => item(each, [...path, `${index}`]))
      : [fault(path, `${named(path)} must be a list`)];
}

function mapOf(entry: Check): Check {
  return (value, path) =>
    isObject(value)
      ? Object.entries(value).flatMap(([key, each]) => entry(each, [...path, key]))
      : [fault(path, `${named(path)} must be an object`)];
}

function record(required: Record<string, Check>, optional: Record<string, Check> = {}): Check {
  const known = { ...required, ...optional };
  return (value, path) => {
    if (!isObject(value)) return [fault(path, `${named(path)} must be an object`)];
    const missing = Object.keys(required).filter((key) => !Object.hasOwn(value, key));
    return [
      ...missing.map((key) => fault(path, `it has no "${key}"`)),
      ...Object.entries(value).flatMap(([key, each]) =>
        Object.hasOwn(known, key)
          ? (known[key] as Check)(each, [...path, key])
          : [fault([...path, key], `there is no "${key}" here`)],
      ),
    ];
  };
}

const fault = (path: string[], message: string): Fault => ({ path, message });

function named(path: readonly string[]): string {
  const key = path.at(-1);
  return key === undefined ? "the file" : `"${key}"`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const asObject = (value: unknown): object => (isObject(value) ? value : {});
