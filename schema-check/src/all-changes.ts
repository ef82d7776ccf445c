// Every change between two graphs: of the schemas, of permissions and of required scopes.

import type { DocumentNode, GraphQLSchema } from "graphql";
import { type Access, accessChanges, scopeChanges } from "./access-changes.ts";
import { type Change, schemaChanges } from "./changes.ts";
import { type ComparedReceivers, withReceivers } from "./receiver-changes.ts";

export interface ComparedSchemas {
  before: GraphQLSchema;
  after: GraphQLSchema;
  receivers: ComparedReceivers;
  /** Who may see what, where both sides have it. */
  access?: { before: Access; after: Access };
  supergraphs?: { before: DocumentNode; after: DocumentNode };
}

export async function allChanges({
  before,
  after,
  receivers,
  access,
  supergraphs,
}: ComparedSchemas): Promise<Change[]> {
  return [
    ...(await withReceivers(await schemaChanges(before, after), receivers)),
    ...(access ? accessChanges(access.before, access.after) : []),
    ...(supergraphs ? scopeChanges(supergraphs.before, supergraphs.after) : []),
  ];
}
