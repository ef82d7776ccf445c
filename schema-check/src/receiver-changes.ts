// Changes as the receivers of operations have them: the router, and subgraphs that services query directly.

import { type Change, schemaChanges } from "./changes.ts";
import { affectedBy, type Client } from "./clients.ts";
import { ROUTER } from "./operations.ts";
import type { ReceiverSchemas } from "./receivers.ts";

/**
 * The changes of the API, each with the subgraphs in whose own schema it is one, too; and the changes of such a subgraph
 * alone that affect a service.
 */
export async function withReceivers(
  apiChanges: readonly Change[],
  { before, after, clients }: ComparedReceivers,
): Promise<Change[]> {
  // For a subgraph whose former schema is unknown, each of them may be one.
  const unknown = [...after.keys()].filter((name) => !before.has(name));
  const changes = apiChanges.map((change) => ({ ...change, receivers: [ROUTER, ...unknown] }));
  const internal: Change[] = [];
  for (const [name, schema] of after) {
    const former = before.get(name);
    if (name === ROUTER || !former) continue;
    for (const change of await schemaChanges(former, schema)) {
      const same = changes.find((each) => isSame(each, change));
      if (same) same.receivers.push(name);
      else internal.push({ ...change, receivers: [name] });
    }
  }
  const matters = (change: Change) =>
    change.level !== "safe" && affectedBy(change, clients).length > 0;
  return [...changes, ...internal.filter(matters)];
}

export interface ComparedReceivers {
  before: ReceiverSchemas;
  after: ReceiverSchemas;
  clients: readonly Client[];
}

const isSame = (a: Change, b: Change): boolean =>
  a.kind === b.kind && a.path === b.path && a.message === b.message;

/** The subgraph of a change that clients of the router do not see. */
export function internalSubgraph({ receivers }: Change): string | undefined {
  return receivers?.includes(ROUTER) ? undefined : receivers?.[0];
}
