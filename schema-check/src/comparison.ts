// Reads all that a check needs.

import { existsSync, statSync } from "node:fs";
import { type GraphQLSchema, parse } from "graphql";
import type { Access } from "./access-changes.ts";
import { type Approval, parseApprovals, splitBySpent } from "./approvals.ts";
import { type Baseline, loadBaseline } from "./baseline.ts";
import type { Change } from "./changes.ts";
import { allChanges, type Client, clientsOf } from "./check.ts";
import { apiSchema, compose } from "./composition.ts";
import { readText } from "./files.ts";
import { type Commit, folderOf, historyOf, readAt, shallowHint } from "./git.ts";
import { formerOperations, loadOperations, type Operation, withCounts } from "./operations.ts";
import { servedBy } from "./permissions.ts";
import { parsePermissions } from "./permissions-file.ts";
import { CouldNotRun, type Problem } from "./problem.ts";
import { loadSubgraphs, type Subgraph } from "./subgraphs.ts";

/** The options of every command that compares. */
export const comparisonOptions = {
  config: { type: "string", default: "supergraph.yaml" },
  against: { type: "string" },
  operations: { type: "string", default: "operations" },
  counts: { type: "string" },
  permissions: { type: "string", default: "docs/permissions.json" },
  approvals: { type: "string", default: "schema-check/approvals.json" },
} as const;

export interface Where {
  config: string;
  against?: string;
  operations: string;
  counts?: string;
  permissions: string;
  approvals: string;
}

export interface Comparison {
  subgraphs: Subgraph[];
  operations: Operation[];
  /** Those that count. */
  approvals: Approval[];
  /** Those that were merged before, and count no more. */
  spent: Approval[];
  /** What was not looked at, and why. */
  remarks: string[];
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
  const remarks: string[] = [];
  const subgraphs = await loadSubgraphs(where.config);
  const found = await loadBaseline(where.against, where.config);
  const baseline = "api" in found ? found : undefined;
  const commit = "reason" in found ? undefined : found.commit;
  const faultsBefore: FaultBefore[] = [];
  const tell = (problems: readonly Problem[]) => {
    const name = commit?.name ?? "";
    faultsBefore.push(...problems.map((problem) => ({ name, problem })));
  };
  if ("reason" in found) {
    remarks.push(`There is nothing to compare with: ${found.reason}. Changes were not looked at.`);
  } else if ("problems" in found) {
    tell(found.problems);
    remarks.push(
      `${found.name} is broken, so changes, permissions and former plans were not looked at.`,
    );
  }
  const operations = clients(where, commit, remarks, tell);
  const { fresh: approvals, spent } = loadApprovals(where, commit, remarks);
  const common = { subgraphs, operations, approvals, spent, remarks, baseline, faultsBefore };

  const result = compose(subgraphs);
  if (!result.composes) return { ...common, graph: result };

  const { supergraph } = result;
  const api = apiSchema(parse(supergraph));
  const after = { api, subgraphs };
  const access = baseline && bothAccesses(where.permissions, baseline, after, remarks, tell);
  const supergraphs = baseline?.supergraph
    ? { before: baseline.supergraph, after: supergraph }
    : undefined;
  const changes = baseline
    ? await allChanges({ before: baseline.api, after: api, access, supergraphs })
    : [];
  const usedOf = clientsOf(operations, baseline?.api ?? api);
  return { ...common, graph: { composes: true, supergraph, api, changes, clients: usedOf } };
}

/** The documents here, and those that clients of the commit send. */
function clients(
  where: Where,
  commit: Commit | undefined,
  remarks: string[],
  tell: (problems: readonly Problem[]) => void,
): Operation[] {
  const all = loadOperations(where.operations);
  if (commit && statSync(where.operations).isDirectory()) {
    const former = formerOperations(where.operations, commit, all);
    all.push(...former.operations);
    tell(former.problems);
  }
  if (!where.counts) return all;

  const { operations, unknown } = withCounts(all, where.counts);
  if (unknown.length > 0) {
    remarks.push(`${where.counts} counts what is not among the operations: ${unknown.join(", ")}.`);
  }
  return operations;
}

/** What the history up to the commit has approved is spent. */
function loadApprovals(
  { approvals: file, config }: Where,
  commit: Commit | undefined,
  remarks: string[],
): { fresh: Approval[]; spent: Approval[] } {
  const written = existsSync(file) ? parseApprovals(readText(file), file) : [];
  if (written.length === 0) return { fresh: [], spent: [] };
  if (!commit) {
    remarks.push(`Which approvals are spent is not known: only a commit has a history of ${file}.`);
    return { fresh: written, spent: [] };
  }
  const hint = shallowHint(folderOf(config));
  if (hint) remarks.push(`Of spent approvals only some may be known${hint}.`);
  return splitBySpent(written, historyOf(commit, file));
}

function bothAccesses(
  file: string,
  { api, subgraphs = [], commit, name }: Baseline,
  after: { api: GraphQLSchema; subgraphs: readonly Subgraph[] },
  remarks: string[],
  tell: (problems: readonly Problem[]) => void,
): { before: Access; after: Access } | undefined {
  const former = commit && readAt(commit, file);
  const now = existsSync(file) ? parsePermissions(readText(file), file) : undefined;
  if (former === undefined || !now) {
    const side = former === undefined ? name : "this graph";
    remarks.push(`Permissions were not compared: ${side} has no ${file}.`);
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
    tell(cause.problems);
    return undefined;
  }
}
