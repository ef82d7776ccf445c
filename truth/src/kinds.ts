// Which kinds of operations are made.

export const KINDS = ["plain", "conditions", "key-aliases"] as const;
export type Kind = (typeof KINDS)[number];

/** Names that mean something to whoever joins the graph: keys, and what one service requires of another. */
export const KEY_NAMES = [
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

/** Names of variables and fragments that mean something elsewhere. */
export const TAKEN_NAMES = [
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
