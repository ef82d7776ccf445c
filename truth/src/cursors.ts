// Cursors are opaque: which row one belongs to is known from the answers that it came with.

export interface Place {
  noun: string;
  id: string;
}

export class Cursors {
  readonly #byRow = new Map<string, string>();
  readonly #byCursor = new Map<string, Place>();

  /** Says whether this is the row's only cursor, and no other row's; remembers both. */
  learn(key: string, cursor: string): boolean {
    const [noun = "", id = ""] = key.split(" ");
    const known = this.#byRow.get(key);
    const place = this.#byCursor.get(cursor);
    if (known !== undefined || place !== undefined)
      return known === cursor && place?.noun === noun && place.id === id;
    this.#byRow.set(key, cursor);
    this.#byCursor.set(cursor, { noun, id });
    return true;
  }

  placeOf(cursor: string): Place | undefined {
    return this.#byCursor.get(cursor);
  }

  /** All of a noun, in the order of their rows. */
  of(noun: string): string[] {
    const keys = [...this.#byRow.keys()].filter((key) => key.startsWith(`${noun} `)).sort();
    return keys.flatMap((key) => this.#byRow.get(key) ?? []);
  }
}
