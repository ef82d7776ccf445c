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
];
