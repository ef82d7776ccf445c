// The kinds of operations that are generated.

export const OPERATION_KINDS = ["plain", "conditions", "key-aliases"] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** Aliases that collide with names that the router uses: keys, and fields that subgraphs require. */
export const KEY_LIKE_ALIASES = [
  "id",
  "__typename",
  "teacher",
  "title",
  "student",
  "user",
  "course",
  "payment",
  "representations",
  "_entities",
  "_internal_qp_alias_0",
  "alias0_id",
  "data",
  "errors",
];

/** Names of variables and fragments that have a meaning elsewhere. */
export const RESERVED_NAMES = [
  "representations",
  "_entities",
  "__typename",
  "User",
  "Course",
  "id",
  "first",
  "input",
  "if",
  "null",
];
