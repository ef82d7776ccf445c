// Reads the graph, its baseline, the operations and the approvals, and compares them.

import { existsSync } from "node:fs";
import type { DocumentNode, GraphQLSchema } from "graphql";
import { type Access, permissionsFileRemoved } from "./access-changes.ts";
import { allChanges } from "./all-changes.ts";
import { type Approval, parseApprovals, splitByConsumed } from "./approvals.ts";
import { type Baseline, loadBaseline } from "./baseline.ts";
import type { Change } from "./changes.ts";
import { type Client, clientsOf } from "./clients.ts";
import { apiSchema, compose } from "./composition.ts";
import { type ContractChanges, contractChanges } from "./contract-changes.ts";
import { type ComposedContract, composeContracts } from "./contracts.ts";
import { type Contract, contractsFile, loadContracts, parseContracts } from "./contracts-file.ts";
import { readText } from "./files.ts";
import { type Commit, fileHistory, folderOf, readAt, shallowHint } from "./git.ts";
import { parseHeaders } from "./introspect.ts";
import {
  formerOperations,
  loadOperations,
  NO_OPERATIONS,
  type Operation,
  ROUTER,
  withCounts,
} from "./operations.ts";
import { type Permissions, servedBy } from "./permissions.ts";
import { parsePermissions } from "./permissions-file.ts";
import { findConfig, findUsual } from "./places.ts";
import { CouldNotRun, type Problem } from "./problem.ts";
import { type ReceiverSchemas, receiverSchemas } from "./receivers.ts";
import { type SkippedCheck, skipped } from "./report/report.ts";
import { loadSubgraphs, type Subgraph } from "./subgraphs.ts";
import { readTraffic, recentTraffic } from "./traffic.ts";
import { type MeasuredTraffic, measure, trafficClient } from "./traffic-clients.ts";
import { parseDay, parseDays, parseThreshold } from "./traffic-options.ts";
import { unknownViewers } from "./viewers.ts";

/** The options of every command that compares with a baseline. */
export const comparisonOptions = {
  config: { type: "string" },
  against: { type: "string" },
  header: { type: "string", multiple: true, default: [] as string[] },
  operations: { type: "string", multiple: true },
  counts: { type: "string" },
  traffic: { type: "string", multiple: true, default: [] as string[] },
  "traffic-days": { type: "string" },
  "traffic-min": { type: "string" },
  "traffic-percent": { type: "string" },
  permissions: { type: "string" },
  approvals: { type: "string" },
} as const;

const PERMISSIONS = "docs/permissions.json";
const APPROVALS = "schema-check/approvals.json";

export interface ComparisonOptions {
  config?: string;
  against?: string;
  /** For `against`, if that is a URL. */
  header?: readonly string[];
  operations?: readonly string[];
  counts?: string;
  /** What clients really send. */
  traffic?: readonly string[];
  "traffic-days"?: string;
  "traffic-min"?: string;
  "traffic-percent"?: string;
  permissions?: string;
  approvals?: string;
}

export interface Comparison {
  /** The list of subgraphs. */
  config: string;
  approvalsFile: string;
  subgraphs: Subgraph[];
  operations: Operation[];
  /** Approvals that cover a change. */
  approvals: Approval[];
  /** Approvals that were merged before, and so cover nothing any more. */
  consumed: Approval[];
  skippedChecks: SkippedCheck[];
  baseline?: Baseline;
  /** Errors in the baseline, which the current graph is not to blame for. */
  baselineProblems: BaselineProblem[];
  graph: Graph | FailedComposition;
}

export interface BaselineProblem {
  /** The name of the baseline in the report. */
  name: string;
  problem: Problem;
}

export interface Graph {
  composes: true;
  supergraph: string;
  /** The supergraph, parsed. */
  document: DocumentNode;
  api: GraphQLSchema;
  /** What operations have to be valid against; without a baseline, both are the same. */
  schemas: { before: ReceiverSchemas; after: ReceiverSchemas };
  changes: Change[];
  clients: Client[];
  /** What the contracts have changed beyond that. */
  contracts: ContractChanges[];
  /** Why a contract is not a valid graph. */
  contractProblems: Problem[];
}

export interface FailedComposition {
  composes: false;
  problems: Problem[];
}

/** `onSubgraphs` gets the subgraphs before they are composed. */
export async function loadComparison(
  options: ComparisonOptions,
  onSubgraphs?: (subgraphs: readonly Subgraph[]) => void,
): Promise<Comparison> {
  const config = findConfig(options.config);
  const where = {
    ...options,
    config,
    approvals: options.approvals ?? findUsual(APPROVALS, config),
  };
  const subgraphs = await loadSubgraphs(where.config);
  onSubgraphs?.(subgraphs);
  const rows = loadPermissions(where.permissions, config);
  const places = operationPlaces(where.operations, where.config);
  const current = currentOperations(places, rows);
  const contracts = loadContracts(config);
  const files = [
    ...[where.config, contractsFile(config), ...places, where.approvals, rows.file],
    ...subgraphs.map(({ origin }) => origin),
  ];
  const headers = parseHeaders(where.header ?? []);
  const found = await loadBaseline(where.against, where.config, files, headers);

  const notes: ComparisonNotes = { skippedChecks: [], baselineProblems: [] };
  reportMissingBaseline(found, notes);
  const baseline = "api" in found ? found : undefined;
  const commit = "reason" in found ? undefined : found.commit;
  const counted = withRequestCounts(where.counts, notes, [
    ...current,
    ...baselineOperations(places, current, found, notes),
  ]);
  const { operations, others } = withTraffic(where, counted);
  if (operations.length === 0 && others.length === 0)
    notes.skippedChecks.push(noOperations(places));
  const { active: approvals, consumed } = loadApprovals(where, commit, notes);
  const approvalsFile = where.approvals;
  const common = {
    config,
    approvalsFile,
    subgraphs,
    operations,
    approvals,
    consumed,
    baseline,
    ...notes,
  };

  const result = compose(subgraphs);
  if (!result.composes) return { ...common, graph: result };

  const { supergraph, document } = result;
  const api = apiSchema(document);
  const after = receiverSchemas(api, subgraphs, operations);
  const before = baseline
    ? receiverSchemas(baseline.api, baseline.subgraphs ?? [], operations)
    : after;
  const former = before.get(ROUTER) ?? api;
  const unstored = others.map((records) => trafficClient(records, former));
  const clients = [...clientsOf(operations, before, after), ...unstored];
  const composed = { supergraph, document, api, schemas: { before, after }, clients };
  const changes = baseline
    ? await changesSinceBaseline(baseline, { ...composed, subgraphs }, rows, notes)
    : [];
  const contractsNow = composeContracts(document, contracts, subgraphs);
  const contractsBefore = baseline ? formerContracts(baseline, contracts, config, notes) : [];
  return {
    ...common,
    graph: {
      ...{ composes: true, ...composed, changes },
      contractProblems: contractsNow.problems,
      contracts: await contractChanges({
        ...{ before: contractsBefore, after: contractsNow.composed, listed: contracts },
        ...{ whole: changes, operations, others: unstored },
      }),
    },
  };
}

type ComparisonNotes = Pick<Comparison, "skippedChecks" | "baselineProblems">;
type LoadedBaseline = Awaited<ReturnType<typeof loadBaseline>>;

function reportMissingBaseline(found: LoadedBaseline, notes: ComparisonNotes): void {
  if ("reason" in found) {
    const text = `There is no baseline: ${found.reason}. Changes were not checked.`;
    notes.skippedChecks.push(skipped(text, "changes", "permissions", "approvals"));
  } else if ("problems" in found) {
    addBaselineProblems(found.name, found.problems, notes);
    const text = `The baseline ${found.name} is invalid. Changes, permissions and its query plans were not checked.`;
    notes.skippedChecks.push(skipped(text, "changes", "permissions", "approvals"));
  }
}

function addBaselineProblems(
  name: string,
  problems: readonly Problem[],
  { baselineProblems }: ComparisonNotes,
): void {
  baselineProblems.push(...problems.map((problem) => ({ name, problem })));
}

interface PermissionsFile {
  file: string;
  now?: Permissions;
}

/** A file given with --permissions must exist; a graph without the default file has no permissions. */
function loadPermissions(named: string | undefined, config: string): PermissionsFile {
  const file = named ?? findUsual(PERMISSIONS, config);
  const isPresent = named !== undefined || existsSync(file);
  return { file, now: isPresent ? parsePermissions(readText(file), file) : undefined };
}

const OPERATIONS = "operations";

/** The default folder, here or beside the list of subgraphs, need not exist; one that is named has to. */
function operationPlaces(named: readonly string[] | undefined, config: string): readonly string[] {
  if (named) return named.filter((place) => place !== NO_OPERATIONS);
  return [findUsual(OPERATIONS, config)].filter((place) => existsSync(place));
}

function noOperations(places: readonly string[]): SkippedCheck {
  const where =
    places.length > 0 ? `${places.join(", ")} has none` : "none were given (--operations FOLDER)";
  return skipped(
    `No operation was looked at: ${where}. So every breaking change counts as used.`,
    "operations",
    "plans",
  );
}

function currentOperations(where: readonly string[], { now }: PermissionsFile): Operation[] {
  const operations = loadOperations(where);
  const unknown = unknownViewers(
    operations.flatMap(({ viewers = [] }) => viewers),
    now && Object.keys(now.viewers),
  );
  if (unknown.length > 0) throw new CouldNotRun(...unknown);
  return operations;
}

/** The documents of the baseline, which clients may still send. */
function baselineOperations(
  where: readonly string[],
  current: readonly Operation[],
  found: LoadedBaseline,
  notes: ComparisonNotes,
): Operation[] {
  if ("reason" in found || where.length === 0) return [];
  const former = found.commit && formerOperations(where, found.commit, current);
  if (!former && current.length === 0) return [];
  if (!former) {
    const text = `Only current operations were checked: ${found.name} has no ${where.join(", ")}.`;
    notes.skippedChecks.push(skipped(text));
    return [];
  }
  addBaselineProblems(found.name, former.problems, notes);
  return former.operations;
}

function withRequestCounts(
  counts: string | undefined,
  { skippedChecks }: ComparisonNotes,
  all: Operation[],
): Operation[] {
  if (counts === undefined) return all;
  const { operations, unknown } = withCounts(all, counts);
  if (unknown.length > 0) {
    const text = `${counts} has unknown operations: ${unknown.join(", ")}.`;
    skippedChecks.push(skipped(text));
  }
  return operations;
}

/** With traffic, what nobody has sent lately is not in use, and other documents than the stored ones are. */
function withTraffic(where: ComparisonOptions, operations: Operation[]): MeasuredTraffic {
  const { traffic = [] } = where;
  if (traffic.length === 0) return { operations, others: [] };
  const days = parseDays(where["traffic-days"]);
  const threshold = parseThreshold(where["traffic-min"], where["traffic-percent"]);
  return measure(
    operations,
    recentTraffic(readTraffic(traffic), parseDay(undefined), days),
    threshold,
  );
}

/** An approval in the history of the baseline commit is consumed. */
function loadApprovals(
  { approvals: file, config }: ComparisonOptions & { config: string; approvals: string },
  commit: Commit | undefined,
  { skippedChecks }: ComparisonNotes,
): { active: Approval[]; consumed: Approval[] } {
  const written = existsSync(file) ? parseApprovals(readText(file), file) : [];
  if (written.length === 0) return { active: [], consumed: [] };
  if (!commit) {
    const text = `Consumed approvals were not detected: the baseline is not a commit, so ${file} has no history.`;
    skippedChecks.push(skipped(text));
    return { active: written, consumed: [] };
  }
  const hint = shallowHint(folderOf(config));
  if (hint) skippedChecks.push(skipped(`Consumed approvals may be undetected${hint}.`));
  return splitByConsumed(written, fileHistory(commit, file));
}

interface CurrentGraph extends Pick<Graph, "api" | "document" | "schemas" | "clients"> {
  subgraphs: readonly Subgraph[];
}

async function changesSinceBaseline(
  baseline: Baseline,
  after: CurrentGraph,
  rows: PermissionsFile,
  notes: ComparisonNotes,
): Promise<Change[]> {
  const { commit } = baseline;
  const former = commit && readAt(commit, rows.file);
  const isRemoved = former !== undefined && !rows.now;
  return [
    ...(isRemoved ? [permissionsFileRemoved(rows.file, former)] : []),
    ...(await allChanges({
      ...{ before: baseline.api, after: after.api },
      receivers: { ...after.schemas, clients: after.clients },
      access: isRemoved ? undefined : comparableAccess(former, baseline, after, rows, notes),
      supergraphs: baseline.document
        ? { before: baseline.document, after: after.document }
        : undefined,
    })),
  ];
}

/** The contracts of the baseline: of a commit those it lists, of a file those of now. */
function formerContracts(
  { commit, document, subgraphs = [], name }: Baseline,
  now: readonly Contract[],
  config: string,
  notes: ComparisonNotes,
): ComposedContract[] {
  const file = contractsFile(config);
  const listed = commit ? readAt(commit, file) : undefined;
  if (commit ? listed === undefined : now.length === 0) return [];
  if (!document) {
    const text = `Contracts were not compared: ${name} is not a supergraph.`;
    notes.skippedChecks.push(skipped(text));
    return [];
  }
  try {
    const former = listed === undefined ? now : parseContracts(listed, `${commit?.ref}:${file}`);
    const { composed, problems } = composeContracts(document, former, subgraphs);
    addBaselineProblems(name, problems, notes);
    return composed;
  } catch (cause) {
    if (!(cause instanceof CouldNotRun)) throw cause;
    addBaselineProblems(name, cause.problems, notes);
    return [];
  }
}

function comparableAccess(
  former: string | undefined,
  { api, subgraphs = [], commit, name }: Baseline,
  after: CurrentGraph,
  { file, now }: PermissionsFile,
  notes: ComparisonNotes,
): { before: Access; after: Access } | undefined {
  if (former === undefined || !now) {
    const missing = former === undefined ? name : "this graph";
    const text = `Permissions were not compared: ${missing} has no ${file}.`;
    notes.skippedChecks.push(skipped(text, "permissions"));
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
    addBaselineProblems(name, cause.problems, notes);
    const text = `Permissions were not compared: those of ${name} are invalid.`;
    notes.skippedChecks.push(skipped(text, "permissions"));
    return undefined;
  }
}
