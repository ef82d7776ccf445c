// The five databases, read and disturbed by SQL: nothing in here asks the system itself.

import pg from "pg";

export const NAMES = ["identity", "course", "enrollment", "payment", "notification"] as const;
export type DatabaseName = (typeof NAMES)[number];

export class Databases {
  readonly #pools: Record<DatabaseName, pg.Pool>;

  /** By the variables that the rest of the system reads, too. */
  constructor(environment: NodeJS.ProcessEnv) {
    const pool = (name: DatabaseName) => {
      const variable = `${name.toUpperCase()}_DATABASE_URL`;
      const connectionString = environment[variable];
      if (!connectionString) throw new Error(`${variable} is not set`);
      return [name, new pg.Pool({ connectionString, max: 2 })];
    };
    this.#pools = Object.fromEntries(NAMES.map(pool));
  }

  async rows<T extends pg.QueryResultRow>(
    name: DatabaseName,
    sql: string,
    values: unknown[] = [],
  ): Promise<T[]> {
    return (await this.#pools[name].query<T>(sql, values)).rows;
  }

  async close(): Promise<void> {
    await Promise.all(NAMES.map((name) => this.#pools[name].end()));
  }
}
