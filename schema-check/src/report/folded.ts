// One mistake in a schema makes many errors of composition. Reports for people show the first of each kind.

import type { Finding } from "./report.ts";

export interface FoldedFinding {
  finding: Finding;
  /** The paths or messages of the others of its kind. */
  others: readonly string[];
}

/** Fewer than this are shown in full. */
const MIN_FOLDED = 4;

export function folded(findings: readonly Finding[]): FoldedFinding[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = causeOf(finding);
    const same = key === undefined ? undefined : groups.get(key);
    if (same) same.push(finding);
    else groups.set(key ?? `${groups.size}`, [finding]);
  }
  return [...groups.values()].flatMap((group): FoldedFinding[] => {
    const [finding] = group;
    if (!finding || group.length < MIN_FOLDED) {
      return group.map((each) => ({ finding: each, others: [] }));
    }
    return [{ finding, others: group.slice(1).map(({ path, message }) => path ?? message) }];
  });
}

/** Undefined for a finding that stands for itself. */
function causeOf({ section, severity, kind }: Finding): string | undefined {
  return section === "composition" ? `${severity} ${kind}` : undefined;
}

/** The line under the first one. */
export function othersText(others: readonly string[]): string | undefined {
  if (others.length === 0) return undefined;
  const named = [...new Set(others)];
  const shown = named.slice(0, MAX_NAMED).join(", ");
  const rest = named.length > MAX_NAMED ? ", …" : "";
  return `and ${others.length} more of this kind, probably with the same cause: ${shown}${rest}`;
}

const MAX_NAMED = 5;
