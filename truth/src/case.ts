// A difference, as somebody can paste it.

import { print, visit } from "graphql";
import type { Difference } from "./comparison.ts";
import { isKeyAlias } from "./features.ts";
import type { Kind } from "./kinds.ts";
import type { Answer, Operation } from "./operation.ts";
import type { Reply, System, Transport } from "./systems.ts";
import { addresses } from "./viewers.ts";

export interface Case {
  operation: Operation;
  system: System;
  transport: Transport;
  expected: Answer;
  reply: Reply;
  differences: Difference[];
}

/** What it takes to see a difference: the first kind that its smallest operation has. */
export function kindOf({ document }: Operation): Kind | "mutation" {
  const text = print(document);
  if (/@(include|skip)/.test(text)) return "conditions";
  let hasKeyAlias = false;
  visit(document, {
    Field({ alias, name }) {
      if (alias && alias.value !== name.value && isKeyAlias(alias.value)) hasKeyAlias = true;
    },
  });
  if (hasKeyAlias) return "key-aliases";
  return text.startsWith("mutation") ? "mutation" : "plain";
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
  const places = differences.map(
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
