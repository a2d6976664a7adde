/** Making and opening the database of a service for writing. */
import type { DatabaseSync } from "node:sqlite";
import { copyFileSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { Failure } from "../failure/failure.ts";
import { checkFile, checkHistory, type Commit, readContent, type Stored, writeContent } from "./content.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";
import { BUSY_LIMIT, connect, disconnect, run, transact, value } from "./sqlite.ts";
import { glance, makeFile, putInPlace, removeFile, sync } from "./state_file.ts";
import { Trouble, troubleOf } from "./trouble.ts";
import type { Words } from "./words.ts";

/** Where the database of a service is, and who may read it. */
export interface Place {
  readonly file: string;
  /** The group that may read it. */
  readonly gid: number | null;
}

/** What is the same for all databases, but for those of tests. */
export interface Setup {
  readonly migrations: readonly string[];
  /** How long another program may keep the database locked, in milliseconds. */
  readonly busyLimit: number;
}

/** The {@linkcode Setup} of every hail. */
export const SETUP: Setup = { migrations: MIGRATIONS, busyLimit: BUSY_LIMIT };

/** A database that was opened for writing, and what it holds. */
export interface Opened {
  readonly database: DatabaseSync;
  readonly stored: Stored;
  /** The version that it had before it was migrated, and where it was copied to; null where it was up to date. */
  readonly migrated: { readonly from: number; readonly copy: string } | null;
}

/**
 * Makes a database where there is none. It gets its name when it is whole, so that one which is cut off while it is made is
 * never taken for a damaged one.
 *
 * @throws {Trouble} What kept it from being made; then nothing is left of it.
 */
export function createDatabase(
  { file, gid }: Place,
  commit: Commit,
  { migrations }: Setup = SETUP,
): void {
  const draft = `${file}.new`;
  makeFile(draft, gid);
  try {
    const database = connect(draft, false);
    try {
      run(database, "PRAGMA synchronous = OFF"); // It is synced as a whole, below.
      migrate(database, 0, migrations);
      transact(database, () => writeContent(database, commit));
      keepLog(database);
    } finally {
      database.close();
    }
    putInPlace(draft, file);
  } catch (error) {
    try {
      removeFile(draft);
    } catch {
      // The next try removes it.
    }
    throw troubleOf(error);
  }
}

/**
 * Opens a database for writing, checks it, and brings its schema up to date.
 *
 * @throws {Trouble} What keeps it from being used.
 * @throws {Failure} `state-newer`.
 */
export function openDatabase(
  file: string,
  words: Words,
  { migrations, busyLimit }: Setup = SETUP,
): Opened {
  // Before SQLite opens it, which could change it.
  refuseNewer(glance(file) ?? 0, file, migrations);
  let database = connect(file, false, busyLimit);
  try {
    const from = versionOf(database);
    refuseNewer(from, file, migrations);
    checkFile(database);
    keepLog(database);
    let migrated: Opened["migrated"] = null;
    if (from < migrations.length) {
      const copy = `${file}.v${from}`;
      emptyLog(database);
      // Whoever closes a file ends the locks of this process on it: so the database must not be open meanwhile.
      database.close();
      keepCopy(file, copy);
      database = connect(file, false, busyLimit);
      keepLog(database);
      migrate(database, from, migrations);
      emptyLog(database);
      migrated = { from, copy };
    }
    const stored = readContent(database, words);
    checkHistory(database, words);
    return { database, stored, migrated };
  } catch (error) {
    disconnect(database);
    if (error instanceof Failure) throw error;
    const trouble = troubleOf(error);
    // Nothing was written yet: what is doubtful here is the file.
    throw trouble.kind === "doubtful" ? new Trouble("damaged", trouble.why, trouble) : trouble;
  }
}

/**
 * Opens for writing what this process has opened and closed before and nobody has changed since, so that it need not be
 * looked through again.
 *
 * @throws {Trouble} What keeps it from being used.
 */
export function reopenDatabase(file: string, { busyLimit }: Setup = SETUP): DatabaseSync {
  const database = connect(file, false, busyLimit);
  try {
    keepLog(database);
    return database;
  } catch (error) {
    disconnect(database);
    throw error;
  }
}

/** The version of its schema. */
export function versionOf(database: DatabaseSync): number {
  return Number(value(database, "PRAGMA user_version"));
}

/** @throws {Failure} `state-newer`. */
export function refuseNewer(version: number, file: string, migrations: readonly string[] = MIGRATIONS): void {
  if (version <= migrations.length) return;
  throw new Failure("state-newer", {
    what: file,
    why: `a newer hail has written it (version ${version}; this hail knows ${migrations.length})`,
    next: "Use the newer hail, or name another state-dir.",
  });
}

/** Brings the schema up to date, wholly or not at all. */
export function migrate(
  database: DatabaseSync,
  from: number,
  migrations: readonly string[] = MIGRATIONS,
): void {
  transact(database, () => {
    for (const statements of migrations.slice(from)) database.exec(statements);
    run(database, `PRAGMA application_id = ${APPLICATION_ID}`);
    run(database, `PRAGMA user_version = ${migrations.length}`);
  });
}

/** With a write-ahead log others can read while hail writes; each commit is on the disk before it is done. */
function keepLog(database: DatabaseSync): void {
  if (value(database, "PRAGMA journal_mode = WAL") !== "wal") {
    throw new Trouble("unwritable", "its file system cannot hold a write-ahead log");
  }
  run(database, "PRAGMA synchronous = FULL");
  run(database, "PRAGMA foreign_keys = ON");
}

/** Writes the whole log into the file of the database. */
function emptyLog(database: DatabaseSync): void {
  if (value(database, "PRAGMA wal_checkpoint(TRUNCATE)") !== 0) {
    throw new Trouble("unwritable", "another program reads it all the time");
  }
}

/** An earlier copy of the same version is replaced, by a whole one. */
function keepCopy(file: string, copy: string): void {
  const draft = `${copy}.new`;
  removeFile(draft);
  copyFileSync(file, draft);
  sync(draft);
  renameSync(draft, copy);
  sync(dirname(copy));
}
