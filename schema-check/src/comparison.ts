// Reads all that a check needs.

import { existsSync } from "node:fs";
import { type GraphQLSchema, parse } from "graphql";
import { type Access, rowsRemoved } from "./access-changes.ts";
import { type Approval, parseApprovals, splitBySpent } from "./approvals.ts";
import { type Baseline, loadBaseline } from "./baseline.ts";
import type { Change } from "./changes.ts";
import { allChanges, type Client, clientsOf, leftOut, type Remark } from "./check.ts";
import { apiSchema, compose } from "./composition.ts";
import { readText } from "./files.ts";
import { type Commit, folderOf, historyOf, readAt, shallowHint } from "./git.ts";
import { formerOperations, loadOperations, type Operation, withCounts } from "./operations.ts";
import { type Permissions, servedBy } from "./permissions.ts";
import { parsePermissions } from "./permissions-file.ts";
import { CouldNotRun, type Problem } from "./problem.ts";
import { loadSubgraphs, type Subgraph } from "./subgraphs.ts";
import { unknownViewers } from "./viewers.ts";

/** The options of every command that compares. */
export const comparisonOptions = {
  config: { type: "string", default: "supergraph.yaml" },
  against: { type: "string" },
  operations: { type: "string", default: "operations" },
  counts: { type: "string" },
  permissions: { type: "string" },
  approvals: { type: "string", default: "schema-check/approvals.json" },
} as const;

const PERMISSIONS = "docs/permissions.json";

export interface Where {
  config: string;
  against?: string;
  operations: string;
  counts?: string;
  permissions?: string;
  approvals: string;
}

export interface Comparison {
  subgraphs: Subgraph[];
  operations: Operation[];
  /** Those that count. */
  approvals: Approval[];
  /** Those that were merged before, and count no more. */
  spent: Approval[];
  remarks: Remark[];
  baseline?: Baseline;
  /** What is wrong with the commit that this would be compared with: no fault of what is here. */
  faultsBefore: FaultBefore[];
  graph: Graph | Refused;
}

export interface FaultBefore {
  /** Of the commit, as the report calls it. */
  name: string;
  problem: Problem;
}

export interface Graph {
  composes: true;
  supergraph: string;
  api: GraphQLSchema;
  changes: Change[];
  clients: Client[];
}

export interface Refused {
  composes: false;
  problems: Problem[];
}

export async function loadComparison(where: Where): Promise<Comparison> {
  const subgraphs = await loadSubgraphs(where.config);
  const rows = loadRows(where.permissions);
  const current = currentOperations(where.operations, rows);
  const found = await loadBaseline(where.against, where.config, [
    ...[where.config, where.operations, where.approvals, rows.file],
    ...subgraphs.map(({ origin }) => origin),
  ]);

  const notes: Notes = { remarks: [], faultsBefore: [] };
  noteBaseline(found, notes);
  const baseline = "api" in found ? found : undefined;
  const commit = "reason" in found ? undefined : found.commit;
  const operations = withRequests(where.counts, notes, [
    ...current,
    ...formerClients(where.operations, current, found, notes),
  ]);
  const { fresh: approvals, spent } = loadApprovals(where, commit, notes);
  const common = { subgraphs, operations, approvals, spent, baseline, ...notes };

  const result = compose(subgraphs);
  if (!result.composes) return { ...common, graph: result };

  const { supergraph } = result;
  const api = apiSchema(parse(supergraph));
  const changes = baseline
    ? await changesSince(baseline, { api, supergraph, subgraphs }, rows, notes)
    : [];
  const usedOf = clientsOf(operations, baseline?.api ?? api);
  return { ...common, graph: { composes: true, supergraph, api, changes, clients: usedOf } };
}

type Notes = Pick<Comparison, "remarks" | "faultsBefore">;
type Found = Awaited<ReturnType<typeof loadBaseline>>;

function noteBaseline(found: Found, notes: Notes): void {
  if ("reason" in found) {
    const text = `There is nothing to compare with: ${found.reason}. Changes were not looked at.`;
    notes.remarks.push(leftOut(text, "changes", "permissions", "approvals"));
  } else if ("problems" in found) {
    noteFaults(found.name, found.problems, notes);
    const text = `${found.name} is broken, so changes, permissions and former plans were not looked at.`;
    notes.remarks.push(leftOut(text, "changes", "permissions", "approvals"));
  }
}

function noteFaults(name: string, problems: readonly Problem[], { faultsBefore }: Notes): void {
  faultsBefore.push(...problems.map((problem) => ({ name, problem })));
}

/** Who may see what, as it is now. */
interface Rows {
  file: string;
  now?: Permissions;
}

/** The file that is asked for has to be there; a graph without one has nothing to compare. */
function loadRows(named: string | undefined): Rows {
  const file = named ?? PERMISSIONS;
  const isThere = named !== undefined || existsSync(file);
  return { file, now: isThere ? parsePermissions(readText(file), file) : undefined };
}

function currentOperations(where: string, { now }: Rows): Operation[] {
  const operations = loadOperations(where);
  const unknown = unknownViewers(operations, now && Object.keys(now.viewers));
  if (unknown.length > 0) throw new CouldNotRun(...unknown);
  return operations;
}

/** The documents that clients of the commit send. */
function formerClients(
  where: string,
  current: readonly Operation[],
  found: Found,
  notes: Notes,
): Operation[] {
  if ("reason" in found) return [];
  const former = found.commit && formerOperations(where, found.commit, current);
  if (!former) {
    const text = `Only the documents that are here count as sent: ${found.name} has no ${where}.`;
    notes.remarks.push(leftOut(text));
    return [];
  }
  noteFaults(found.name, former.problems, notes);
  return former.operations;
}

function withRequests(
  counts: string | undefined,
  { remarks }: Notes,
  all: Operation[],
): Operation[] {
  if (counts === undefined) return all;
  const { operations, unknown } = withCounts(all, counts);
  if (unknown.length > 0) {
    const text = `${counts} counts what is not among the operations: ${unknown.join(", ")}.`;
    remarks.push(leftOut(text));
  }
  return operations;
}

/** What the history up to the commit has approved is spent. */
function loadApprovals(
  { approvals: file, config }: Where,
  commit: Commit | undefined,
  { remarks }: Notes,
): { fresh: Approval[]; spent: Approval[] } {
  const written = existsSync(file) ? parseApprovals(readText(file), file) : [];
  if (written.length === 0) return { fresh: [], spent: [] };
  if (!commit) {
    const text = `Which approvals are spent is not known: only a commit has a history of ${file}.`;
    remarks.push(leftOut(text));
    return { fresh: written, spent: [] };
  }
  const hint = shallowHint(folderOf(config));
  if (hint) remarks.push(leftOut(`Of spent approvals only some may be known${hint}.`));
  return splitBySpent(written, historyOf(commit, file));
}

interface After {
  api: GraphQLSchema;
  supergraph: string;
  subgraphs: readonly Subgraph[];
}

async function changesSince(
  baseline: Baseline,
  after: After,
  rows: Rows,
  notes: Notes,
): Promise<Change[]> {
  const { commit } = baseline;
  const former = commit && readAt(commit, rows.file);
  const isGone = former !== undefined && !rows.now;
  return [
    ...(isGone ? [rowsRemoved(rows.file, former)] : []),
    ...(await allChanges({
      ...{ before: baseline.api, after: after.api },
      access: isGone ? undefined : bothAccesses(former, baseline, after, rows, notes),
      supergraphs: baseline.supergraph
        ? { before: baseline.supergraph, after: after.supergraph }
        : undefined,
    })),
  ];
}

function bothAccesses(
  former: string | undefined,
  { api, subgraphs = [], commit, name }: Baseline,
  after: After,
  { file, now }: Rows,
  notes: Notes,
): { before: Access; after: Access } | undefined {
  if (former === undefined || !now) {
    const side = former === undefined ? name : "this graph";
    const text = `Permissions were not compared: ${side} has no ${file}.`;
    notes.remarks.push(leftOut(text, "permissions"));
    return undefined;
  }
  try {
    const before = parsePermissions(former, `${commit?.ref}:${file}`);
    return {
      before: { permissions: before, served: servedBy(api, subgraphs) },
      after: { permissions: now, served: servedBy(after.api, after.subgraphs) },
    };
  } catch (cause) {
    if (!(cause instanceof CouldNotRun)) throw cause;
    noteFaults(name, cause.problems, notes);
    const text = `Permissions were not compared: those of ${name} are broken.`;
    notes.remarks.push(leftOut(text, "permissions"));
    return undefined;
  }
}
