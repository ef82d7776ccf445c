// Every change between two graphs: of the schema, of permissions and of required scopes.

import type { GraphQLSchema } from "graphql";
import { type Access, accessChanges, scopeChanges } from "./access-changes.ts";
import { type Change, schemaChanges } from "./changes.ts";

export interface ComparedSchemas {
  before: GraphQLSchema;
  after: GraphQLSchema;
  /** Who may see what, where both sides have it. */
  access?: { before: Access; after: Access };
  supergraphs?: { before: string; after: string };
}

export async function allChanges({
  before,
  after,
  access,
  supergraphs,
}: ComparedSchemas): Promise<Change[]> {
  return [
    ...(await schemaChanges(before, after)),
    ...(access ? accessChanges(access.before, access.after) : []),
    ...(supergraphs ? scopeChanges(supergraphs.before, supergraphs.after) : []),
  ];
}
