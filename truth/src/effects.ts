// Finds and reverts the changes of a mutation in the databases, and those that the reference expects.

import type { Databases } from "./databases.ts";
import type { Row, Tables, TypeName } from "./rows.ts";

interface WatchedTable {
  table: string;
  type: TypeName;
  /** The columns that mutations change, by property name. */
  columns: Record<string, string>;
  /** A column that changes along with them, and is not predictable. */
  timestamp?: string;
  /** Which new rows are not predictable: they come from events, some time after the mutation. */
  comesLater?: string;
  /** A table that records the changes, in the order of its column `position`. */
  log?: string;
}

/** By database. */
const WATCHED_TABLES = {
  identity: {
    table: "users",
    type: "User",
    columns: { name: "name", role: "role", isVerified: "is_verified" },
  },
  course: {
    table: "courses",
    type: "Course",
    columns: {
      title: "title",
      description: "description",
      isFree: "is_free",
      price: "price",
      durationMinutes: "duration_minutes",
      level: "level",
      state: "state",
      withdrawnByAdmin: "withdrawn_by_admin",
    },
  },
  enrollment: {
    table: "enrollments",
    type: "Enrollment",
    columns: { status: "status" },
    timestamp: "completed_at",
    log: "enrollment_history",
  },
  notification: {
    table: "notifications",
    type: "Notification",
    columns: { isRead: "is_read" },
    // Whether somebody signs in from elsewhere depends on all sign-ins before.
    comesLater: "type = 'security'",
  },
} satisfies Record<string, WatchedTable>;

/** A database that mutations change. */
export type MutableDatabase = keyof typeof WATCHED_TABLES;

const NAMES = Object.keys(WATCHED_TABLES) as MutableDatabase[];
const NEW = "new";

/** Copies the tables, to detect and revert changes later. */
export async function snapshot(databases: Databases): Promise<void> {
  for (const name of NAMES) {
    const { table, log }: WatchedTable = WATCHED_TABLES[name];
    await databases.rows(name, "drop table if exists before_truth");
    await databases.rows(name, `create table before_truth as table ${table}`);
    if (!log) continue;
    await databases.rows(name, "drop table if exists log_before_truth");
    await databases.rows(name, `create table log_before_truth as select position from ${log}`);
  }
}

/** Returns the rows that were changed, added or deleted since the snapshot, as text, and reverts them. */
export async function revertChanges(databases: Databases): Promise<string[]> {
  const changed = await Promise.all(NAMES.map((name) => revertDatabase(databases, name)));
  return changed.flat().sort();
}

async function revertDatabase(databases: Databases, name: MutableDatabase): Promise<string[]> {
  const { table, columns, timestamp, comesLater, log }: WatchedTable = WATCHED_TABLES[name];
  const list = (from: string) =>
    Object.values(columns)
      .map((column) => `${from}.${column}`)
      .join(", ");
  const isChanged = `(${list("now")}) is distinct from (${list("before")})`;
  const rows = await databases.rows(
    name,
    `select coalesce(now.id, before.id) as id, now.id is null as is_gone, before.id is null as is_new,
            before.id is null and now.${comesLater ?? "id is null"} as comes_later, ${list("now")}
       from ${table} as now full join before_truth as before on before.id = now.id
       where before.id is null or now.id is null or ${isChanged}`,
  );
  if (rows.length === 0) return [];
  const reverted = [...Object.values(columns), ...(timestamp ? [timestamp] : [])];
  const pairs = reverted.map((column) => `${column} = before.${column}`);
  await databases.rows(name, `delete from ${table} where id not in (select id from before_truth)`);
  await databases.rows(
    name,
    `insert into ${table} select * from before_truth where id not in (select id from ${table})`,
  );
  await databases.rows(
    name,
    `update ${table} as now set ${pairs.join(", ")} from before_truth as before
       where before.id = now.id and ${isChanged}`,
  );
  if (log) {
    await databases.rows(
      name,
      `delete from ${log} where position not in (select position from log_before_truth)`,
    );
  }
  const predictable = rows.filter((row) => !row.comes_later);
  return predictable.map((row) => {
    const values = Object.values(columns).map((column) => normalizeEnum(row[column]));
    const id = row.is_new ? NEW : row.id;
    return row.is_gone ? `${table} ${row.id} deleted` : describeChange(table, id, values);
  });
}

/** The changes that the reference has made to its copy of the tables, in the same form. */
export function referenceChanges(before: Tables, after: Tables): string[] {
  const changed = NAMES.flatMap((name) => {
    const { table, type, columns }: WatchedTable = WATCHED_TABLES[name];
    const rows = after[type].all() as Row[TypeName][];
    const deleted = (before[type].all() as Row[TypeName][])
      .filter((row) => !after[type].find(row.id))
      .map((row) => `${table} ${row.id} deleted`);
    const rest = rows.flatMap((row) => {
      const old = before[type].find(row.id);
      const valuesOf = (one: object) =>
        Object.keys(columns).map((key) => normalizeEnum((one as Record<string, unknown>)[key]));
      const values = valuesOf(row);
      if (old && JSON.stringify(valuesOf(old)) === JSON.stringify(values)) return [];
      return [describeChange(table, old ? row.id : NEW, values)];
    });
    return [...deleted, ...rest];
  });
  return changed.sort();
}

function describeChange(table: string, id: string, values: unknown[]): string {
  return `${table} ${id}: ${JSON.stringify(values)}`;
}

/** Enum values are upper case in GraphQL, and lower case in the databases. */
function normalizeEnum(value: unknown): unknown {
  return typeof value === "string" && /^[A-Z_]+$/.test(value) ? value.toLowerCase() : value;
}
