/** Reading the state of services, also while their hail runs, and without the right to write anything. */
import type { DatabaseSync } from "node:sqlite";
import { readdirSync } from "node:fs";
import type { Deployment, ServiceRecord } from "../deployment/record.ts";
import { Failure } from "../failure/failure.ts";
import { DEFAULT_STORE_FOLDER } from "../nix/store_path.ts";
import { checkFile, readContent, readHistory, readTransitions, type Stored } from "./content.ts";
import { migrate, refuseNewer, SETUP, type Setup, versionOf } from "./database.ts";
import { connect, disconnect, run } from "./sqlite.ts";
import { glance, identify } from "./state_file.ts";
import { isDatabaseName } from "./state_folder.ts";
import { copyToRead, type TemporaryCopy } from "./temporary_copy.ts";
import { Trouble, troubleOf } from "./trouble.ts";
import { type Stamp, type StoredTransition, type Words, wordsOf } from "./words.ts";

export type { StoredTransition } from "./words.ts";

/** What {@linkcode readService} needs to know. */
export interface ReadOptions {
  /** The store folder that all paths must lie in. @default "/nix/store" */
  readonly storeFolder?: string;
  /** For tests. */
  readonly setup?: Setup;
}

/** The state of a service at one moment. */
export interface StoredService {
  readonly profile: string;
  readonly jobUri: string;
  /** The effective options of the hail that wrote it, as JSON. */
  readonly settings: string;
  readonly record: ServiceRecord;
  /** When it was written last. */
  readonly writtenAt: number | null;
  /** What identifies the last commit. */
  readonly stamp: Stamp;
  /**
   * The newest deployments, the newest first.
   *
   * @throws {Failure} As {@linkcode readService}.
   */
  history(limit: number): Deployment[];
  /**
   * The newest transitions, the newest first.
   *
   * @throws {Failure} As {@linkcode readService}.
   */
  transitions(limit: number): StoredTransition[];
  /** Ends the reading. */
  close(): void;
}

/**
 * The databases of services in a state folder and in its direct subfolders, such as systemd makes one for each
 * service. There are none where there is no folder. A subfolder that may not be read is left out.
 *
 * @throws {Failure} `state-unwritable`: the folder may not be read.
 */
export function findServices(folder: string): string[] {
  const found: string[] = [];
  try {
    for (const { name, isFile, isFolder } of list(folder)) {
      if (isFile && isDatabaseName(name)) found.push(`${folder}/${name}`);
      if (isFolder) found.push(...findInSubfolder(`${folder}/${name}`));
    }
  } catch (error) {
    throw failureOf(error, folder);
  }
  return found.toSorted();
}

function findInSubfolder(folder: string): string[] {
  try {
    return list(folder)
      .filter(({ name, isFile }) => isFile && isDatabaseName(name))
      .map(({ name }) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

function list(folder: string): { name: string; isFile: boolean; isFolder: boolean }[] {
  if (identify(folder) === null) return [];
  return readdirSync(folder, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    isFile: entry.isFile(),
    isFolder: entry.isDirectory(),
  }));
}

/**
 * Reads the state of a service. Nothing is written beside the database that was not there before; where SQLite would
 * have to, a copy in a temporary folder is read instead.
 *
 * The process must not have the journal of this service open as well: the file is opened and closed, which would end the
 * locks of the journal.
 *
 * @param file A path out of {@linkcode findServices}.
 * @throws {Failure} `state-damaged`: it is no database of hail's, or not whole. `state-newer`: a newer hail has written
 * it. `state-unwritable`: it is not there, or cannot be read.
 */
export function readService(file: string, options: ReadOptions = {}): StoredService {
  const { storeFolder = DEFAULT_STORE_FOLDER, setup: { migrations } = SETUP } = options;
  const words = wordsOf(storeFolder);
  try {
    const version = glance(file);
    if (version === null) throw new Trouble("unwritable", "there is no such file");
    refuseNewer(version, file, migrations);
    // Without a log there is nobody who writes, and SQLite would have to make one.
    const inPlace = version === migrations.length && identify(`${file}-wal`) !== null
      ? openInPlace(file, words, migrations)
      : null;
    return inPlace ?? openCopy(file, words, migrations);
  } catch (error) {
    throw failureOf(error, file);
  }
}

/** Null where it takes a copy to read it. */
function openInPlace(file: string, words: Words, migrations: readonly string[]): StoredService | null {
  let database: DatabaseSync | null = null;
  try {
    database = connect(file, true);
    // All that is read from here on is of one moment.
    run(database, "BEGIN");
    const version = versionOf(database);
    refuseNewer(version, file, migrations);
    if (version === migrations.length) {
      return new OpenService(file, database, readContent(database, words), words, null);
    }
  } catch (error) {
    if (database !== null) disconnect(database);
    if (error instanceof Failure || troubleOf(error).kind !== "unwritable") throw error;
    return null;
  }
  disconnect(database);
  return null;
}

function openCopy(file: string, words: Words, migrations: readonly string[]): StoredService {
  const copy = copyToRead(file);
  let database: DatabaseSync | null = null;
  try {
    database = connect(copy.file, false);
    const version = versionOf(database);
    refuseNewer(version, file, migrations);
    checkFile(database);
    if (version < migrations.length) migrate(database, version, migrations);
    return new OpenService(file, database, readContent(database, words), words, copy);
  } catch (error) {
    if (database !== null) disconnect(database);
    copy.remove();
    throw error;
  }
}

class OpenService implements StoredService {
  readonly profile: string;
  readonly jobUri: string;
  readonly settings: string;
  readonly record: ServiceRecord;
  readonly writtenAt: number | null;
  readonly stamp: Stamp;
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #words: Words;
  readonly #copy: TemporaryCopy | null;

  constructor(
    file: string,
    database: DatabaseSync,
    { record, owner, stamp }: Stored,
    words: Words,
    copy: TemporaryCopy | null,
  ) {
    this.profile = owner.profile;
    this.jobUri = owner.jobUri;
    this.settings = owner.settings;
    this.writtenAt = owner.writtenAt;
    this.record = record;
    this.stamp = stamp;
    this.#file = file;
    this.#database = database;
    this.#words = words;
    this.#copy = copy;
  }

  history(limit: number): Deployment[] {
    return this.#read(() => readHistory(this.#database, limit, this.#words));
  }

  transitions(limit: number): StoredTransition[] {
    return this.#read(() => readTransitions(this.#database, limit, this.#words));
  }

  close(): void {
    disconnect(this.#database);
    this.#copy?.remove();
  }

  #read<Result>(act: () => Result): Result {
    try {
      return act();
    } catch (error) {
      throw failureOf(error, this.#file);
    }
  }
}

function failureOf(error: unknown, what: string): Failure {
  if (error instanceof Failure) return error;
  const { kind, why } = troubleOf(error);
  return kind === "unwritable"
    ? new Failure("state-unwritable", {
      what,
      why,
      next: "Run this as the user of the hail that wrote it, or as a member of the group 'hail'.",
      cause: error,
    })
    : new Failure("state-damaged", {
      what,
      why,
      next: "Start or restart hail: it moves the damaged file aside and goes on from what the profile shows.",
      cause: error,
    });
}
