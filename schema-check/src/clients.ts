// The clients of a graph: each stored operation with what it uses of the schema.

import type { GraphQLSchema } from "graphql";
import type { Change } from "./changes.ts";
import type { Operation } from "./operations.ts";
import { type Usage, usageOf } from "./usage.ts";

export interface Client {
  operation: Operation;
  usage: Usage;
}

export function clientsOf(operations: readonly Operation[], schema: GraphQLSchema): Client[] {
  return operations.map((operation) => ({ operation, usage: usageOf(operation.document, schema) }));
}

/** The operations that use what has changed. An operation with 0 requests does not count. */
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
