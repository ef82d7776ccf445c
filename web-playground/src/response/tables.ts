/** A list of the response, as a table. */
export interface Table {
  /** Such as `courses.nodes`. */
  path: string;
  columns: string[];
  rows: Row[];
}

export type Row = Record<string, Cell>;
export type Cell = string | number | boolean | null;

/** All lists of objects in a response, the longest first; lists within a list are joined with what they are in. */
export function findTables(data: unknown): Table[] {
  const lists = new Map<string, unknown[]>();
  collect(data, '', lists);
  return [...lists]
    .map(([path, items]) => toTable(path, items))
    .filter(({ columns }) => columns.length > 0)
    .toSorted((one, other) => other.rows.length - one.rows.length);
}

function collect(value: unknown, path: string, lists: Map<string, unknown[]>): void {
  if (Array.isArray(value)) {
    if (value.some(isRecord)) lists.set(path, [...(lists.get(path) ?? []), ...value]);
    for (const item of value) collect(item, path, lists);
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, inner] of Object.entries(value)) collect(inner, path ? `${path}.${name}` : name, lists);
}

function toTable(path: string, items: unknown[]): Table {
  const rows = items.map((item) => flatten(item));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return { path, columns, rows };
}

/** `{ teacher: { name } }` has the column `teacher.name`; a list in it shows how long it is. */
function flatten(value: unknown, prefix = ''): Row {
  if (!isRecord(value)) return prefix ? { [prefix]: toCell(value) } : { value: toCell(value) };
  return Object.assign(
    {},
    ...Object.entries(value).map(([name, inner]) => flatten(inner, prefix ? `${prefix}.${name}` : name)),
  ) as Row;
}

function toCell(value: unknown): Cell {
  if (Array.isArray(value)) {
    const isFlat = value.every((item) => typeof item !== 'object' || item === null);
    return isFlat ? value.join(', ') : `${value.length} ${value.length === 1 ? 'item' : 'items'}`;
  }
  return value as Cell;
}

/** Numbers, also in strings, by value; other text by letter; nothing last. */
export function sortRows(rows: Row[], column: string, isDescending: boolean): Row[] {
  const direction = isDescending ? -1 : 1;
  return rows.toSorted((one, other) => {
    const [left, right] = [one[column] ?? null, other[column] ?? null];
    if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1;
    return direction * compare(left, right);
  });
}

const BY_LETTER = new Intl.Collator('en', { numeric: true });

function compare(one: string | number | boolean, other: string | number | boolean): number {
  const [left, right] = [Number(one), Number(other)];
  const areNumbers = ![left, right].some(Number.isNaN) && one !== '' && other !== '';
  return areNumbers ? left - right : BY_LETTER.compare(String(one), String(other));
}

/** As RFC 4180 writes it. A text that a spreadsheet would take for a formula is marked as text. */
export function toCsv({ columns, rows }: Pick<Table, 'columns' | 'rows'>): string {
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? ''))];
  return lines
    .map((cells) => cells.map(csvCell).join(','))
    .join('\r\n')
    .concat('\r\n');
}

function csvCell(value: Cell): string {
  const text =
    typeof value === 'string' && /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value))
      ? `'${value}`
      : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
