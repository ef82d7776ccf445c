// Breaking changes that are meant: each with a reason and an author, and good for nothing else.

import type { Change } from "./changes.ts";
import { parseJson } from "./operations.ts";
import { CouldNotRun } from "./problem.ts";

export interface Approval {
  /** The kind of change and its path, such as `FIELD_REMOVED Course.title`. */
  change: string;
  /** What it does, as the check says it: the same path can change in another way later. */
  message: string;
  reason: string;
  author: string;
  /** The day of the approval. */
  on: string;
}

const FIELDS = ["change", "message", "reason", "author", "on"] as const;

export function changeId({ kind, path }: Pick<Change, "kind" | "path">): string {
  return `${kind} ${path}`;
}

export function parseApprovals(text: string, file: string): Approval[] {
  const parsed = parseJson(text, file);
  const isApproval = (value: unknown): value is Approval =>
    FIELDS.every((name) => {
      const field = (value as Record<string, unknown> | null)?.[name];
      return typeof field === "string" && field.trim() !== "";
    });
  if (!Array.isArray(parsed) || !parsed.every(isApproval)) {
    const message = `expected a list of {${FIELDS.join(", ")}}, all of them text`;
    throw new CouldNotRun({ code: "INVALID_APPROVALS", message, place: { file, line: 1 } });
  }
  return parsed;
}

export function printApprovals(approvals: readonly Approval[]): string {
  const sorted = [...approvals].sort((a, b) => (changeKey(a) < changeKey(b) ? -1 : 1));
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}

const changeKey = ({ change, message }: Approval): string => `${change} ${message}`;

export function approvalOf(change: Change, approvals: readonly Approval[]): Approval | undefined {
  return approvals.find((approval) => isFor(approval, change));
}

export function isFor(approval: Approval, change: Change): boolean {
  return approval.change === changeId(change) && approval.message === change.message;
}
