// What a mutation has changed in the databases: found, compared with what it should have changed, and put back.

import type { Databases } from "./databases.ts";
import type { Row, Tables, TypeName } from "./rows.ts";

interface Watched {
  table: string;
  type: TypeName;
  /** What mutations change, by its name in the rows. */
  columns: Record<string, string>;
}

/** By database. */
const WATCHED = {
  identity: { table: "users", type: "User", columns: { isVerified: "is_verified" } },
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
    },
  },
  enrollment: { table: "enrollments", type: "Enrollment", columns: { status: "status" } },
  notification: { table: "notifications", type: "Notification", columns: { isRead: "is_read" } },
} satisfies Record<string, Watched>;

/** A database in which a mutation can change something. */
export type Change = keyof typeof WATCHED;

const NAMES = Object.keys(WATCHED) as Change[];
const NEW = "new";

/** Keeps what is there. */
export async function remember(databases: Databases): Promise<void> {
  for (const name of NAMES) {
    await databases.rows(name, "drop table if exists before_truth");
    await databases.rows(name, `create table before_truth as table ${WATCHED[name].table}`);
  }
}

/** The rows that have been changed, added or taken away since, as texts that can be compared; puts all back. */
export async function takeBack(databases: Databases): Promise<string[]> {
  const changed = await Promise.all(NAMES.map((name) => takeBackIn(databases, name)));
  return changed.flat().sort();
}

async function takeBackIn(databases: Databases, name: Change): Promise<string[]> {
  const { table, columns }: Watched = WATCHED[name];
  const list = (from: string) =>
    Object.values(columns)
      .map((column) => `${from}.${column}`)
      .join(", ");
  const isOther = `(${list("now")}) is distinct from (${list("before")})`;
  const rows = await databases.rows(
    name,
    `select coalesce(now.id, before.id) as id, now.id is null as is_gone, before.id is null as is_new, ${list("now")}
       from ${table} as now full join before_truth as before on before.id = now.id
       where before.id is null or now.id is null or ${isOther}`,
  );
  if (rows.length === 0) return [];
  const pairs = Object.values(columns).map((column) => `${column} = before.${column}`);
  await databases.rows(name, `delete from ${table} where id not in (select id from before_truth)`);
  await databases.rows(
    name,
    `insert into ${table} select * from before_truth where id not in (select id from ${table})`,
  );
  await databases.rows(
    name,
    `update ${table} as now set ${pairs.join(", ")} from before_truth as before
       where before.id = now.id and ${isOther}`,
  );
  return rows.map((row) => {
    const values = Object.values(columns).map((column) => plain(row[column]));
    const id = row.is_new ? NEW : row.id;
    return row.is_gone ? `${table} ${row.id} is gone` : text(table, id, values);
  });
}

/** The same of the reference: what it has changed since it copied the tables. */
export function changesOf(before: Tables, after: Tables): string[] {
  const changed = NAMES.flatMap((name) => {
    const { table, type, columns }: Watched = WATCHED[name];
    const rows = after[type].all() as Row[TypeName][];
    return rows.flatMap((row) => {
      const old = before[type].find(row.id);
      const valuesOf = (one: object) =>
        Object.keys(columns).map((key) => plain((one as Record<string, unknown>)[key]));
      const values = valuesOf(row);
      if (old && JSON.stringify(valuesOf(old)) === JSON.stringify(values)) return [];
      return [text(table, old ? row.id : NEW, values)];
    });
  });
  return changed.sort();
}

function text(table: string, id: string, values: unknown[]): string {
  return `${table} ${id}: ${JSON.stringify(values)}`;
}

/** Enums are in capitals in the graph, and in small letters in the databases. */
function plain(value: unknown): unknown {
  return typeof value === "string" && /^[A-Z_]+$/.test(value) ? value.toLowerCase() : value;
}
