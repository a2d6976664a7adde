/** The few ways in which statements are run. What goes wrong is thrown as a {@linkcode Trouble}. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Trouble, troubleOf } from "./trouble.ts";

/** A value in a table. */
export type Cell = string | number | null;

/** A row to be written, by the names of its columns. */
export type Row = Readonly<Record<string, Cell>>;

/** How long another program may keep the database locked before that is an error, in milliseconds. */
export const BUSY_LIMIT = 5_000;

/** Opens a database; whether it is one turns out with the first statement. */
export function connect(file: string, readOnly: boolean, busyLimit = BUSY_LIMIT): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { readOnly });
    run(database, `PRAGMA busy_timeout = ${busyLimit}`);
    // Functions of SQLite's with side effects are not to be called by what somebody has put into the schema.
    run(database, "PRAGMA trusted_schema = OFF");
    return database;
  } catch (error) {
    throw troubleOf(error);
  }
}

/** Closes a database. What goes wrong then has been told before, or is found when it is opened again. */
export function disconnect(database: DatabaseSync): void {
  try {
    database.close();
  } catch {
    // As above.
  }
}

/** Runs one statement. */
export function run(database: DatabaseSync, sql: string, row?: Row): void {
  const statement = prepare(database, sql);
  try {
    if (row === undefined) statement.run();
    else statement.run({ ...row });
  } catch (error) {
    throw troubleOf(error);
  }
}

/** Runs a query. A number that JavaScript cannot hold is a sign of damage. */
export function query(database: DatabaseSync, sql: string, row: Row = {}): Record<string, unknown>[] {
  const statement = prepare(database, sql);
  try {
    return statement.all({ ...row });
  } catch (error) {
    throw error instanceof RangeError ? new Trouble("damaged", error.message, error) : troubleOf(error);
  }
}

/** The only value of a query's only row; a pragma, or a count. */
export function value(database: DatabaseSync, sql: string): unknown {
  return Object.values(query(database, sql)[0] ?? {})[0];
}

/** Runs statements as one: all of them or none. */
export function transact(database: DatabaseSync, act: () => void): void {
  // At once as a writer: whoever begins as a reader may be refused the change without any waiting.
  run(database, "BEGIN IMMEDIATE");
  try {
    act();
    run(database, "COMMIT");
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite has rolled it back by itself.
    }
    throw troubleOf(error);
  }
}

/** Writes a row, in the place of the one of the same key if there is one. */
export function upsert(database: DatabaseSync, table: string, key: string, row: Row): void {
  const columns = Object.keys(row);
  const values = columns.map((column) => `:${column}`);
  const changes = columns.filter((column) => column !== key).map((column) =>
    `${column} = excluded.${column}`
  );
  run(
    database,
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${values.join(", ")})
      ON CONFLICT (${key}) DO UPDATE SET ${changes.join(", ")}`,
    row,
  );
}

/** Writes new rows, which all have the same columns. */
export function insert(database: DatabaseSync, table: string, rows: readonly Row[]): void {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const values = columns.map((column) => `:${column}`);
  const statement = prepare(
    database,
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${values.join(", ")})`,
  );
  try {
    for (const row of rows) statement.run({ ...row });
  } catch (error) {
    throw troubleOf(error);
  }
}

function prepare(database: DatabaseSync, sql: string): StatementSync {
  try {
    return database.prepare(sql);
  } catch (error) {
    // Deno before 2.9 says no more than that it failed; to compile the statement in another way tells why.
    if (error instanceof Error && !("errcode" in error && error.errcode !== undefined)) {
      try {
        database.exec(`EXPLAIN ${sql}`);
      } catch (reason) {
        throw troubleOf(reason);
      }
    }
    throw troubleOf(error);
  }
}
