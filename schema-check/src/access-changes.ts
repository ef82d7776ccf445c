// Fields that other people may see than before: by the rows of two states of docs/permissions.json,
// and by the directives that make the router ask for scopes.

import { isTypeDefinitionNode, parse, print } from "graphql";
import type { Change } from "./changes.ts";
import { outcomeOf, type Permissions, type Rule, type Served } from "./permissions.ts";
import { mayAnswerWith } from "./usage.ts";
import { mayBe } from "./viewers.ts";

/** Who may see what on one side, and what there is to see. */
export interface Access {
  permissions: Permissions;
  served: Served;
}

/** A field, a field that was reached through another one, or a type's key at a subgraph. */
type Door =
  | { kind: "field"; path: string }
  | { kind: "through"; path: string; field: string }
  | { kind: "key"; path: string; subgraph: string };

/** What a door says on one side; nothing, when what it leads to is not there at all. */
interface Terms {
  rule: Omit<Rule, "means">;
  /** Is it the door's own row, or what holds without one? */
  isWritten: boolean;
}

// What nobody has restricted is everyone's; what cannot be asked for, nobody's.
const UNRESTRICTED: Terms = { rule: { allowed: ["everyone"] }, isWritten: false };
const CLOSED: Terms = { rule: { allowed: [] }, isWritten: false };

export function accessChanges(before: Access, after: Access): Change[] {
  const doors = new Map(
    [...doorsOf(before.permissions), ...doorsOf(after.permissions)].map((door) => [
      JSON.stringify(door),
      door,
    ]),
  );
  return [
    ...[...doors.values()].flatMap((door) => compareDoor(door, before, after)),
    ...ownerChanges(before.permissions, after.permissions),
  ];
}

function doorsOf({ fields, types }: Permissions): Door[] {
  return [
    ...Object.entries(fields).flatMap(([path, { through = {} }]): Door[] => [
      { kind: "field", path },
      ...Object.keys(through).map((field): Door => ({ kind: "through", path, field })),
    ]),
    ...Object.entries(types).flatMap(([path, { entities }]) =>
      Object.keys(entities).map((subgraph): Door => ({ kind: "key", path, subgraph })),
    ),
  ];
}

function termsOf(door: Door, { permissions, served }: Access): Terms | undefined {
  const written = (name: string): Terms => ({
    rule: permissions.rules[name] as Rule,
    isWritten: true,
  });
  if (door.kind === "key") {
    const name = permissions.types[door.path]?.entities[door.subgraph];
    if (name !== undefined) return written(name);
    if (served.keys.has(`${door.path} ${door.subgraph}`)) return UNRESTRICTED;
    const isThere = [...served.fields].some((field) => field.startsWith(`${door.path}.`));
    return isThere ? CLOSED : undefined;
  }
  const row = permissions.fields[door.path];
  if (!row) return served.fields.has(door.path) ? UNRESTRICTED : undefined;
  if (door.kind === "field") return written(row.who);
  const own = row.through?.[door.field];
  return own === undefined ? { ...written(row.who), isWritten: false } : written(own);
}

/** What comes and goes with its field is told by the change of the schema. */
function compareDoor(door: Door, before: Access, after: Access): Change[] {
  const [old, now] = [termsOf(door, before), termsOf(door, after)];
  if (!old || !now) return [];
  if (door.kind !== "through") return compareTerms(door, old, now, before, after);

  if (!after.served.fields.has(door.field)) return [];
  const changes = compareTerms(door, old, now, before, after);
  // Through a field that is new nobody has seen anything, so nobody loses it.
  return before.served.fields.has(door.field)
    ? changes
    : changes.filter(({ kind }) => kind === "ACCESS_WIDENED");
}

function compareTerms(door: Door, old: Terms, now: Terms, before: Access, after: Access): Change[] {
  const audiences = new Set([
    ...Object.keys(before.permissions.viewers),
    ...Object.keys(after.permissions.viewers),
    "owner",
  ]);
  // Of an object that is somebody else's, unless the viewer is the one called "owner".
  const pairs = [...audiences].map((viewer) => ({
    viewer,
    was: outcomeOf(old.rule, "owner", viewer),
    is: outcomeOf(now.rule, "owner", viewer),
  }));
  const lost = pairs.filter(({ was, is }) => was === "allowed" && is !== "allowed");
  const won = pairs.filter(({ was, is }) => was !== "allowed" && is === "allowed");
  const refused = pairs.filter(
    ({ was, is }) => was !== is && was !== "allowed" && is !== "allowed",
  );

  const { path } = door;
  const what = `'${path}'${howOf(door)}`;
  const why = rowChange(door, old, now);
  const uses: Change["affects"] = (usage) => mayAnswerWith(usage, path);
  const common = { path, definitions: () => texts(old, now) };
  const changes: Change[] = [];
  if (lost.length > 0) {
    const viewers = lost.map(({ viewer }) => viewer);
    changes.push({
      ...common,
      kind: "ACCESS_NARROWED",
      // What a subgraph no longer knows by key the router asks of another one, or refuses to compose.
      level: now === CLOSED ? "dangerous" : "breaking",
      message: `${what} is more private: no longer for ${list(viewers)}${why}`,
      affects: (usage, senders) => uses(usage) && viewers.some((lost) => mayBe(lost, senders)),
    });
  }
  if (won.length > 0) {
    changes.push({
      ...common,
      kind: "ACCESS_WIDENED",
      level: "dangerous",
      message: `${what} is more public: now for ${list(won.map(({ viewer }) => viewer))}, too${why}`,
      affects: uses,
    });
  }
  if (refused.length > 0 && now !== CLOSED && old !== CLOSED) {
    const ways = refused.map(({ viewer, was, is }) => `${viewer} (${was}, now ${is})`);
    changes.push({
      ...common,
      kind: "REFUSAL_CHANGED",
      level: "dangerous",
      message: `${what} is refused in another way: ${list(ways)}${why}`,
      affects: uses,
    });
  }
  if (changes.length === 0 && why !== "" && door.kind !== "through") {
    changes.push({
      ...common,
      kind: now.isWritten ? "ACCESS_ROW_ADDED" : "ACCESS_ROW_REMOVED",
      level: "safe",
      message: `${what} is for the same people as before${why}`,
      affects: uses,
    });
  }
  return changes;
}

function howOf(door: Door): string {
  if (door.kind === "through") return ` when reached through '${door.field}'`;
  return door.kind === "key" ? ` when asked for by key at '${door.subgraph}'` : "";
}

/** In words; empty, where there is a row on both sides, or none. */
function rowChange({ kind }: Door, old: Terms, now: Terms): string {
  if (old === CLOSED) return " (it had no such key)";
  if (now === CLOSED) return " (it has no such key any more)";
  if (old.isWritten === now.isWritten) return "";
  const what = kind === "through" ? "a rule of its own there" : "a row";
  return now.isWritten ? ` (it had not ${what})` : ` (it has not ${what} any more)`;
}

const texts = (old: Terms, now: Terms): [string, string] => [textOf(old), textOf(now)];

function textOf({ rule: { allowed, otherwise, anonymous } }: Terms): string {
  return JSON.stringify([[...allowed].sort(), otherwise, anonymous]);
}

/** Without the rows nobody can tell any more who may see what. */
export function rowsRemoved(file: string, former: string): Change {
  return {
    kind: "ACCESS_ROWS_REMOVED",
    path: file,
    level: "breaking",
    message: `'${file}' is gone, which said who may see what`,
    definitions: () => [former, ""],
    affects: () => true,
  };
}

/** The rules can stay as they are and be about other people's things. */
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
            affects: (usage) => mayAnswerWith(usage, path),
          },
        ];
  const usual = "the usual owner";
  return [
    ...Object.entries(after.types).flatMap(([type, { owner }]) =>
      change(type, "belongs to somebody else", before.types[type]?.owner ?? owner, owner),
    ),
    ...Object.entries(after.fields).flatMap(([field, { leadsTo = usual }]) => {
      const former = before.fields[field];
      return former
        ? change(field, "leads to somebody else's", former.leadsTo ?? usual, leadsTo)
        : [];
    }),
  ];
}

function list(names: readonly string[]): string {
  return names.join(", ");
}

export function isAboutAccess({ kind }: Pick<Change, "kind">): boolean {
  return /^(ACCESS|REFUSAL|SCOPES)_/.test(kind);
}

export function scopeChanges(before: string, after: string): Change[] {
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
    affects: (usage) => mayAnswerWith(usage, path),
  };
  if (is === "") {
    const message = `'${path}' is more public: it no longer has ${was}`;
    return { ...common, kind: "SCOPES_REMOVED", level: "dangerous", message };
  }
  if (was === "") {
    const message = `'${path}' is more private: it has ${is}`;
    return { ...common, kind: "SCOPES_ADDED", level: "breaking", message };
  }
  const message = `'${path}' is for others: it has ${is}, and had ${was}`;
  return { ...common, kind: "SCOPES_CHANGED", level: "breaking", message };
}

const ASKING = ["authenticated", "requiresScopes", "policy"];

/** What a supergraph asks of who selects a type or a field: text, empty when nothing. */
function scopesOf(supergraph: string): Map<string, string> {
  const scopes = new Map<string, string>();
  for (const type of parse(supergraph).definitions) {
    if (!isTypeDefinitionNode(type)) continue;
    const members = "fields" in type ? (type.fields ?? []) : [];
    for (const node of [type, ...members]) {
      const path = node === type ? type.name.value : `${type.name.value}.${node.name.value}`;
      const asked = (node.directives ?? []).filter(({ name }) => ASKING.includes(name.value));
      scopes.set(path, asked.map(print).sort().join(" "));
    }
  }
  return scopes;
}
