// Evaluates a graph: composition, changes, operations, plans, permissions, lint. No I/O.

import {
  GraphQLError,
  type GraphQLSchema,
  Kind,
  specifiedRules,
  validate,
  validateSchema,
} from "graphql";
import { isAboutAccess } from "./access-changes.ts";
import { type Approval, approves, changeId, findApproval } from "./approvals.ts";
import type { Baseline } from "./baseline.ts";
import { type Change, isDeprecation, isSeenAt } from "./changes.ts";
import { affectedBy, type Client } from "./clients.ts";
import type { BaselineProblem, Comparison, Graph } from "./comparison.ts";
import { exists } from "./contract.ts";
import type { CrossComposition } from "./cross-check.ts";
import { lintRules, type Violation } from "./lint.ts";
import { locatePath } from "./locate.ts";
import { locateError, type Operation, ROUTER, receiverOf } from "./operations.ts";
import { describeCostIncrease, type PlanComparison } from "./plans.ts";
import { formatLocation, type Problem } from "./problem.ts";
import { internalSubgraph } from "./receiver-changes.ts";
import type { ReceiverSchemas } from "./receivers.ts";
import { type Finding, type Report, type Severity, skipped } from "./report/report.ts";
import { revertChanges } from "./revert-changes.ts";
import type { Exception, Rules } from "./rules.ts";
import type { Subgraph } from "./subgraphs.ts";
import { supergraphDifferences } from "./supergraph-difference.ts";

export interface CheckInput {
  comparison: Comparison;
  rules: Rules;
  /** The result of the second composer, if it is installed. */
  crossComposition?: CrossComposition;
  /** Plans operations, if a planner is available. */
  plan?(operations: readonly Operation[]): PlanComparison[];
  /** Today's date, such as `2027-01-31`. */
  today: string;
  approvalsFile: string;
}

export function evaluate(input: CheckInput): Report {
  const { comparison, crossComposition } = input;
  const { graph, baseline, operations, skippedChecks, baselineProblems } = comparison;
  const common = { against: baseline?.name, skippedChecks, operations: operations.length };
  const before = baselineProblems.map(baselineFinding);
  const incomplete = { ...common, skippedChecks: [...skippedChecks, NOT_COMPOSED], plans: [] };
  if (!graph.composes) {
    return { ...incomplete, findings: [...before, ...compositionFindings(graph.problems)] };
  }
  const composition = [
    ...(crossComposition ? crossCheckFindings(graph, crossComposition) : []),
    ...compositionFindings(graph.contractProblems),
  ];
  const invalid = validateSchema(graph.api).map(
    ({ message }): Problem => ({ code: "INVALID_SCHEMA", message }),
  );
  if (invalid.length > 0) {
    return {
      ...incomplete,
      findings: [...before, ...composition, ...compositionFindings(invalid)],
    };
  }
  return { ...common, ...evaluateGraph(graph, input, [...before, ...composition]) };
}

const NOT_COMPOSED = skipped(
  "Nothing else was checked: the subgraphs do not compose into a valid schema.",
  ...(["changes", "permissions", "operations", "plans", "lint", "approvals"] as const),
);

/** A warning rather than an error: the change that fixes the baseline has to pass. */
function baselineFinding({ name, problem }: BaselineProblem): Finding {
  const at = problem.location ? ` (${formatLocation(problem.location)})` : "";
  const code = problem.code ? `[${problem.code}] ` : "";
  return {
    section: "composition",
    severity: "warning",
    kind: "INVALID_BASELINE",
    path: problem.coordinate,
    subgraph: problem.subgraph,
    message: `the baseline ${name} is invalid: ${code}${problem.message}${at}`,
    hint: "no action is needed if this change fixes it; the report lists what could not be compared",
    affected: [],
  };
}

const APOLLO = "@apollo/composition";
const COMPOSERS = ["@theguild/federation-composition", APOLLO] as const;

function crossCheckFindings({ document }: Graph, other: CrossComposition): Finding[] {
  if (!other.composes) return compositionFindings(other.problems, APOLLO);
  const differences = supergraphDifferences(document, other.supergraph, COMPOSERS);
  return compositionFindings(
    differences.map((message): Problem => ({ code: "COMPOSERS_DIFFER", message })),
  );
}

function evaluateGraph(
  { api, schemas, changes, clients, contracts }: Graph,
  { comparison, rules, plan, today, approvalsFile }: CheckInput,
  earlier: Finding[],
): Pick<Report, "findings" | "plans"> {
  const { subgraphs, operations, approvals, consumed, baseline } = comparison;
  const places = { now: subgraphs, former: baseline?.subgraphs };
  const changed = changeFindings(changes, clients, rules, approvals, places);
  const changedContracts = contracts.flatMap((each) =>
    changeFindings(each.changes, each.clients, rules, approvals, places).map((finding) => ({
      ...finding,
      contract: each.name,
    })),
  );
  const approvable = [...changes, ...contracts.flatMap((each) => each.changes)];
  const invalid = operationFindings(operations, {
    ...{ ...schemas, rules, findings: changed },
    approved: changes.filter(
      (change) => !isAboutAccess(change) && findApproval(change, approvals) !== undefined,
    ),
  });
  const invalidOperations = new Set(invalid.flatMap(({ affected }) => affected));
  const planned = operations.filter(
    (operation) => receiverOf(operation) === ROUTER && !invalidOperations.has(operation),
  );
  const plans = plan ? plan(planned) : [];
  return {
    plans,
    findings: [
      ...earlier,
      ...changed,
      ...changedContracts,
      ...invalid,
      ...planFindings(plans, rules),
      ...(isLinted({ rules, baseline })
        ? lintFindings(api, subgraphs, rules, today, baseline)
        : []),
      ...(baseline
        ? [
            ...consumedFindings(
              consumed,
              approvable,
              [...changed, ...changedContracts],
              approvalsFile,
            ),
            ...approvalFindings([...approvals, ...consumed], approvable, approvalsFile),
          ]
        : []),
    ],
  };
}

export function compositionFindings(problems: readonly Problem[], composer?: string): Finding[] {
  return problems.map(({ code, message, coordinate, subgraph, location }) => ({
    section: "composition",
    severity: "error",
    kind: code ?? "COMPOSITION_ERROR",
    path: coordinate,
    subgraph,
    message: composer ? `${message} (reported only by ${composer})` : message,
    location,
    affected: [],
  }));
}

export function changeFindings(
  changes: readonly Change[],
  clients: readonly Client[],
  rules: Rules,
  approvals: readonly Approval[],
  subgraphs: { now: readonly Subgraph[]; former?: readonly Subgraph[] },
): Finding[] {
  // Without any operation, a plain comparison of the schemas: somebody may use what breaks.
  const hasOperations = clients.length > 0;
  return changes.flatMap((change): Finding[] => {
    const isUseOfInterest = change.level !== "safe" || isDeprecation(change);
    const affected = isUseOfInterest ? affectedBy(change, clients) : [];
    const approval = isApprovable(change) ? findApproval(change, approvals) : undefined;
    const isUnused = hasOperations && affected.length === 0;
    const severity = approval ? "note" : severityOf(change, isUnused, rules);
    if (severity === "off") return [];
    const { kind, path, level, message, reason } = change;
    const subgraph = internalSubgraph(change);
    const isInvolved = ({ name }: Subgraph) => subgraph === undefined || name === subgraph;
    return [
      {
        section: isAboutAccess(change) ? "permissions" : "changes",
        ...{ severity, kind, level, path, subgraph, message, affected, approval },
        reason: level === "safe" ? undefined : reason,
        hint: severity === "error" ? `if intended: ${approveCommandLine(change)}` : undefined,
        location: locatePath(
          path,
          subgraphs.now.filter(isInvolved),
          subgraphs.former?.filter(isInvolved),
        ),
      },
    ];
  });
}

/** Whether the change can be an error, and so can be approved. */
export function isApprovable(change: Change): boolean {
  return change.level === "breaking" || (isAboutAccess(change) && change.level !== "safe");
}

function approveCommandLine(change: Pick<Change, "kind" | "path">): string {
  return `lyceum-schema approve --change '${changeId(change)}' --reason '…' --author '…'`;
}

function severityOf(change: Change, isUnused: boolean, { settings }: Rules): Severity | "off" {
  const { level } = change;
  if (level === "safe") return "note";
  if (isAboutAccess(change)) {
    const isBreaking = level === "breaking" && !isUnused;
    return isBreaking ? "error" : (settings.get("access-change") ?? "warning");
  }
  if (level === "dangerous") return settings.get("dangerous-change") ?? "warning";
  if (!isUnused) return "error";
  return settings.get("unused-breaking-change") ?? "warning";
}

export interface Validation {
  before: ReceiverSchemas;
  after: ReceiverSchemas;
  rules: Rules;
  /** Findings on the changes. */
  findings: readonly Finding[];
  approved: readonly Change[];
}

/**
 * Operations that are invalid against the new schema of their receiver. A warning if an approved change is the cause, since the
 * document still has to be removed or changed. An operation with 0 requests counts as an unused breaking change.
 */
export function operationFindings(
  operations: readonly Operation[],
  { before, after, rules, findings, approved }: Validation,
): Finding[] {
  // An error that remains in the reverted schema has another cause than the approved changes.
  const reverted = revertedSchemas(approved, before, after);
  return operations.flatMap((operation) => {
    const errors = errorsOf(operation, after);
    if (errors.length === 0) return [];
    const isReverted = reverted.get(receiverOf(operation)) !== after.get(receiverOf(operation));
    const remaining = isReverted ? errorsOf(operation, reverted) : errors;
    const positionsInReverted = new Set(remaining.flatMap(positionsOf));
    const causes = findings.filter(
      ({ severity, affected }) => severity === "error" && affected.includes(operation),
    );
    const invalid = errors.flatMap((error): Finding[] => {
      const isApproved = !positionsOf(error).some((location) => positionsInReverted.has(location));
      const severity = isApproved ? "warning" : invalidOperationSeverity(operation, rules);
      if (severity === "off") return [];
      return [
        {
          section: "operations",
          severity,
          kind: "INVALID_OPERATION",
          level: "breaking",
          path: operation.name,
          message: error.message,
          hint: isApproved
            ? "the change is approved, so clients no longer send this document: remove or change it"
            : invalidOperationHint(operation, causes),
          location: locateError(operation, error),
          affected: [operation],
        },
      ];
    });
    const failing = invalid.filter(({ severity }) => severity === "error");
    const others = invalid.filter(({ severity }) => severity !== "error");
    return uniqueByMessage([...failing, ...others]).slice(0, MAX_ERRORS_PER_OPERATION);
  });
}

const MAX_ERRORS_PER_OPERATION = 20;

function revertedSchemas(
  approved: readonly Change[],
  before: ReceiverSchemas,
  after: ReceiverSchemas,
): ReceiverSchemas {
  return new Map(
    [...after].map(([receiver, schema]) => {
      const former = before.get(receiver);
      const seen = approved.filter((change) => isSeenAt(change, receiver));
      return [receiver, former && seen.length > 0 ? revertChanges(seen, former, schema) : schema];
    }),
  );
}

function errorsOf(operation: Operation, schemas: ReceiverSchemas): GraphQLError[] {
  const receiver = receiverOf(operation);
  const schema = schemas.get(receiver);
  if (!schema) {
    const message = `There is no subgraph "${receiver}".`;
    return [new GraphQLError(message, { nodes: operation.document })];
  }
  const maxErrors = Number.MAX_SAFE_INTEGER;
  return [
    ...missingRoots(operation, schema),
    ...validate(schema, operation.document, specifiedRules, { maxErrors }),
  ];
}

function positionsOf({ locations, source }: GraphQLError): string[] {
  return (locations ?? []).map(({ line, column }) => `${source?.name}:${line}:${column}`);
}

function invalidOperationSeverity({ requests }: Operation, { settings }: Rules): Severity | "off" {
  return requests === 0 ? (settings.get("unused-breaking-change") ?? "warning") : "error";
}

function invalidOperationHint({ requests, asOf }: Operation, causes: readonly Finding[]): string {
  if (requests === 0) return "no client has sent it: remove or change the document";
  const changeIds = causes.map(({ kind, path = "" }) => changeId({ kind, path })).join(", ");
  const approve = changeIds && `, or approve the breaking change if intended: ${changeIds}`;
  return asOf
    ? `the document was removed, but clients may still send it: keep the fields that it selects${approve}`
    : `change the document${approve}`;
}

/** The validation rules of GraphQL skip an operation whose root type is missing. */
function missingRoots({ document }: Operation, schema: GraphQLSchema): GraphQLError[] {
  return document.definitions.flatMap((node) =>
    node.kind !== Kind.OPERATION_DEFINITION || schema.getRootType(node.operation)
      ? []
      : new GraphQLError(`The schema has no ${node.operation} type.`, { nodes: node }),
  );
}

/** Reports an error in a repeated fragment, or a removed type, only once. */
function uniqueByMessage(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ message }) => !seen.has(message) && seen.add(message));
}

export function planFindings(plans: readonly PlanComparison[], rules: Rules): Finding[] {
  const severity = rules.settings.get("plan-change") ?? "warning";
  return plans.flatMap((plan): Finding[] => {
    const { operation, before, after } = plan;
    const common = {
      section: "plans" as const,
      path: operation.name,
      location: operation.location,
      affected: [operation],
    };
    if ("error" in after && before && "error" in before) {
      const message = `the router cannot plan the operation, and could not plan it in the baseline either: ${after.error}`;
      return [{ ...common, severity: "warning", kind: "UNPLANNABLE_BASELINE", message }];
    }
    if ("error" in after) {
      const message = `the router cannot plan the operation: ${after.error}`;
      const severity = invalidOperationSeverity(operation, rules);
      return severity === "off"
        ? []
        : [{ ...common, severity, kind: "UNPLANNABLE", level: "breaking", message }];
    }
    const message = describeCostIncrease(plan);
    if (message === undefined || severity === "off") return [];
    return [{ ...common, severity, kind: "PLAN_COST_INCREASED", level: "dangerous", message }];
  });
}

/** Without a baseline it is not known what a change adds. */
export function isLinted({ rules, baseline }: { rules: Rules; baseline?: Baseline }): boolean {
  return rules.lint === "all" || baseline !== undefined;
}

export function lintFindings(
  api: GraphQLSchema,
  subgraphs: readonly Subgraph[],
  rules: Rules,
  today: string,
  baseline?: Pick<Baseline, "api" | "subgraphs">,
): Finding[] {
  const used = new Set<Exception>();
  const isOld = rules.lint === "added" && baseline ? oldViolations(baseline) : () => false;
  const findings = Object.entries(lintRules).flatMap(([kind, rule]) => {
    const setting = rules.settings.get(kind) ?? "error";
    if (setting === "off") return [];
    return rule({ api, subgraphs }).flatMap(({ path, message }): Finding[] => {
      const exception = rules.exceptions.find((each) => each.rule === kind && each.at === path);
      if (exception) used.add(exception);
      if (isOld(kind, { path, message })) return [];
      if (exception && exception.until >= today) return [];
      const expired = exception ? ` (its exception expired on ${exception.until})` : "";
      return [
        {
          section: "lint",
          severity: setting,
          kind,
          path,
          message: `${message}${expired}`,
          location: locatePath(path, subgraphs),
          affected: [],
        },
      ];
    });
  });
  return [...findings, ...rules.exceptions.filter((each) => !used.has(each)).map(unusedException)];
}

/** What the baseline had already. A baseline without subgraphs has what its schema has. */
function oldViolations({ api, subgraphs }: Pick<Baseline, "api" | "subgraphs">) {
  const keyOf = ({ path, message }: Violation) => `${path} ${message}`;
  const known = new Map(
    Object.entries(lintRules).map(([kind, rule]) => [
      kind,
      new Set(rule({ api, subgraphs: subgraphs ?? [] }).map(keyOf)),
    ]),
  );
  return (kind: string, violation: Violation): boolean =>
    known.get(kind)?.has(keyOf(violation)) === true ||
    (subgraphs === undefined && kind === "edge-nullability" && exists(api, violation.path));
}

function unusedException({ rule, at, location }: Exception): Finding {
  return {
    section: "lint",
    severity: "warning",
    kind: "UNUSED_EXCEPTION",
    path: at,
    message: `nothing violates \`${rule}\` here: remove the exception`,
    location,
    affected: [],
  };
}

/** Changes that were approved, merged, reverted and made again: they need a new approval. */
function consumedFindings(
  consumed: readonly Approval[],
  changes: readonly Change[],
  findings: readonly Finding[],
  file: string,
): Finding[] {
  return consumed.flatMap((approval): Finding[] => {
    const change = changes.find((each) => approves(approval, each));
    const reported = change && findings.find((finding) => isFindingOf(finding, change));
    if (!change || !reported || reported.approval) return [];
    return [
      {
        section: "approvals",
        severity: reported.severity,
        kind: "CONSUMED_APPROVAL",
        path: approval.change,
        message: `the approval by ${approval.author} on ${approval.on} was already merged and does not cover making the change again`,
        hint: `if intended again: ${approveCommandLine(change)}`,
        location: { file },
        affected: [],
      },
    ];
  });
}

const isFindingOf = (finding: Finding, { kind, path, message }: Change): boolean =>
  finding.kind === kind && finding.path === path && finding.message === message;

/** Approvals that match no current change: merged, reverted, or made for a different change. */
export function approvalFindings(
  approvals: readonly Approval[],
  changes: readonly Change[],
  file: string,
): Finding[] {
  return approvals
    .filter((approval) => !changes.some((change) => approves(approval, change)))
    .map(({ change, message }): Finding => {
      const isDifferent = changes.some((each) => changeId(each) === change);
      return {
        section: "approvals",
        severity: "note",
        kind: "STALE_APPROVAL",
        path: change,
        message: isDifferent
          ? `a different change to it was approved (${message})`
          : `approved, but no longer changed (${message})`,
        hint: isDifferent
          ? "approve it again if still intended"
          : "remove it from the file; the next `approve` does so automatically",
        location: { file },
        affected: [],
      };
    });
}
