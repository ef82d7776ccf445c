// What the reference's results depend on.

import type { GraphQLSchema } from "graphql";
import type { Cursors } from "./cursors.ts";
import type { Mutant } from "./mutants.ts";
import type { Permissions, Viewer } from "./permissions.ts";
import type { Tables } from "./rows.ts";

/** What all operations share. */
export interface ReferenceContext {
  schema: GraphQLSchema;
  permissions: Permissions;
  tables: Tables;
  cursors: Cursors;
  mutant: Mutant | undefined;
}

/** What the fields of one operation share. */
export interface ExecutionContext {
  referenceContext: ReferenceContext;
  viewer: Viewer;
  tables: Tables;
  /** The number of created rows, which numbers their wildcards. */
  createdCount: number;
}
