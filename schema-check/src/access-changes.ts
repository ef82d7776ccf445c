// Changes to who may access a field: by two versions of docs/permissions.json, and by the directives that
// make the router require scopes.

import { type DocumentNode, isTypeDefinitionNode, print } from "graphql";
import type { Change } from "./changes.ts";
import { outcomeOf, type Permissions, type Rule, type Served } from "./permissions.ts";
import { mayReturn } from "./usage.ts";
import { isPossibleSender } from "./viewers.ts";

/** The permissions of one version of the graph, and the fields and keys that it serves. */
export interface Access {
  permissions: Permissions;
  served: Served;
}

/** A field, a field reached through another one, or the key of a type at a subgraph. */
type AccessPath =
  | { kind: "field"; path: string }
  | { kind: "through"; path: string; field: string }
  | { kind: "key"; path: string; subgraph: string };

/** The rule that holds for an access path in one version of the graph. */
interface AccessRule {
  rule: Omit<Rule, "means">;
  /** Whether the path has a row of its own, or falls back to a default. */
  isExplicit: boolean;
}

// A field without a row is public; a key that a subgraph does not resolve gives no access.
const PUBLIC: AccessRule = { rule: { allowed: ["everyone"] }, isExplicit: false };
const NO_ACCESS: AccessRule = { rule: { allowed: [] }, isExplicit: false };

export function accessChanges(before: Access, after: Access): Change[] {
  const accessPaths = new Map(
    [...accessPathsOf(before.permissions), ...accessPathsOf(after.permissions)].map(
      (accessPath) => [JSON.stringify(accessPath), accessPath],
    ),
  );
  return [
    ...[...accessPaths.values()].flatMap((accessPath) => comparePath(accessPath, before, after)),
    ...ownerChanges(before.permissions, after.permissions),
  ];
}

function accessPathsOf({ fields, types }: Permissions): AccessPath[] {
  return [
    ...Object.entries(fields).flatMap(([path, { through = {} }]): AccessPath[] => [
      { kind: "field", path },
      ...Object.keys(through).map((field): AccessPath => ({ kind: "through", path, field })),
    ]),
    ...Object.entries(types).flatMap(([path, { entities }]) =>
      Object.keys(entities).map((subgraph): AccessPath => ({ kind: "key", path, subgraph })),
    ),
  ];
}

function accessRule(
  accessPath: AccessPath,
  { permissions, served }: Access,
): AccessRule | undefined {
  const explicit = (name: string): AccessRule => ({
    rule: permissions.rules[name] as Rule,
    isExplicit: true,
  });
  if (accessPath.kind === "key") {
    const name = permissions.types[accessPath.path]?.entities[accessPath.subgraph];
    if (name !== undefined) return explicit(name);
    if (served.keys.has(`${accessPath.path} ${accessPath.subgraph}`)) return PUBLIC;
    const isServed = [...served.fields].some((field) => field.startsWith(`${accessPath.path}.`));
    return isServed ? NO_ACCESS : undefined;
  }
  const row = permissions.fields[accessPath.path];
  if (!row) return served.fields.has(accessPath.path) ? PUBLIC : undefined;
  if (accessPath.kind === "field") return explicit(row.who);
  const own = row.through?.[accessPath.field];
  return own === undefined ? { ...explicit(row.who), isExplicit: false } : explicit(own);
}

/** A path that is added or removed with its field is reported as a schema change instead. */
function comparePath(accessPath: AccessPath, before: Access, after: Access): Change[] {
  const [old, now] = [accessRule(accessPath, before), accessRule(accessPath, after)];
  if (!old || !now) return [];
  if (accessPath.kind !== "through") return compareRules(accessPath, old, now, before, after);

  if (!after.served.fields.has(accessPath.field)) return [];
  const changes = compareRules(accessPath, old, now, before, after);
  // Nobody had access through a new field, so nobody can lose it.
  return before.served.fields.has(accessPath.field)
    ? changes
    : changes.filter(({ kind }) => kind === "ACCESS_WIDENED");
}

function compareRules(
  accessPath: AccessPath,
  old: AccessRule,
  now: AccessRule,
  before: Access,
  after: Access,
): Change[] {
  const audiences = new Set([
    ...Object.keys(before.permissions.viewers),
    ...Object.keys(after.permissions.viewers),
    "owner",
  ]);
  // The object belongs to another user, except for the viewer called "owner".
  const pairs = [...audiences].map((viewer) => ({
    viewer,
    was: outcomeOf(old.rule, "owner", viewer),
    is: outcomeOf(now.rule, "owner", viewer),
  }));
  const lost = pairs.filter(({ was, is }) => was === "allowed" && is !== "allowed");
  const gained = pairs.filter(({ was, is }) => was !== "allowed" && is === "allowed");
  const denied = pairs.filter(({ was, is }) => was !== is && was !== "allowed" && is !== "allowed");

  const { path } = accessPath;
  const what = `'${path}'${describePath(accessPath)}`;
  const why = describeRowChange(accessPath, old, now);
  const uses: Change["affects"] = (usage) => mayReturn(usage, path);
  const common = { path, definitions: () => ruleTexts(old, now) };
  const changes: Change[] = [];
  if (lost.length > 0) {
    const viewers = lost.map(({ viewer }) => viewer);
    changes.push({
      ...common,
      kind: "ACCESS_NARROWED",
      // Without the key, the router uses another subgraph, or composition fails.
      level: now === NO_ACCESS ? "dangerous" : "breaking",
      message: `${what} is more private: no longer visible to ${list(viewers)}${why}`,
      affects: (usage, senders) =>
        uses(usage) && viewers.some((lost) => isPossibleSender(lost, senders)),
    });
  }
  if (gained.length > 0) {
    changes.push({
      ...common,
      kind: "ACCESS_WIDENED",
      level: "dangerous",
      message: `${what} is more public: now also visible to ${list(gained.map(({ viewer }) => viewer))}${why}`,
      affects: uses,
    });
  }
  if (denied.length > 0 && now !== NO_ACCESS && old !== NO_ACCESS) {
    const ways = denied.map(({ viewer, was, is }) => `${viewer} (${was}, now ${is})`);
    changes.push({
      ...common,
      kind: "ACCESS_DENIAL_CHANGED",
      level: "dangerous",
      message: `${what} is denied differently: ${list(ways)}${why}`,
      affects: uses,
    });
  }
  if (changes.length === 0 && why !== "" && accessPath.kind !== "through") {
    changes.push({
      ...common,
      kind: now.isExplicit ? "ACCESS_ROW_ADDED" : "ACCESS_ROW_REMOVED",
      level: "safe",
      message: `${what} is visible to the same viewers as before${why}`,
      affects: uses,
    });
  }
  return changes;
}

function describePath(accessPath: AccessPath): string {
  if (accessPath.kind === "through") return ` when reached through '${accessPath.field}'`;
  return accessPath.kind === "key" ? ` when resolved by key at '${accessPath.subgraph}'` : "";
}

/** Empty when both versions have a row, or neither has. */
function describeRowChange({ kind }: AccessPath, old: AccessRule, now: AccessRule): string {
  if (old === NO_ACCESS) return " (the key is new)";
  if (now === NO_ACCESS) return " (the key was removed)";
  if (old.isExplicit === now.isExplicit) return "";
  const what = kind === "through" ? "rule for this path" : "row";
  return now.isExplicit ? ` (its ${what} is new)` : ` (its ${what} was removed)`;
}

const ruleTexts = (old: AccessRule, now: AccessRule): [string, string] => [
  ruleText(old),
  ruleText(now),
];

function ruleText({ rule: { allowed, otherwise, anonymous } }: AccessRule): string {
  return JSON.stringify([[...allowed].sort(), otherwise, anonymous]);
}

/** Without the file, access can no longer be compared. */
export function permissionsFileRemoved(file: string, former: string): Change {
  return {
    kind: "ACCESS_FILE_REMOVED",
    path: file,
    level: "breaking",
    message: `the permissions file '${file}' was removed`,
    definitions: () => [former, ""],
    affects: () => true,
  };
}

/** An unchanged rule can apply to another owner. */
function ownerChanges(before: Permissions, after: Permissions): Change[] {
  const change = (path: string, what: string, was: string, is: string): Change[] =>
    was === is
      ? []
      : [
          {
            kind: "ACCESS_OWNER_CHANGED",
            path,
            level: "dangerous",
            message: `'${path}' ${what}: ${is}, was ${was}`,
            definitions: () => [was, is],
            affects: (usage) => mayReturn(usage, path),
          },
        ];
  const defaultOwner = "the default owner";
  return [
    ...Object.entries(after.types).flatMap(([type, { owner }]) =>
      change(type, "has another owner", before.types[type]?.owner ?? owner, owner),
    ),
    ...Object.entries(after.fields).flatMap(([field, { leadsTo = defaultOwner }]) => {
      const former = before.fields[field];
      return former
        ? change(
            field,
            "leads to an object of another owner",
            former.leadsTo ?? defaultOwner,
            leadsTo,
          )
        : [];
    }),
  ];
}

function list(names: readonly string[]): string {
  return names.join(", ");
}

export function isAboutAccess({ kind }: Pick<Change, "kind">): boolean {
  return /^(ACCESS|SCOPES)_/.test(kind);
}

export function scopeChanges(before: DocumentNode, after: DocumentNode): Change[] {
  const former = scopesOf(before);
  return [...scopesOf(after)].flatMap(([path, is]) => {
    const was = former.get(path);
    return was === undefined || was === is ? [] : [scopeChange(path, was, is)];
  });
}

function scopeChange(path: string, was: string, is: string): Change {
  const common: Pick<Change, "path" | "definitions" | "affects"> = {
    path,
    definitions: () => [was, is],
    affects: (usage) => mayReturn(usage, path),
  };
  if (is === "") {
    const message = `'${path}' is more public: it no longer requires ${was}`;
    return { ...common, kind: "SCOPES_REMOVED", level: "dangerous", message };
  }
  if (was === "") {
    const message = `'${path}' is more private: it now requires ${is}`;
    return { ...common, kind: "SCOPES_ADDED", level: "breaking", message };
  }
  const message = `'${path}' requires ${is} instead of ${was}`;
  return { ...common, kind: "SCOPES_CHANGED", level: "breaking", message };
}

const ACCESS_DIRECTIVES = ["authenticated", "requiresScopes", "policy"];

/** The scopes that a supergraph requires for each type and field; empty when none. */
function scopesOf({ definitions }: DocumentNode): Map<string, string> {
  const scopes = new Map<string, string>();
  for (const type of definitions) {
    if (!isTypeDefinitionNode(type)) continue;
    const members = "fields" in type ? (type.fields ?? []) : [];
    for (const node of [type, ...members]) {
      const path = node === type ? type.name.value : `${type.name.value}.${node.name.value}`;
      const directives = (node.directives ?? []).filter(({ name }) =>
        ACCESS_DIRECTIVES.includes(name.value),
      );
      scopes.set(path, directives.map(print).sort().join(" "));
    }
  }
  return scopes;
}
