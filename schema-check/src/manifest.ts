// The manifest of persisted documents, in the format of hive-router and common clients.

import { Kind, type OperationDefinitionNode } from "graphql";
import type { Operation } from "./operations.ts";

/** What clients send to the router, sorted by name, so that a new document is a small diff. */
export function manifest(operations: readonly Operation[]): string {
  const entries = operations
    .filter(({ service }) => service === undefined)
    .map(({ id, name, document, text }) => ({ id, name, type: typeOf(document), body: text }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const value = { format: "apollo-persisted-query-manifest", version: 1, operations: entries };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function typeOf({ definitions }: Operation["document"]): string | undefined {
  return definitions.find(
    (node): node is OperationDefinitionNode => node.kind === Kind.OPERATION_DEFINITION,
  )?.operation;
}
