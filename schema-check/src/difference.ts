// The changes between two states of a graph, for people: without operations, and so without a verdict.

import { scopeChanges } from "./access-changes.ts";
import type { Baseline } from "./baseline.ts";
import { type Change, type Level, schemaChanges } from "./changes.ts";

export interface Difference {
  from: string;
  to: string;
  changes: readonly Change[];
}

type State = Pick<Baseline, "name" | "api" | "document">;

export async function difference(before: State, after: State): Promise<Difference> {
  const changes = await schemaChanges(before.api, after.api);
  const scopes =
    before.document && after.document ? scopeChanges(before.document, after.document) : [];
  return { from: before.name, to: after.name, changes: [...changes, ...scopes] };
}

export const LEVELS: readonly Level[] = ["breaking", "dangerous", "safe"];

export const LEVEL_TITLES: Record<Level, string> = {
  breaking: "Breaking",
  dangerous: "Dangerous",
  safe: "Safe",
};

export function byLevel(changes: readonly Change[]): [Level, Change[]][] {
  return LEVELS.map((level): [Level, Change[]] => [
    level,
    changes.filter((change) => change.level === level),
  ]).filter(([, found]) => found.length > 0);
}

/** Such as `2 breaking, 1 safe`. */
export function countText(changes: readonly Change[]): string {
  const counts = byLevel(changes).map(([level, found]) => `${found.length} ${level}`);
  return counts.length > 0 ? counts.join(", ") : "no changes";
}
