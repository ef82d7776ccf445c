// Pages of sorted lists.

import type { Cursors } from "./cursors.ts";
import { codedError } from "./errors.ts";
import type { Mutant } from "./mutants.ts";
import type { Row, SortKey, Tables, TypeName } from "./rows.ts";
import { cursorWildcard } from "./wildcards.ts";

export interface PageArguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
}

export type Order = "NEWEST" | "OLDEST" | "TITLE" | "PRICE";

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

  /** A page of the rows, newest first by default. */
  page<T extends TypeName>(type: T, rows: Row[T][], args: PageArguments, order: Order = "NEWEST") {
    // Cursors of an order by value are of that order alone.
    const isByTime = order === "NEWEST" || order === "OLDEST";
    const typeName = isByTime ? type.toLowerCase() : `${type}:${order}`.toLowerCase();
    const direction = order === "NEWEST" ? -1 : 1;
    const compareRows = (a: SortKey, b: SortKey) =>
      isByTime ? direction * compareSortKeys(a, b) : compareByValue(order, a, b);
    const size = this.#size(args);
    const after = this.#sortKey(type, typeName, args.after);
    const before = this.#sortKey(type, typeName, args.before);

    const sorted = rows.toSorted(compareRows);
    const inRange = sorted.filter(
      (row) => (!after || compareRows(row, after) > 0) && (!before || compareRows(row, before) < 0),
    );
    const isBackward = args.last != null;
    const nodes = isBackward
      ? inRange.slice(inRange.length - Math.min(size, inRange.length))
      : inRange.slice(0, size);
    const hasMore = inRange.length > nodes.length;
    if (this.#mutant === "page-off-by-one" && hasMore) nodes.push(...inRange.slice(size, size + 1));
    // The other direction is not queried: a cursor implies that there are rows before it.
    const pageInfo = {
      hasPreviousPage: isBackward ? hasMore : after !== undefined,
      hasNextPage: isBackward ? before !== undefined : hasMore,
      startCursor: nodes[0] ? cursorWildcard(typeName, nodes[0].id) : null,
      endCursor: nodes.at(-1) ? cursorWildcard(typeName, nodes.at(-1)?.id ?? "") : null,
    };
    const edges = nodes.map((node) => ({ cursor: cursorWildcard(typeName, node.id), node }));
    return { edges, nodes, pageInfo, totalCount: rows.length };
  }

  #size({ first, last }: PageArguments): number {
    if (first != null && last != null) throw codedError("BAD_USER_INPUT");
    const size = first ?? last ?? DEFAULT_SIZE;
    if (size < 0 || size > MAX_SIZE) throw codedError("BAD_USER_INPUT");
    return size;
  }

  #sortKey(
    type: TypeName,
    typeName: string,
    cursor: string | null | undefined,
  ): SortKey | undefined {
    if (cursor == null) return undefined;
    const ref = this.#cursors.rowOf(cursor);
    const row = ref?.typeName === typeName ? this.#tables[type].find(ref.id) : undefined;
    if (!row) throw codedError("BAD_USER_INPUT");
    return row;
  }
}

function compareByValue(order: "TITLE" | "PRICE", a: SortKey, b: SortKey): number {
  const [one, other] = [a, b] as Row["Course"][];
  if (!one || !other) throw new Error("only courses have orders by value");
  const difference =
    order === "PRICE"
      ? priceToPay(one) - priceToPay(other)
      : Buffer.compare(
          Buffer.from(one.title.toLowerCase()),
          Buffer.from(other.title.toLowerCase()),
        );
  return difference || (a.id < b.id ? -1 : Number(a.id > b.id));
}

/** What a course costs: 0 if it is free. */
export function priceToPay({ isFree, price }: Row["Course"]): number {
  return isFree ? 0 : Math.max(Number(price ?? 0), 0);
}

export function compareSortKeys(a: SortKey, b: SortKey): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return a.id < b.id ? -1 : Number(a.id > b.id);
}
