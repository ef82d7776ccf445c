// A difference, as somebody can paste it.

import { print, visit } from "graphql";
import type { Difference } from "./comparison.ts";
import { isKeyAlias } from "./features.ts";
import type { Kind } from "./kinds.ts";
import { type Answer, isMutation, type Operation } from "./operation.ts";
import type { Reply, System, Transport } from "./systems.ts";
import { addresses } from "./viewers.ts";

/** Of one case that are shown; further ones follow from the first as a rule. */
const MAX_PLACES = 5;

export interface Case {
  operation: Operation;
  system: System;
  transport: Transport;
  expected: Answer;
  reply: Reply;
  differences: Difference[];
}

/** What it takes to see a difference: the first kind that its smallest operation has. */
export function kindOf(operation: Operation): Kind | "mutation" {
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

/** The same for differences that look the same, whatever their ids, names and sizes. */
export function fingerprint({ operation, differences, reply, transport }: Case): string {
  const kinds = [...new Set(differences.map(({ kind }) => kind))];
  const messages = (reply.errors ?? []).map(({ message }) => message.replace(/"[^"]*"/g, '""'));
  const shapes = differences.map(({ kind, expected, actual }) =>
    kind === "errors" || kind === "effect"
      ? codesOf(expected, actual)
      : `${shape(expected)} as ${shape(actual)}`,
  );
  const parts = [kinds, [...new Set(messages)].sort(), [...new Set(shapes)].sort()];
  const where = kinds.includes("key order") ? transport : "";
  return [kindOf(operation), where, ...parts.map((part) => part.join("; "))].join(" | ");
}

export function bySize(a: Case, b: Case): number {
  const size = ({ operation: { document } }: Case) => print(document).replace(/\s+/g, " ").length;
  return size(a) - size(b);
}

/** Of the errors that are missing and of those that are too many. */
function codesOf(expected: unknown, actual: unknown): string {
  const codes = (list: unknown) =>
    [...new Set((list as string[]).map((error) => error.split(" ")[0]))].join("+");
  return `missing ${codes(expected)} extra ${codes(actual)}`;
}

function shape(value: unknown): string {
  if (Array.isArray(value)) return "list";
  return value === null ? "null" : typeof value;
}

export function written({
  operation,
  system,
  transport,
  expected,
  reply,
  differences,
}: Case): string {
  const { document, variables, operationName, viewer } = operation;
  const query = print(document);
  const body = { query, variables, ...(operationName && { operationName }) };
  const places = differences
    .slice(0, MAX_PLACES)
    .map(
      ({ kind, path, expected, actual }) =>
        `  ${kind}${path && ` at ${path}`}: ${short(actual)}, not ${short(expected)}`,
    );
  return [
    `${kindOf(operation)}, as ${viewer.name}, by ${transport}, ${system.mode}:`,
    query,
    `variables: ${JSON.stringify(variables)}`,
    `expected:  ${short({ data: expected.data, errors: expected.errors }, 1500)}`,
    `actual:    ${short({ data: reply.data ?? null, errors: reply.errors }, 1500)}`,
    ...places,
    curl(body, operation, system),
  ].join("\n");
}

function curl(body: object, { viewer }: Operation, { endpoint }: System): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const address = viewer.name === "anonymous" ? undefined : addresses[viewer.name];
  const token = address ? ` -H "Authorization: Bearer $TOKEN" # of ${address}` : "";
  return `curl -s ${endpoint} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}${token}`;
}

function short(value: unknown, length = 300): string {
  const text = JSON.stringify(value)?.replaceAll("\\u0000", "*") ?? "nothing";
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
