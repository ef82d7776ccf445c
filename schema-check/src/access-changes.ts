// Fields that other people may see than before: by the rows of two states of docs/permissions.json,
// and by the directives that make the router ask for scopes.

import { isTypeDefinitionNode, parse, print } from "graphql";
import type { Change } from "./changes.ts";
import { type Outcome, outcome, type Permissions } from "./permissions.ts";

/** A door: a field, a field that was reached through another one, or a type's key at a subgraph. */
interface Door {
  path: string;
  how: string;
  rule: string;
}

export function accessChanges(before: Permissions, after: Permissions): Change[] {
  const former = new Map(doors(before).map((door) => [keyOf(door), door]));
  return doors(after).flatMap((door) => {
    const old = former.get(keyOf(door));
    return old ? compareDoors(old, door, before, after) : [];
  });
}

const keyOf = ({ path, how }: Door): string => `${path} ${how}`;

function doors({ fields, types }: Permissions): Door[] {
  return [
    ...Object.entries(fields).flatMap(([path, { who, through = {} }]) => [
      { path, how: "", rule: who },
      ...Object.entries(through).map(([field, rule]) => ({
        path,
        how: ` when reached through '${field}'`,
        rule,
      })),
    ]),
    ...Object.entries(types).flatMap(([path, { entities }]) =>
      Object.entries(entities).map(([subgraph, rule]) => ({
        path,
        how: ` when asked for by key at '${subgraph}'`,
        rule,
      })),
    ),
  ];
}

function compareDoors(old: Door, now: Door, before: Permissions, after: Permissions): Change[] {
  const audiences = new Set([
    ...Object.keys(before.viewers),
    ...Object.keys(after.viewers),
    "owner",
  ]);
  const pairs = [...audiences].map((viewer) => ({
    viewer,
    was: outcomeFor(before, old.rule, viewer),
    is: outcomeFor(after, now.rule, viewer),
  }));
  const lost = pairs.filter(({ was, is }) => was === "allowed" && is !== "allowed");
  const won = pairs.filter(({ was, is }) => was !== "allowed" && is === "allowed");
  const refused = pairs.filter(
    ({ was, is }) => was !== is && was !== "allowed" && is !== "allowed",
  );

  const what = `'${now.path}'${now.how}`;
  const uses: Change["affects"] = ({ fields, outputTypes }) =>
    now.path.includes(".") ? fields.has(now.path) : outputTypes.has(now.path);
  const changes: Change[] = [];
  if (lost.length > 0) {
    const viewers = lost.map(({ viewer }) => viewer);
    changes.push({
      kind: "ACCESS_NARROWED",
      path: now.path,
      level: "breaking",
      message: `${what} is more private: no longer for ${list(viewers)}`,
      affects: (usage, viewer) => uses(usage) && viewers.some((lost) => isKindOf(lost, viewer)),
    });
  }
  if (won.length > 0) {
    changes.push({
      kind: "ACCESS_WIDENED",
      path: now.path,
      level: "dangerous",
      message: `${what} is more public: now for ${list(won.map(({ viewer }) => viewer))}, too`,
      affects: uses,
    });
  }
  if (refused.length > 0) {
    const ways = refused.map(({ viewer, was, is }) => `${viewer} (${was}, now ${is})`);
    changes.push({
      kind: "REFUSAL_CHANGED",
      path: now.path,
      level: "dangerous",
      message: `${what} is refused in another way: ${list(ways)}`,
      affects: uses,
    });
  }
  return changes;
}

/** Of an object that is somebody else's, unless the viewer is the one called "owner". */
function outcomeFor(permissions: Permissions, rule: string, viewer: string): Outcome {
  return outcome(permissions, rule, "owner", viewer);
}

function list(names: readonly string[]): string {
  return names.join(", ");
}

/** May the viewer in an operation's header be one of these? Whoever has signed in may own something. */
function isKindOf(audience: string, viewer: string | undefined): boolean {
  if (viewer === undefined) return true;
  if (audience === "owner") return viewer !== "anonymous";
  return audience.toLowerCase().endsWith(viewer.toLowerCase());
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
  const affects: Change["affects"] = ({ fields, outputTypes }) =>
    path.includes(".") ? fields.has(path) : outputTypes.has(path);
  if (is === "") {
    const message = `'${path}' is more public: it no longer has ${was}`;
    return { kind: "SCOPES_REMOVED", path, level: "dangerous", message, affects };
  }
  return was === ""
    ? {
        kind: "SCOPES_ADDED",
        path,
        level: "breaking",
        message: `'${path}' is more private: it has ${is}`,
        affects,
      }
    : {
        kind: "SCOPES_CHANGED",
        path,
        level: "breaking",
        message: `'${path}' is for others: it has ${is}, and had ${was}`,
        affects,
      };
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
