// Cursors are opaque: the row of a cursor is known from the responses that contained it.

export interface RowRef {
  typeName: string;
  id: string;
}

export class Cursors {
  readonly #byRow = new Map<string, string>();
  readonly #byCursor = new Map<string, RowRef>();

  /** Records the cursor of a row; false if the row has another cursor, or the cursor belongs to another row. */
  record(key: string, cursor: string): boolean {
    const [typeName = "", id = ""] = key.split(" ");
    const known = this.#byRow.get(key);
    const row = this.#byCursor.get(cursor);
    if (known !== undefined || row !== undefined)
      return known === cursor && row?.typeName === typeName && row.id === id;
    this.#byRow.set(key, cursor);
    this.#byCursor.set(cursor, { typeName, id });
    return true;
  }

  rowOf(cursor: string): RowRef | undefined {
    return this.#byCursor.get(cursor);
  }

  /** All cursors of a type, ordered by the ids of their rows. */
  all(typeName: string): string[] {
    const keys = [...this.#byRow.keys()].filter((key) => key.startsWith(`${typeName} `)).sort();
    return keys.flatMap((key) => this.#byRow.get(key) ?? []);
  }
}
