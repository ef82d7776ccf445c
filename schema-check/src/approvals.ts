// Approvals of breaking changes: each has a reason and an author, and covers one change only.

import { createHash } from "node:crypto";
import type { Change } from "./changes.ts";
import { locateJson, parseJson } from "./json.ts";
import { CouldNotRun } from "./problem.ts";

export interface Approval {
  /** The kind of change and its path, such as `FIELD_REMOVED Course.title`. */
  change: string;
  /** The message of the check: the same path can change in another way later. */
  message: string;
  /** A hash of the definitions before and after the change. */
  definitions: string;
  reason: string;
  author: string;
  /** The day of the approval. */
  on: string;
  /** The baseline at the time, which makes two approvals of the same change distinct. */
  against: string;
}

const FIELDS = [
  "change",
  "message",
  "definitions",
  "reason",
  "author",
  "on",
  "against",
] as const satisfies (keyof Approval)[];

export function changeId({ kind, path }: Pick<Change, "kind" | "path">): string {
  return `${kind} ${path}`;
}

export function parseApprovals(text: string, file: string): Approval[] {
  const parsed = parseJson(text, file);
  const invalid = Array.isArray(parsed) ? parsed.findIndex((each) => !isApproval(each)) : -1;
  if (!Array.isArray(parsed) || invalid >= 0) {
    const message = `expected a list of objects with the non-empty strings ${FIELDS.join(", ")}, as \`lyceum-schema approve\` writes it`;
    const location = locateJson(text, file)(invalid >= 0 ? [`${invalid}`] : []);
    throw new CouldNotRun({ code: "INVALID_APPROVALS", message, location });
  }
  return parsed;
}

function isApproval(value: unknown): value is Approval {
  return FIELDS.every((name) => {
    const field = (value as Record<string, unknown> | null)?.[name];
    return typeof field === "string" && field.trim() !== "";
  });
}

export function printApprovals(approvals: readonly Approval[]): string {
  const sorted = [...approvals].sort((a, b) => (changeKey(a) < changeKey(b) ? -1 : 1));
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}

const changeKey = ({ change, message }: Approval): string => `${change} ${message}`;

/**
 * Splits the approvals of the file into active and consumed ones. An approval that is in the history of the
 * main branch is consumed, even if its change was reverted since.
 */
export function splitByConsumed(
  approvals: readonly Approval[],
  history: readonly string[],
): { active: Approval[]; consumed: Approval[] } {
  const former = new Set(history.flatMap(parseLeniently).map(identity));
  const isConsumed = (approval: Approval) => former.has(identity(approval));
  return {
    active: approvals.filter((approval) => !isConsumed(approval)),
    consumed: approvals.filter(isConsumed),
  };
}

/** Past versions of the file may be invalid; that is no reason to fail. */
function parseLeniently(text: string): Approval[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter(isApproval) : [];
  } catch {
    return [];
  }
}

const identity = (approval: Approval): string =>
  JSON.stringify(FIELDS.map((name) => approval[name]));

export function findApproval(change: Change, approvals: readonly Approval[]): Approval | undefined {
  return approvals.find((approval) => approves(approval, change));
}

export function approves(approval: Approval, change: Change): boolean {
  return (
    approval.change === changeId(change) &&
    approval.message === change.message &&
    approval.definitions === definitionsHash(change)
  );
}

export function definitionsHash({ definitions }: Change): string {
  return createHash("sha256").update(definitions().join("\n")).digest("hex").slice(0, 16);
}
