// The verdict on a graph: composition, changes, clients, plans, permissions, style. No I/O.

import {
  GraphQLError,
  type GraphQLSchema,
  Kind,
  specifiedRules,
  validate,
  validateSchema,
} from "graphql";
import { accessChanges, isAboutAccess, scopeChanges } from "./access-changes.ts";
import { type Approval, approvalOf, isFor } from "./approvals.ts";
import { type Change, type Level, schemaChanges } from "./changes.ts";
import type { Comparison, Graph } from "./comparison.ts";
import { lintRules } from "./lint.ts";
import { placeOfPath } from "./locate.ts";
import type { Operation } from "./operations.ts";
import type { Permissions } from "./permissions.ts";
import { type PlanComparison, riseOf } from "./plans.ts";
import type { Place, Problem } from "./problem.ts";
import type { Exception, Rules } from "./rules.ts";
import type { SecondOpinion } from "./second-composer.ts";
import type { Subgraph } from "./subgraphs.ts";
import { supergraphDifferences } from "./supergraph-difference.ts";
import { type Usage, usageOf } from "./usage.ts";

export const sections = [
  "composition",
  "changes",
  "permissions",
  "operations",
  "plans",
  "lint",
  "approvals",
] as const;
export type Section = (typeof sections)[number];
export type Severity = "error" | "warning" | "note";

export interface Finding {
  section: Section;
  severity: Severity;
  /** What kind, such as `FIELD_REMOVED`; for lint the name of the rule. */
  kind: string;
  level?: Level;
  /** `Type.field` or the name of an operation. */
  path?: string;
  subgraph?: string;
  message: string;
  reason?: string;
  place?: Place;
  /** The operations that use it. */
  affected: readonly Operation[];
  approval?: Approval;
}

export interface Report {
  /** What the graph was compared with; nothing, if there was nothing. */
  against?: string;
  findings: Finding[];
  /** What was not looked at, and why. */
  remarks: string[];
  operations: number;
  plans: PlanComparison[];
}

export const isBroken = ({ findings }: Report): boolean =>
  findings.some(({ severity }) => severity === "error");

export interface Evidence {
  comparison: Comparison;
  rules: Rules;
  /** What the second composer says, if it was asked. */
  second?: SecondOpinion;
  /** Makes plans of operations, if that can be done. */
  plan?(operations: readonly Operation[]): PlanComparison[];
  /** The day, such as `2027-01-31`. */
  today: string;
  approvalsFile: string;
}

export function judge(evidence: Evidence): Report {
  const { comparison, second } = evidence;
  const { graph, baseline, operations, remarks } = comparison;
  const common = { against: baseline?.name, remarks, operations: operations.length };
  if (!graph.composes) {
    return { ...common, findings: compositionFindings(graph.problems), plans: [] };
  }
  const opinion = second ? secondOpinion(graph, second) : [];
  const invalid = validateSchema(graph.api).map(
    ({ message }): Problem => ({ code: "INVALID_SCHEMA", message }),
  );
  if (invalid.length > 0) {
    return { ...common, findings: [...opinion, ...compositionFindings(invalid)], plans: [] };
  }
  return { ...common, ...judgeGraph(graph, evidence, opinion) };
}

const SECOND = "@apollo/composition";
const COMPOSERS = ["@theguild/federation-composition", SECOND] as const;

function secondOpinion({ supergraph }: Graph, second: SecondOpinion): Finding[] {
  if (!second.composes) return compositionFindings(second.problems, SECOND);
  const differences = supergraphDifferences(supergraph, second.supergraph, COMPOSERS);
  return compositionFindings(
    differences.map((message): Problem => ({ code: "COMPOSERS_DIFFER", message })),
  );
}

function judgeGraph(
  { api, changes, clients }: Graph,
  { comparison, rules, plan, today, approvalsFile }: Evidence,
  opinion: Finding[],
): Pick<Report, "findings" | "plans"> {
  const { subgraphs, operations, approvals, baseline } = comparison;
  const changed = changeFindings(changes, clients, rules, approvals, subgraphs);
  const refused = operationFindings(operations, api, changed);
  const isRefused = new Set(refused.flatMap(({ affected }) => affected));
  const plans = plan ? plan(operations.filter((operation) => !isRefused.has(operation))) : [];
  return {
    plans,
    findings: [
      ...opinion,
      ...changed,
      ...refused,
      ...planFindings(plans, rules),
      ...lintFindings(api, subgraphs, rules, today),
      ...(baseline ? approvalFindings(approvals, changes, approvalsFile) : []),
    ],
  };
}

export function compositionFindings(problems: readonly Problem[], composer?: string): Finding[] {
  return problems.map(({ code, message, coordinate, subgraph, place }) => ({
    section: "composition",
    severity: "error",
    kind: code ?? "COMPOSITION_ERROR",
    path: coordinate,
    subgraph,
    message: composer ? `${message} (only ${composer} says so)` : message,
    place,
    affected: [],
  }));
}

export interface Sides {
  before: GraphQLSchema;
  after: GraphQLSchema;
  /** Who may see what, where both sides have it. */
  permissions?: { before: Permissions; after: Permissions };
  supergraphs?: { before: string; after: string };
}

/** All changes, those of who may see what included. */
export async function allChanges({
  before,
  after,
  permissions,
  supergraphs,
}: Sides): Promise<Change[]> {
  return [
    ...(await schemaChanges(before, after)),
    ...(permissions ? accessChanges(permissions.before, permissions.after) : []),
    ...(supergraphs ? scopeChanges(supergraphs.before, supergraphs.after) : []),
  ];
}

export interface Client {
  operation: Operation;
  usage: Usage;
}

export function clientsOf(operations: readonly Operation[], schema: GraphQLSchema): Client[] {
  return operations.map((operation) => ({ operation, usage: usageOf(operation.document, schema) }));
}

/** Those who use it; one that was counted and never came is nobody. */
export function affectedBy(change: Change, clients: readonly Client[]): Operation[] {
  return clients
    .filter(({ operation }) => operation.requests !== 0)
    .filter(({ operation, usage }) => change.affects(usage, operation.viewer))
    .map(({ operation }) => operation);
}

export function changeFindings(
  changes: readonly Change[],
  clients: readonly Client[],
  rules: Rules,
  approvals: readonly Approval[],
  subgraphs: readonly Subgraph[],
): Finding[] {
  return changes.flatMap((change): Finding[] => {
    const affected = change.level === "safe" ? [] : affectedBy(change, clients);
    const approval = change.level === "breaking" ? approvalOf(change, approvals) : undefined;
    const severity = approval ? "note" : severityOf(change, affected, rules);
    if (severity === "off") return [];
    const { kind, path, level, message, reason } = change;
    return [
      {
        section: isAboutAccess(change) ? "permissions" : "changes",
        ...{ severity, kind, level, path, message, affected, approval },
        reason: level === "safe" ? undefined : reason,
        place: placeOfPath(path, subgraphs),
      },
    ];
  });
}

function severityOf(
  { level }: Change,
  affected: readonly Operation[],
  { settings }: Rules,
): Severity | "off" {
  if (level === "safe") return "note";
  if (level === "dangerous") return settings.get("dangerous-change") ?? "warning";
  if (affected.length > 0) return "error";
  return settings.get("unused-breaking-change") ?? "warning";
}

/**
 * Documents that the new graph would refuse. One that a change breaks which was approved is only to
 * be taken out of the folder by then.
 */
export function operationFindings(
  operations: readonly Operation[],
  schema: GraphQLSchema,
  changes: readonly Finding[],
): Finding[] {
  return operations.flatMap((operation) => {
    const errors = [
      ...missingRoots(operation, schema),
      ...validate(schema, operation.document, specifiedRules, { maxErrors: 20 }),
    ];
    const causes = changes.filter(
      ({ level, affected }) => level === "breaking" && affected.includes(operation),
    );
    const isApproved = causes.length > 0 && causes.every(({ approval }) => approval !== undefined);
    return withoutRepetition(errors).map((error): Finding => {
      const at = error.locations?.[0];
      return {
        section: "operations",
        severity: isApproved ? "warning" : "error",
        kind: "INVALID_OPERATION",
        level: "breaking",
        path: operation.name,
        message: isApproved
          ? `${error.message} (approved, so clients no longer send it: take it away, or change it)`
          : error.message,
        place: operation.place.line === 1 ? { ...operation.place, ...at } : operation.place,
        affected: [operation],
      };
    });
  });
}

/** The rules of the specification have nothing on this: without a type they look at no field. */
function missingRoots({ document }: Operation, schema: GraphQLSchema): GraphQLError[] {
  return document.definitions.flatMap((node) =>
    node.kind !== Kind.OPERATION_DEFINITION || schema.getRootType(node.operation)
      ? []
      : new GraphQLError(`The schema has no ${node.operation} at all.`, { nodes: node }),
  );
}

/** A fragment that is used twice, or a type that is gone, is reported once. */
function withoutRepetition(errors: readonly GraphQLError[]): GraphQLError[] {
  const seen = new Set<string>();
  return errors.filter(({ message }) => !seen.has(message) && seen.add(message));
}

export function planFindings(plans: readonly PlanComparison[], { settings }: Rules): Finding[] {
  const severity = settings.get("plan-change") ?? "warning";
  return plans.flatMap((plan): Finding[] => {
    const { operation, after } = plan;
    const common = {
      section: "plans" as const,
      path: operation.name,
      place: operation.place,
      affected: [operation],
    };
    if ("error" in after) {
      const message = `the router cannot plan it: ${after.error}`;
      return [{ ...common, severity: "error", kind: "UNPLANNABLE", level: "breaking", message }];
    }
    const message = riseOf(plan);
    if (message === undefined || severity === "off") return [];
    return [{ ...common, severity, kind: "PLAN_GREW", level: "dangerous", message }];
  });
}

export function lintFindings(
  api: GraphQLSchema,
  subgraphs: readonly Subgraph[],
  rules: Rules,
  today: string,
): Finding[] {
  const used = new Set<Exception>();
  const findings = Object.entries(lintRules).flatMap(([kind, rule]) => {
    const setting = rules.settings.get(kind) ?? "error";
    if (setting === "off") return [];
    return rule({ api, subgraphs }).flatMap(({ path, message }): Finding[] => {
      const exception = rules.exceptions.find((each) => each.rule === kind && each.at === path);
      if (exception) used.add(exception);
      if (exception && exception.until >= today) return [];
      const ended = exception ? ` (its exception ended on ${exception.until})` : "";
      return [
        {
          section: "lint",
          severity: setting,
          kind,
          path,
          message: `${message}${ended}`,
          place: placeOfPath(path, subgraphs),
          affected: [],
        },
      ];
    });
  });
  return [...findings, ...rules.exceptions.filter((each) => !used.has(each)).map(idleException)];
}

function idleException({ rule, at, place }: Exception): Finding {
  return {
    section: "lint",
    severity: "warning",
    kind: "IDLE_EXCEPTION",
    path: at,
    message: `nothing here breaks \`${rule}\`: take the exception away`,
    place,
    affected: [],
  };
}

/** Approvals of what is no change (any more): merged, or taken back. */
export function approvalFindings(
  approvals: readonly Approval[],
  changes: readonly Change[],
  file: string,
): Finding[] {
  return approvals
    .filter((approval) => !changes.some((change) => isFor(approval, change)))
    .map(({ change, message }) => ({
      section: "approvals",
      severity: "note",
      kind: "STALE_APPROVAL",
      path: change,
      message: `approved, but no longer a change (${message}): take it out of the file`,
      place: { file },
      affected: [],
    }));
}
