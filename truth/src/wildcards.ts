// Wildcards for values that the reference cannot know. The comparison decides which values match.

const PREFIX = "\u0000";

/** Any non-empty text. */
export const ANY_TEXT = `${PREFIX}wording`;

/** A generated value, such as the id of a new course: the same everywhere in one response. */
export function generated(what: string): string {
  return `${PREFIX}generated ${what}`;
}

/** The cursor of a row: the same in every response. */
export function cursorWildcard(typeName: string, id: string): string {
  return `${PREFIX}cursor ${typeName} ${id}`;
}

export function isWildcard(value: unknown): value is string {
  return typeof value === "string" && value.startsWith(PREFIX);
}

/** The key of the row, for a wildcard of a cursor. */
export function cursorKey(wildcard: string): string | undefined {
  const prefix = `${PREFIX}cursor `;
  return wildcard.startsWith(prefix) ? wildcard.slice(prefix.length) : undefined;
}
