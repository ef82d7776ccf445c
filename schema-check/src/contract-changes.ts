// What a change does to contracts beyond what it does to the whole graph: a field that is hidden in one from now on, or
// no longer hidden.

import { validate } from "graphql";
import { type Change, schemaChanges } from "./changes.ts";
import { type Client, clientsOf } from "./clients.ts";
import type { ComposedContract } from "./contracts.ts";
import type { Contract } from "./contracts-file.ts";
import { type Operation, ROUTER, receiverOf } from "./operations.ts";

export interface ContractChanges {
  name: string;
  changes: Change[];
  /** The documents that clients of the contract may send. */
  clients: Client[];
}

export interface ComparedContracts {
  before: readonly ComposedContract[];
  after: readonly ComposedContract[];
  /** Those of now, whether or not they compose. */
  listed: readonly Contract[];
  /** The changes of the whole graph. */
  whole: readonly Change[];
  operations: readonly Operation[];
  /** Clients of which it is not known what they may see. */
  others: readonly Client[];
}

export async function contractChanges(compared: ComparedContracts): Promise<ContractChanges[]> {
  const { before, after, listed, operations, others } = compared;
  const all: ContractChanges[] = [];
  for (const former of before) {
    const { name } = former;
    const now = after.find((each) => each.name === name);
    const isValid = ({ document }: Operation) => validate(former.api, document).length === 0;
    const own = operations.filter((each) => receiverOf(each) === ROUTER && isValid(each));
    const clients = [...clientsOf(own, new Map([[ROUTER, former.api]])), ...others];
    const isListed = listed.some((each) => each.name === name);
    const gone = isListed ? [] : [removed(former)];
    const changes = now ? await ownChanges(former, now, compared) : gone;
    all.push({ name, changes, clients });
  }
  return all;
}

async function ownChanges(
  former: ComposedContract,
  now: ComposedContract,
  { whole }: ComparedContracts,
): Promise<Change[]> {
  const isOfWhole = (change: Change) =>
    whole.some(
      ({ kind, path, message }) =>
        kind === change.kind && path === change.path && message === change.message,
    );
  return (await schemaChanges(former.api, now.api))
    .filter((change) => !isOfWhole(change))
    .map((change) => ({ ...change, message: `${inContract(now.name)}: ${change.message}` }));
}

function removed({ name, filter }: ComposedContract): Change {
  return {
    kind: "CONTRACT_REMOVED",
    path: name,
    level: "breaking",
    message: `${inContract(name)}: the contract was removed, and with it the graph of its clients`,
    definitions: () => [JSON.stringify(filter), ""],
    affects: () => true,
  };
}

/** An approval for a contract is none for the whole graph, since their messages differ. */
const inContract = (name: string): string => `in the contract "${name}"`;
