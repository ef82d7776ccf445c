// Persisted documents, in the form that hive-router and common clients read.

import { Kind, type OperationDefinitionNode } from "graphql";
import type { Operation } from "./operations.ts";

/** In the order of names, so that one document more is a few lines more. */
export function manifest(operations: readonly Operation[]): string {
  const entries = operations
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
