// The five databases, accessed by SQL rather than through the system.

import pg from "pg";

export const NAMES = ["identity", "course", "enrollment", "payment", "notification"] as const;
export type DatabaseName = (typeof NAMES)[number];

export class Databases {
  readonly #pools: Record<DatabaseName, pg.Pool>;

  /** Uses the same environment variables as the system. */
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
