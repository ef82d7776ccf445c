// Reads all that a check needs.

import { existsSync, statSync } from "node:fs";
import { type GraphQLSchema, parse } from "graphql";
import { type Approval, parseApprovals } from "./approvals.ts";
import { type Baseline, loadBaseline } from "./baseline.ts";
import type { Change } from "./changes.ts";
import { allChanges, type Client, clientsOf } from "./check.ts";
import { apiSchema, compose } from "./composition.ts";
import { readText } from "./files.ts";
import { readAt } from "./git.ts";
import { formerOperations, loadOperations, type Operation, withCounts } from "./operations.ts";
import { type Permissions, parsePermissions } from "./permissions.ts";
import type { Problem } from "./problem.ts";
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
  approvals: Approval[];
  /** What was not looked at, and why. */
  remarks: string[];
  baseline?: Baseline;
  graph: Graph | Refused;
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
  const baseline = "reason" in found ? undefined : found;
  if ("reason" in found) {
    remarks.push(`There is nothing to compare with: ${found.reason}. Changes were not looked at.`);
  }
  const operations = clients(where, baseline, remarks);
  const approvals = existsSync(where.approvals)
    ? parseApprovals(readText(where.approvals), where.approvals)
    : [];
  const common = { subgraphs, operations, approvals, remarks, baseline };

  const result = compose(subgraphs);
  if (!result.composes) return { ...common, graph: result };

  const { supergraph } = result;
  const api = apiSchema(parse(supergraph));
  const permissions = baseline && bothPermissions(where.permissions, baseline, remarks);
  const supergraphs = baseline?.supergraph
    ? { before: baseline.supergraph, after: supergraph }
    : undefined;
  const changes = baseline
    ? await allChanges({ before: baseline.api, after: api, permissions, supergraphs })
    : [];
  const usedOf = clientsOf(operations, baseline?.api ?? api);
  return { ...common, graph: { composes: true, supergraph, api, changes, clients: usedOf } };
}

/** The documents here, and those that clients of the commit send. */
function clients(where: Where, baseline: Baseline | undefined, remarks: string[]): Operation[] {
  const current = loadOperations(where.operations);
  const isFolder = statSync(where.operations).isDirectory();
  const former =
    baseline?.commit && isFolder
      ? formerOperations(where.operations, baseline.commit, current)
      : [];
  const all = [...current, ...former];
  if (!where.counts) return all;

  const { operations, unknown } = withCounts(all, where.counts);
  if (unknown.length > 0) {
    remarks.push(`${where.counts} counts what is not among the operations: ${unknown.join(", ")}.`);
  }
  return operations;
}

function bothPermissions(
  file: string,
  { commit, name }: Baseline,
  remarks: string[],
): { before: Permissions; after: Permissions } | undefined {
  const former = commit && readAt(commit, file);
  if (former === undefined || !existsSync(file)) {
    const side = former === undefined ? name : "this graph";
    remarks.push(`Permissions were not compared: ${side} has no ${file}.`);
    return undefined;
  }
  return {
    before: parsePermissions(former, `${name}:${file}`),
    after: parsePermissions(readText(file), file),
  };
}
