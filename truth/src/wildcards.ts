// What the reference cannot know: it answers with a mark, and the comparison says what may stand there.

const MARK = "\u0000";

/** A text that people read: any, but not an empty one. */
export const WORDING = `${MARK}wording`;

/** The same value wherever it stands in one answer: a new course's id, or its time. */
export function generated(what: string): string {
  return `${MARK}generated ${what}`;
}

/** The same cursor whenever this row is listed. */
export function cursorOf(noun: string, id: string): string {
  return `${MARK}cursor ${noun} ${id}`;
}

export function isWildcard(value: unknown): value is string {
  return typeof value === "string" && value.startsWith(MARK);
}

/** A row's key, if the mark is that of a cursor. */
export function cursorKey(mark: string): string | undefined {
  const prefix = `${MARK}cursor `;
  return mark.startsWith(prefix) ? mark.slice(prefix.length) : undefined;
}
