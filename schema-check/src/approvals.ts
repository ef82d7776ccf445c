// Breaking changes that are meant: each with a reason and an author, and good for nothing else.

import { createHash } from "node:crypto";
import type { Change } from "./changes.ts";
import { locateJson, parseJson } from "./json.ts";
import { CouldNotRun } from "./problem.ts";

export interface Approval {
  /** The kind of change and its path, such as `FIELD_REMOVED Course.title`. */
  change: string;
  /** What it does, as the check says it: the same path can change in another way later. */
  message: string;
  /** A hash of what stood there before and what stands there now. */
  definitions: string;
  reason: string;
  author: string;
  /** The day of the approval. */
  on: string;
  /** What it was compared with that day. So no two approvals are the same, not even of the same change. */
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
  const fault = Array.isArray(parsed) ? parsed.findIndex((each) => !isApproval(each)) : -1;
  if (!Array.isArray(parsed) || fault >= 0) {
    const message = `expected a list of {${FIELDS.join(", ")}}, all of them text: \`lyceum-schema approve\` writes it`;
    const place = locateJson(text, file)(fault >= 0 ? [`${fault}`] : []);
    throw new CouldNotRun({ code: "INVALID_APPROVALS", message, place });
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
 * Splits the approvals of the file into those that count and those that were merged before: an approval
 * that the history of the main branch has had is spent, whatever became of its change since.
 */
export function splitBySpent(
  approvals: readonly Approval[],
  history: readonly string[],
): { fresh: Approval[]; spent: Approval[] } {
  const former = new Set(history.flatMap(readAsFarAsPossible).map(identity));
  const isSpent = (approval: Approval) => former.has(identity(approval));
  return {
    fresh: approvals.filter((approval) => !isSpent(approval)),
    spent: approvals.filter(isSpent),
  };
}

/** What was broken at some time need not be mended to be history. */
function readAsFarAsPossible(text: string): Approval[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter(isApproval) : [];
  } catch {
    return [];
  }
}

const identity = (approval: Approval): string =>
  JSON.stringify(FIELDS.map((name) => approval[name]));

export function approvalOf(change: Change, approvals: readonly Approval[]): Approval | undefined {
  return approvals.find((approval) => isFor(approval, change));
}

export function isFor(approval: Approval, change: Change): boolean {
  return (
    approval.change === changeId(change) &&
    approval.message === change.message &&
    approval.definitions === definitionsOf(change)
  );
}

export function definitionsOf({ definitions }: Change): string {
  return createHash("sha256").update(definitions().join("\n")).digest("hex").slice(0, 16);
}
