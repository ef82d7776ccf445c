// A failing case, in a form that can be pasted to reproduce it.

import { print, visit } from "graphql";
import type { Difference } from "./comparison.ts";
import { isKeyAlias } from "./features.ts";
import type { OperationKind } from "./kinds.ts";
import { isMutation, type Operation, type OperationResult } from "./operation.ts";
import type { GraphQLResponse, System, Transport } from "./systems.ts";
import { emails } from "./viewers.ts";

/** How many differences of a case are shown; further ones usually follow from the first. */
const MAX_SHOWN_DIFFERENCES = 5;

export interface FailingCase {
  operation: Operation;
  system: System;
  transport: Transport;
  expected: OperationResult;
  response: GraphQLResponse;
  differences: Difference[];
}

/** The kind of operation that is needed to reproduce the difference. */
export function requiredKind(operation: Operation): OperationKind | "mutation" {
  const { document } = operation;
  const text = print(document);
  if (/@(include|skip)/.test(text)) return "conditions";
  let hasKeyAlias = false;
  visit(document, {
    Field({ alias, name }) {
      if (alias && alias.value !== name.value && isKeyAlias(alias.value)) hasKeyAlias = true;
    },
  });
  if (hasKeyAlias) return "key-aliases";
  return isMutation(operation) ? "mutation" : "plain";
}

/** Equal for cases that differ only in ids, names and sizes, so that they are reported once. */
export function fingerprint({ operation, differences, response, transport }: FailingCase): string {
  const kinds = [...new Set(differences.map(({ kind }) => kind))];
  const messages = (response.errors ?? []).map(({ message }) => message.replace(/"[^"]*"/g, '""'));
  const shapes = differences.map(({ kind, expected, actual }) =>
    kind === "errors" || kind === "effect"
      ? describeErrorCodes(expected, actual)
      : `${shape(expected)} as ${shape(actual)}`,
  );
  const parts = [kinds, [...new Set(messages)].sort(), [...new Set(shapes)].sort()];
  const where = kinds.includes("key order") ? transport : "";
  return [requiredKind(operation), where, ...parts.map((part) => part.join("; "))].join(" | ");
}

export function bySize(a: FailingCase, b: FailingCase): number {
  const size = ({ operation: { document } }: FailingCase) =>
    print(document).replace(/\s+/g, " ").length;
  return size(a) - size(b);
}

/** The codes of missing and of unexpected errors. */
function describeErrorCodes(expected: unknown, actual: unknown): string {
  const codes = (list: unknown) =>
    [...new Set((list as string[]).map((error) => error.split(" ")[0]))].join("+");
  return `missing ${codes(expected)} extra ${codes(actual)}`;
}

function shape(value: unknown): string {
  if (Array.isArray(value)) return "list";
  return value === null ? "null" : typeof value;
}

export function formatCase({
  operation,
  system,
  transport,
  expected,
  response,
  differences,
}: FailingCase): string {
  const { document, variables, operationName, viewer } = operation;
  const query = print(document);
  const body = { query, variables, ...(operationName && { operationName }) };
  const shown = differences
    .slice(0, MAX_SHOWN_DIFFERENCES)
    .map(
      ({ kind, path, expected, actual }) =>
        `  ${kind}${path && ` at ${path}`}: ${truncate(actual)}, not ${truncate(expected)}`,
    );
  return [
    `${requiredKind(operation)}, as ${viewer.name}, over ${transport}, ${system.mode}:`,
    query,
    `variables: ${JSON.stringify(variables)}`,
    `expected:  ${truncate({ data: expected.data, errors: expected.errors }, 1500)}`,
    `actual:    ${truncate({ data: response.data ?? null, errors: response.errors }, 1500)}`,
    ...shown,
    curl(body, operation, system),
  ].join("\n");
}

function curl(body: object, { viewer }: Operation, { endpoint }: System): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const email = viewer.name === "anonymous" ? undefined : emails[viewer.name];
  const token = email ? ` -H "Authorization: Bearer $TOKEN" # of ${email}` : "";
  return `curl -s ${endpoint} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}${token}`;
}

function truncate(value: unknown, length = 300): string {
  const text = JSON.stringify(value)?.replaceAll("\\u0000", "*") ?? "nothing";
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
