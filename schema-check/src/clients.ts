// The clients of a graph: each stored operation with what it uses of the schema.

import { type Change, isSeenAt } from "./changes.ts";
import { type Operation, receiverOf } from "./operations.ts";
import type { ReceiverSchemas } from "./receivers.ts";
import { type Usage, usageOf } from "./usage.ts";

export interface Client {
  operation: Operation;
  usage: Usage;
}

/** The first schemas in which the receiver is known count. One that there never was can affect nobody. */
export function clientsOf(
  operations: readonly Operation[],
  ...schemas: readonly ReceiverSchemas[]
): Client[] {
  return operations.flatMap((operation) => {
    const receiver = receiverOf(operation);
    const schema = schemas.map((each) => each.get(receiver)).find((found) => found !== undefined);
    return schema ? { operation, usage: usageOf(operation.document, schema) } : [];
  });
}

/** The operations that use what has changed. An operation with 0 requests does not count. */
export function affectedBy(change: Change, clients: readonly Client[]): Operation[] {
  return clients
    .filter(({ operation }) => operation.requests !== 0)
    .filter(({ operation }) => isSeenAt(change, receiverOf(operation)))
    .filter(({ operation: { viewers }, usage }) =>
      change.affects(
        usage,
        viewers?.map(({ name }) => name),
      ),
    )
    .map(({ operation }) => operation);
}
