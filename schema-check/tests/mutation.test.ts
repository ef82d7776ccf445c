// 500 random edits of the five subgraphs' schemas. What the reference composer rejects is rejected,
// nothing crashes, and whatever makes a stored operation invalid is reported as breaking.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { transformSupergraphToPublicSchema } from "@theguild/federation-composition";
import {
  buildASTSchema,
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  parse,
  validate,
} from "graphql";
import { getVariableValues } from "graphql/execution/values.js";
import { allChanges } from "../src/all-changes.ts";
import { evaluate } from "../src/check.ts";
import { clientsOf } from "../src/clients.ts";
import type { Comparison } from "../src/comparison.ts";
import { apiSchema, compose } from "../src/composition.ts";
import { type CrossComposition, composeWithApollo } from "../src/cross-check.ts";
import { loadOperations, type Operation, receiverOf } from "../src/operations.ts";
import { CouldNotRun } from "../src/problem.ts";
import { type ReceiverSchemas, receiverSchemas } from "../src/receivers.ts";
import { isFailed, type Report } from "../src/report/report.ts";
import { parseRules } from "../src/rules.ts";
import { loadSubgraphs, parseSdl, type Subgraph } from "../src/subgraphs.ts";
import { mutate, Random } from "./mutations.ts";

const EDITS = 500;
const SEED = 20261201;
const ROOT = join(import.meta.dirname, "..", "..");
const OPERATIONS = join(ROOT, "operations");
const RULES = join(ROOT, "schema-check", "rules.yaml");

let subgraphs: Subgraph[];
let operations: Operation[];
let variables: Map<string, unknown>;
let original: { document: DocumentNode; api: GraphQLSchema };
let schemas: ReceiverSchemas;

before(async () => {
  subgraphs = await loadSubgraphs(join(ROOT, "supergraph.yaml"));
  operations = loadOperations(OPERATIONS);
  variables = exampleVariables();
  const result = compose(subgraphs);
  assert.ok(result.composes);
  original = { document: result.document, api: apiSchema(result.document) };
  schemas = receiverSchemas(original.api, subgraphs, operations);
});

test("no operation is invalid in the unchanged graph", () => {
  for (const operation of operations) assert.ok(isValid(operation, schemas), operation.name);
});

test(`${EDITS} random edits`, async (t) => {
  const random = new Random(SEED);
  const seen = { rejected: 0, invalid: 0, breaking: 0, clean: 0, unreadable: 0 };
  let rejectedByReferenceOnly = 0;

  for (let number = 0; number < EDITS; number += 1) {
    const at = random.below(subgraphs.length);
    const { name, origin } = subgraphs[at] as Subgraph;
    const { what, sdl } = mutate(readFileSync(origin, "utf8"), random);
    const edit = `edit ${number} of ${name}, ${what}`;

    const document = readable(sdl, origin, edit);
    if (!document) {
      seen.unreadable += 1;
      continue;
    }
    const edited = subgraphs.map((one, index) => (index === at ? { ...one, document } : one));
    const reference = await composeWithApollo(edited);
    const report = await reportOn(edited, reference, edit);
    if (!reference.composes && compose(edited).composes) rejectedByReferenceOnly += 1;
    note(seen, report, { reference, edited, edit });
  }
  t.diagnostic(JSON.stringify({ ...seen, rejectedByReferenceOnly }));
  // Otherwise the test would prove nothing.
  for (const [kind, count] of Object.entries(seen)) assert.ok(count >= 5, `${kind}: ${count}`);
});

/** Undefined for text that is not a schema, which must be reported with its line. */
function readable(sdl: string, origin: string, edit: string): DocumentNode | undefined {
  try {
    return parseSdl(sdl, origin);
  } catch (cause) {
    assert.ok(cause instanceof CouldNotRun, edit);
    assert.ok((cause.problems[0]?.location?.line ?? 0) > 0, edit);
    return undefined;
  }
}

async function reportOn(
  edited: Subgraph[],
  crossComposition: CrossComposition,
  edit: string,
): Promise<Report> {
  try {
    return evaluate({
      comparison: await comparison(edited),
      rules: parseRules(readFileSync(RULES, "utf8"), RULES),
      crossComposition,
      today: "2026-11-24",
      approvalsFile: "approvals.json",
    });
  } catch (cause) {
    throw new Error(`${edit} crashed`, { cause });
  }
}

async function comparison(edited: Subgraph[]): Promise<Comparison> {
  const common = {
    subgraphs: edited,
    operations,
    approvals: [],
    consumed: [],
    ...{ config: "supergraph.yaml", approvalsFile: "approvals.json" },
    skippedChecks: [],
    baselineProblems: [],
  };
  const baseline = { name: "before", ...original };
  const result = compose(edited);
  if (!result.composes) return { ...common, baseline, graph: result };
  const api = apiSchema(result.document);
  const supergraphs = { before: original.document, after: result.document };
  const compared = { before: schemas, after: receiverSchemas(api, edited, operations) };
  const clients = clientsOf(operations, schemas);
  const receivers = { ...compared, clients };
  const changes = await allChanges({ before: original.api, after: api, receivers, supergraphs });
  const { supergraph, document } = result;
  return {
    ...common,
    baseline,
    graph: {
      ...{ composes: true, supergraph, document, api, schemas: compared, changes, clients },
      contracts: [],
      contractProblems: [],
    },
  };
}

function note(
  seen: Record<string, number>,
  report: Report,
  {
    reference,
    edited,
    edit,
  }: { reference: CrossComposition; edited: readonly Subgraph[]; edit: string },
): void {
  const count = (kind: string) => {
    seen[kind] = (seen[kind] ?? 0) + 1;
  };
  if (!reference.composes) {
    count("rejected");
    const isReported = report.findings.some(({ section }) => section === "composition");
    assert.ok(isReported && isFailed(report), `${edit} was not rejected`);
    return;
  }
  const now = receiverSchemas(referenceApi(reference.supergraph), edited, operations);
  const invalid = operations.filter((operation) => !isValid(operation, now));
  if (invalid.length > 0) {
    count("invalid");
    const isReported = report.findings.some(
      ({ level, severity }) => level === "breaking" && severity === "error",
    );
    const rejected = report.findings.some(({ section }) => section === "composition");
    assert.ok(
      (isReported || rejected) && isFailed(report),
      `${edit} breaks ${invalid.map(({ name }) => name).join(", ")}`,
    );
  } else count(isFailed(report) ? "breaking" : "clean");
}

/** From the reference composer's supergraph, so that the test does not depend on ours. */
function referenceApi(supergraph: string): GraphQLSchema {
  return buildASTSchema(transformSupergraphToPublicSchema(parse(supergraph)));
}

/** Whether the document and its example variables are still valid. */
function isValid(operation: Operation, schemas: ReceiverSchemas): boolean {
  const { document, name, service } = operation;
  const schema = schemas.get(receiverOf(operation));
  if (!schema || validate(schema, document).length > 0) return false;
  return document.definitions.every((node) => {
    if (node.kind !== Kind.OPERATION_DEFINITION) return true;
    if (!schema.getRootType(node.operation)) return false;
    // Services' documents have no example variables, also if a client's has the same name.
    const given = service
      ? undefined
      : (variables.get(name) as Record<string, unknown> | undefined);
    if (given === undefined) return true;
    return getVariableValues(schema, node.variableDefinitions ?? [], given).errors === undefined;
  });
}

function exampleVariables(): Map<string, unknown> {
  const files = readdirSync(OPERATIONS).filter((file) => file.endsWith(".variables.json"));
  return new Map(
    files.map((file) => [
      file.replace(".variables.json", ""),
      JSON.parse(readFileSync(join(OPERATIONS, file), "utf8")),
    ]),
  );
}
