// The verdict on a graph: composition, changes, clients, plans, permissions, style. No I/O.

import {
  GraphQLError,
  type GraphQLSchema,
  Kind,
  specifiedRules,
  validate,
  validateSchema,
} from "graphql";
import { type Access, accessChanges, isAboutAccess, scopeChanges } from "./access-changes.ts";
import { type Approval, approvalOf, changeId, isFor } from "./approvals.ts";
import { type Change, type Level, schemaChanges } from "./changes.ts";
import type { Comparison, FaultBefore, Graph } from "./comparison.ts";
import { lintRules } from "./lint.ts";
import { placeOfPath } from "./locate.ts";
import { type Operation, placeIn } from "./operations.ts";
import { type PlanComparison, riseOf } from "./plans.ts";
import { formatPlace, type Place, type Problem } from "./problem.ts";
import type { Exception, Rules } from "./rules.ts";
import type { SecondOpinion } from "./second-composer.ts";
import type { Subgraph } from "./subgraphs.ts";
import { supergraphDifferences } from "./supergraph-difference.ts";
import { undo } from "./undo.ts";
import { type Usage, usageOf } from "./usage.ts";

export const sections = [
  "run",
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
  /** What to do about it. */
  hint?: string;
  place?: Place;
  /** The operations that use it. */
  affected: readonly Operation[];
  approval?: Approval;
}

/** What was not looked at, and why. */
export interface Remark {
  text: string;
  /** The questions that have no answer for it. */
  skips: readonly Section[];
}

export const leftOut = (text: string, ...skips: Section[]): Remark => ({ text, skips });

export interface Report {
  /** The question could not be answered: the findings say why, and nothing else was looked at. */
  couldNotRun?: boolean;
  /** What the graph was compared with; nothing, if there was nothing. */
  against?: string;
  findings: Finding[];
  remarks: readonly Remark[];
  operations: number;
  plans: PlanComparison[];
}

export const isBroken = ({ findings }: Report): boolean =>
  findings.some(({ severity }) => severity === "error");

/** The report on a check that could not run. */
export function failedReport(problems: readonly Problem[]): Report {
  return {
    couldNotRun: true,
    findings: problems.map(
      ({ code, message, coordinate, subgraph, place }): Finding => ({
        section: "run",
        severity: "error",
        kind: code ?? "UNEXPECTED",
        path: coordinate,
        subgraph,
        message,
        place,
        affected: [],
      }),
    ),
    remarks: [],
    operations: 0,
    plans: [],
  };
}

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
  const { graph, baseline, operations, remarks, faultsBefore } = comparison;
  const common = { against: baseline?.name, remarks, operations: operations.length };
  const before = faultsBefore.map(faultBefore);
  const refused = { ...common, remarks: [...remarks, NOTHING_ELSE], plans: [] };
  if (!graph.composes) {
    return { ...refused, findings: [...before, ...compositionFindings(graph.problems)] };
  }
  const opinion = second ? secondOpinion(graph, second) : [];
  const invalid = validateSchema(graph.api).map(
    ({ message }): Problem => ({ code: "INVALID_SCHEMA", message }),
  );
  if (invalid.length > 0) {
    return { ...refused, findings: [...before, ...opinion, ...compositionFindings(invalid)] };
  }
  return { ...common, ...judgeGraph(graph, evidence, [...before, ...opinion]) };
}

const NOTHING_ELSE = leftOut(
  "Nothing else was looked at: that takes a graph that composes.",
  ...(["changes", "permissions", "operations", "plans", "lint", "approvals"] as const),
);

/** A warning: to mend it takes a change, and that change has to pass. */
function faultBefore({ name, problem }: FaultBefore): Finding {
  const at = problem.place ? ` (${formatPlace(problem.place)})` : "";
  const code = problem.code ? `[${problem.code}] ` : "";
  return {
    section: "composition",
    severity: "warning",
    kind: "BROKEN_BEFORE",
    path: problem.coordinate,
    subgraph: problem.subgraph,
    message: `${name} is broken, with which this is compared: ${code}${problem.message}${at}`,
    hint: "nothing is to be done, if this change mends it; what could not be compared is said below",
    affected: [],
  };
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
  const { subgraphs, operations, approvals, spent, baseline } = comparison;
  const changed = changeFindings(changes, clients, rules, approvals, {
    now: subgraphs,
    former: baseline?.subgraphs,
  });
  const refused = operationFindings(operations, {
    ...{ before: baseline?.api, after: api, rules, findings: changed },
    approved: changes.filter(
      (change) => !isAboutAccess(change) && approvalOf(change, approvals) !== undefined,
    ),
  });
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
      ...(baseline
        ? [
            ...spentFindings(spent, changes, changed, approvalsFile),
            ...approvalFindings([...approvals, ...spent], changes, approvalsFile),
          ]
        : []),
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
  access?: { before: Access; after: Access };
  supergraphs?: { before: string; after: string };
}

/** All changes, those of who may see what included. */
export async function allChanges({ before, after, access, supergraphs }: Sides): Promise<Change[]> {
  return [
    ...(await schemaChanges(before, after)),
    ...(access ? accessChanges(access.before, access.after) : []),
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
    .filter(({ operation: { viewers }, usage }) =>
      change.affects(
        usage,
        viewers?.map(({ name }) => name),
      ),
    )
    .map(({ operation }) => operation);
}

export function changeFindings(
  changes: readonly Change[],
  clients: readonly Client[],
  rules: Rules,
  approvals: readonly Approval[],
  subgraphs: { now: readonly Subgraph[]; former?: readonly Subgraph[] },
): Finding[] {
  return changes.flatMap((change): Finding[] => {
    const affected = change.level === "safe" ? [] : affectedBy(change, clients);
    const approval = isApprovable(change) ? approvalOf(change, approvals) : undefined;
    const severity = approval ? "note" : severityOf(change, affected, rules);
    if (severity === "off") return [];
    const { kind, path, level, message, reason } = change;
    return [
      {
        section: isAboutAccess(change) ? "permissions" : "changes",
        ...{ severity, kind, level, path, message, affected, approval },
        reason: level === "safe" ? undefined : reason,
        hint: severity === "error" ? `if it is meant: ${approving(change)}` : undefined,
        place: placeOfPath(path, subgraphs.now, subgraphs.former),
      },
    ];
  });
}

/** What can be an error, and can be meant. */
export function isApprovable(change: Change): boolean {
  return change.level === "breaking" || (isAboutAccess(change) && change.level !== "safe");
}

function approving(change: Pick<Change, "kind" | "path">): string {
  return `lyceum-schema approve --change '${changeId(change)}' --reason '…' --author '…'`;
}

function severityOf(
  change: Change,
  affected: readonly Operation[],
  { settings }: Rules,
): Severity | "off" {
  const { level } = change;
  if (level === "safe") return "note";
  if (isAboutAccess(change)) {
    const isBreaking = level === "breaking" && affected.length > 0;
    return isBreaking ? "error" : (settings.get("access-change") ?? "warning");
  }
  if (level === "dangerous") return settings.get("dangerous-change") ?? "warning";
  if (affected.length > 0) return "error";
  return settings.get("unused-breaking-change") ?? "warning";
}

export interface Validation {
  before?: GraphQLSchema;
  after: GraphQLSchema;
  rules: Rules;
  /** Of the changes. */
  findings: readonly Finding[];
  approved: readonly Change[];
}

/**
 * Documents that the new graph would refuse. What comes of changes that were approved has only to be
 * taken out of the folder by then, and what nobody sends is as bad as an unused breaking change.
 */
export function operationFindings(
  operations: readonly Operation[],
  { before, after, rules, findings, approved }: Validation,
): Finding[] {
  // Where this one is wrong, too, it is so for another reason than what was approved.
  const unapproved = before && approved.length > 0 ? undo(approved, before, after) : after;
  return operations.flatMap((operation) => {
    const elsewhere = new Set(errorsOf(operation, unapproved).flatMap(placesOf));
    const causes = findings.filter(
      ({ severity, affected }) => severity === "error" && affected.includes(operation),
    );
    const refused = errorsOf(operation, after).flatMap((error): Finding[] => {
      const isMeant = !placesOf(error).some((place) => elsewhere.has(place));
      const severity = isMeant ? "warning" : severityOfDocument(operation, rules);
      if (severity === "off") return [];
      const at = error.locations?.[0];
      return [
        {
          section: "operations",
          severity,
          kind: "INVALID_OPERATION",
          level: "breaking",
          path: operation.name,
          message: error.message,
          hint: isMeant
            ? "the change was approved, so clients no longer send this: take the document away, or change it"
            : documentHint(operation, causes),
          place: placeIn(operation, at),
          affected: [operation],
        },
      ];
    });
    const errors = refused.filter(({ severity }) => severity === "error");
    const others = refused.filter(({ severity }) => severity !== "error");
    return withoutRepetition([...errors, ...others]).slice(0, MOST_PER_OPERATION);
  });
}

/** After so many, errors of one document say nothing new. */
const MOST_PER_OPERATION = 20;

function errorsOf(operation: Operation, schema: GraphQLSchema): GraphQLError[] {
  const maxErrors = Number.MAX_SAFE_INTEGER;
  return [
    ...missingRoots(operation, schema),
    ...validate(schema, operation.document, specifiedRules, { maxErrors }),
  ];
}

function placesOf({ locations }: GraphQLError): string[] {
  return (locations ?? []).map(({ line, column }) => `${line}:${column}`);
}

function severityOfDocument({ requests }: Operation, { settings }: Rules): Severity | "off" {
  return requests === 0 ? (settings.get("unused-breaking-change") ?? "warning") : "error";
}

function documentHint({ requests, asOf }: Operation, causes: readonly Finding[]): string {
  if (requests === 0) return "nobody has sent it: take the document away, or change it";
  const meant = causes.map(({ kind, path = "" }) => changeId({ kind, path })).join(", ");
  const approve = meant && `, or approve what breaks it, if that is meant: ${meant}`;
  return asOf
    ? `it is gone here, but clients may still send it: keep what it asks for${approve}`
    : `change the document${approve}`;
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
function withoutRepetition(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ message }) => !seen.has(message) && seen.add(message));
}

export function planFindings(plans: readonly PlanComparison[], rules: Rules): Finding[] {
  const severity = rules.settings.get("plan-change") ?? "warning";
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
      const severity = severityOfDocument(operation, rules);
      return severity === "off"
        ? []
        : [{ ...common, severity, kind: "UNPLANNABLE", level: "breaking", message }];
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

/** Changes that had been approved, merged and taken back, and are here again: that needs a new approval. */
function spentFindings(
  spent: readonly Approval[],
  changes: readonly Change[],
  findings: readonly Finding[],
  file: string,
): Finding[] {
  return spent.flatMap((approval): Finding[] => {
    const change = changes.find((each) => isFor(approval, each));
    const told = change && findings.find((finding) => isOf(finding, change));
    if (!change || !told || told.approval) return [];
    return [
      {
        section: "approvals",
        severity: told.severity,
        kind: "SPENT_APPROVAL",
        path: approval.change,
        message: `the approval of ${approval.author} from ${approval.on} was merged before, and is not good for making the change again`,
        hint: `if it is meant again: ${approving(change)}`,
        place: { file },
        affected: [],
      },
    ];
  });
}

const isOf = (finding: Finding, { kind, path, message }: Change): boolean =>
  finding.kind === kind && finding.path === path && finding.message === message;

/** Approvals of what is no change (any more): merged, or taken back, or another change by now. */
export function approvalFindings(
  approvals: readonly Approval[],
  changes: readonly Change[],
  file: string,
): Finding[] {
  return approvals
    .filter((approval) => !changes.some((change) => isFor(approval, change)))
    .map(({ change, message }): Finding => {
      const isOther = changes.some((each) => changeId(each) === change);
      return {
        section: "approvals",
        severity: "note",
        kind: "STALE_APPROVAL",
        path: change,
        message: isOther
          ? `approved was another change of it, or from something else (${message})`
          : `approved, but no longer a change (${message})`,
        hint: isOther
          ? "approve it again, if it is still meant"
          : "take it out of the file; the next `approve` does so, too",
        place: { file },
        affected: [],
      };
    });
}
