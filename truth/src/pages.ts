// Lists: filtered, ordered, a page at a time.

import type { Cursors } from "./cursors.ts";
import type { Mutant } from "./mutants.ts";
import { refuse } from "./refusal.ts";
import type { Position, Row, Tables, TypeName } from "./rows.ts";
import { cursorOf } from "./wildcards.ts";

export interface PageArguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
}

const DEFAULT_SIZE = 20;
const MAX_SIZE = 100;

export class Pages {
  readonly #tables: Tables;
  readonly #cursors: Cursors;
  readonly #mutant: Mutant | undefined;

  constructor(tables: Tables, cursors: Cursors, mutant?: Mutant) {
    this.#tables = tables;
    this.#cursors = cursors;
    this.#mutant = mutant;
  }

  /** A page of the rows, newest first unless asked for the oldest. */
  page<T extends TypeName>(
    type: T,
    rows: Row[T][],
    args: PageArguments,
    order: "NEWEST" | "OLDEST" = "NEWEST",
  ) {
    const noun = type.toLowerCase();
    const direction = order === "NEWEST" ? -1 : 1;
    const inOrder = (a: Position, b: Position) => direction * compare(a, b);
    const size = this.#size(args);
    const after = this.#position(type, args.after);
    const before = this.#position(type, args.before);

    const sorted = rows.toSorted(inOrder);
    const between = sorted.filter(
      (row) => (!after || inOrder(row, after) > 0) && (!before || inOrder(row, before) < 0),
    );
    const isBackward = args.last != null;
    const nodes = isBackward ? between.slice(-size) : between.slice(0, size);
    const hasMore = between.length > nodes.length;
    if (this.#mutant === "page-off-by-one" && hasMore) nodes.push(...between.slice(size, size + 1));
    // The other direction is not looked into: a cursor means that there was something.
    const pageInfo = {
      hasPreviousPage: isBackward ? hasMore : after !== undefined,
      hasNextPage: isBackward ? before !== undefined : hasMore,
      startCursor: nodes[0] ? cursorOf(noun, nodes[0].id) : null,
      endCursor: nodes.at(-1) ? cursorOf(noun, nodes.at(-1)?.id ?? "") : null,
    };
    const edges = nodes.map((node) => ({ cursor: cursorOf(noun, node.id), node }));
    return { edges, nodes, pageInfo, totalCount: rows.length };
  }

  #size({ first, last }: PageArguments): number {
    if (first != null && last != null) throw refuse("BAD_USER_INPUT");
    const size = first ?? last ?? DEFAULT_SIZE;
    if (size < 1 || size > MAX_SIZE) throw refuse("BAD_USER_INPUT");
    return size;
  }

  #position(type: TypeName, cursor: string | null | undefined): Position | undefined {
    if (cursor == null) return undefined;
    const place = this.#cursors.placeOf(cursor);
    const row = place?.noun === type.toLowerCase() ? this.#tables[type].find(place.id) : undefined;
    if (!row) throw refuse("BAD_USER_INPUT");
    return row;
  }
}

export function compare(a: Position, b: Position): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return a.id < b.id ? -1 : Number(a.id > b.id);
}
