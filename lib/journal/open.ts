/** The journal of a service, in a database of its own. */
import { randomUUID } from "node:crypto";
import type { Journal } from "../deployment/ports.ts";
import { type Advance, type BadBuild, emptyRecord, type ServiceRecord } from "../deployment/record.ts";
import { Failure } from "../failure/failure.ts";
import { DEFAULT_STORE_FOLDER } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { sanitise } from "../report/sanitise.ts";
import { checkFile, type Commit, readContent, type Stored, writeContent } from "./content.ts";
import { Connection } from "./connection.ts";
import { createDatabase, openDatabase, type Place, SETUP, type Setup } from "./database.ts";
import { Notices } from "./notices.ts";
import { isSame, Pending } from "./pending.ts";
import { readService } from "./read.ts";
import { disconnect, transact } from "./sqlite.ts";
import { databaseName } from "./state_folder.ts";
import { glance, identify, makeFolder, moveAside, SIDECARS } from "./state_file.ts";
import { Trouble, troubleOf } from "./trouble.ts";
import { type Stamp, type Words, wordsOf } from "./words.ts";

/** How long a lazy note may wait where nothing else is said, in milliseconds. */
const LAZY_LIMIT = 60_000;

/** How long a lazy note may wait at most while the database cannot be written, in milliseconds: it is a try. */
const RETRY_LIMIT = 60_000;

/** What a journal needs to know. */
export interface JournalOptions extends JournalOwner {
  /** The state folder; it is made where there is none. */
  readonly folder: string;
  /** The profile that the service is deployed to. */
  readonly profile: string;
  /** The group that may read what is made; null for none. */
  readonly gid: number | null;
  /** The wall clock. */
  readonly now: () => number;
  readonly report: Report;
  /** The store folder that all paths must lie in. @default "/nix/store" */
  readonly storeFolder?: string;
  /**
   * Whether the database may be closed for a while when those of other journals are used, and be opened again for what is to
   * be written: for a process of many services, since an open one takes three open files and a third of a megabyte.
   *
   * @default false
   */
  readonly idleClose?: boolean;
  /**
   * How long a lazy note may wait for the next note after it, in milliseconds. While the database cannot be written it is a
   * minute at most. @default 60,000
   */
  readonly lazyLimit?: number;
  /** For tests. */
  readonly setup?: Setup;
}

/** What a database says about whom it belongs to, besides the profile. */
export interface JournalOwner {
  readonly jobUri: string;
  /** The effective options of this hail, as JSON, for commands that run while it does not. */
  readonly settings: string;
}

/** A journal that was opened. */
export interface OpenJournal extends Journal {
  /** The path of the database. */
  readonly file: string;
  /** Writes what waits, lazy notes too. Nothing is done where nothing waits. */
  flush(): void;
  /** From now on the service follows this job, with these options. Written at once, if they are others than before. */
  setOwner(owner: JournalOwner): void;
  /** Writes what waits to be written, and closes the database. Nothing is to be written after it. */
  close(): void;
}

/**
 * Opens the journal of a service, and makes it where there is none. A database that is damaged is moved aside and a new one
 * begun; one that cannot be written is read as far as that goes, and hail goes on in memory until it can. Both are
 * reported.
 *
 * The process must not open the file of the database in any other way as long as the journal is open: to close it again
 * would end SQLite's locks.
 *
 * @throws {Failure} `state-newer`: a newer hail has written it. It is left as it is.
 */
export function openJournal(options: JournalOptions): OpenJournal {
  const journal = new SqliteJournal(options);
  journal.start();
  return journal;
}

class SqliteJournal implements OpenJournal {
  readonly file: string;
  readonly #options: JournalOptions;
  readonly #place: Place;
  readonly #words: Words;
  readonly #setup: Setup;
  readonly #notices: Notices;
  /** Names this run of hail. */
  readonly #writer = randomUUID();
  readonly #connection: Connection;
  #owner: JournalOwner;
  #record: ServiceRecord;
  /** What the database said when it was read or written last; null where it could never be read. */
  #known: Stamp | null = null;
  /** The list of bad builds that the database holds; null where that is not known. */
  #badBefore: readonly BadBuild[] | null = null;
  readonly #pending = new Pending();
  #triedAt: number;
  #dirty = false;
  /** Whether the last try to write has failed. */
  #failing = false;

  constructor(options: JournalOptions) {
    const { folder, profile, gid, now, report, storeFolder = DEFAULT_STORE_FOLDER } = options;
    this.file = `${folder}/${databaseName(profile)}`;
    this.#options = options;
    this.#place = { file: this.file, gid };
    this.#words = wordsOf(storeFolder);
    this.#setup = options.setup ?? SETUP;
    this.#notices = new Notices(this.file, report, now);
    this.#connection = new Connection(this.file, this.#setup, options.idleClose === true);
    this.#owner = { jobUri: options.jobUri, settings: options.settings };
    this.#record = emptyRecord(now());
    this.#triedAt = now();
  }

  get record(): ServiceRecord {
    return this.#record;
  }

  /** @throws {Failure} `state-newer`. */
  start(): void {
    let trouble: Trouble | null = null;
    try {
      const stored = this.#openExisting();
      this.#take(stored);
      // The disk need not be waited for when there is nothing to write.
      if (stored !== null && this.#isOwner(stored.owner)) return;
    } catch (error) {
      if (error instanceof Failure) throw error;
      trouble = troubleOf(error);
      if (trouble.kind !== "damaged") this.#readAnyway();
    }
    const found = trouble;
    this.#save(() => {
      if (found === null) this.#commit();
      else if (found.kind === "damaged") this.#replace(found, "damaged", false);
      else throw found;
    });
  }

  write(advance: Advance): void {
    this.#record = advance.record;
    this.#pending.add(advance);
    this.#save(() => this.#commit());
  }

  note(facts: Partial<Omit<ServiceRecord, "state" | "since">>, lazily = false): void {
    const before = this.#record.work;
    this.#record = { ...this.#record, ...facts };
    if (before !== null && before.id !== this.#record.work?.id) this.#pending.addDeployment(before);
    this.#dirty = true;
    const { now, lazyLimit = LAZY_LIMIT } = this.#options;
    const limit = this.#failing ? Math.min(RETRY_LIMIT, lazyLimit) : lazyLimit;
    const waited = now() - this.#triedAt;
    // A clock that was set back must not hold it up.
    if (!lazily || waited >= limit || waited < 0) this.#save(() => this.#commit());
  }

  flush(): void {
    if (this.#dirty) this.#save(() => this.#commit());
  }

  setOwner({ jobUri, settings }: JournalOwner): void {
    if (this.#isOwner({ jobUri, settings })) return;
    this.#owner = { jobUri, settings };
    this.#save(() => this.#commit());
  }

  close(): void {
    this.flush();
    this.#connection.drop();
  }

  #isOwner({ jobUri, settings }: JournalOwner): boolean {
    return jobUri === this.#owner.jobUri && settings === this.#owner.settings;
  }

  /** Takes over what was remembered. */
  #take(stored: { readonly record: ServiceRecord; readonly stamp: Stamp } | null): void {
    if (stored === null) return;
    this.#record = stored.record;
    this.#known = stored.stamp;
  }

  /** Takes over what was remembered if it can be read at least. */
  #readAnyway(): void {
    try {
      const service = readService(this.file, this.#options);
      service.close();
      if (service.profile === this.#options.profile) this.#take(service);
    } catch (error) {
      if (error instanceof Failure && error.code === "state-newer") throw error;
      // That it cannot be used is told by whoever has called this.
    }
  }

  /** Does what writes everything that waits. If it fails, that is reported, and everything goes on waiting. */
  #save(act: () => void): void {
    this.#triedAt = this.#options.now();
    this.#dirty = true;
    try {
      try {
        act();
      } catch (error) {
        const trouble = this.#judge(error);
        if (trouble.kind !== "damaged") throw trouble;
        this.#replace(trouble, "damaged");
      }
    } catch (error) {
      this.#connection.drop();
      this.#failing = true;
      this.#pending.limit();
      return this.#notices.unwritable(this.#judge(error));
    }
    this.#notices.written(this.#pending.transitions.length, this.#pending.lost);
    this.#pending.clear();
    this.#badBefore = this.#record.bad;
    this.#dirty = false;
    this.#failing = false;
  }

  /** Writes everything that waits into the database: the one that is open, the one that is there, or a new one. */
  #commit(): void {
    const connection = this.#connection;
    connection.use();
    if (connection.isExchanged()) connection.drop();
    if (connection.database === null && !(this.#known !== null && connection.resume(this.#known))) {
      const stored = this.#openExisting();
      const stranger = stored === null ? null : this.#recognise(stored);
      if (stranger !== null) return this.#replace(stranger, "replaced");
    }
    const { database } = connection;
    if (database === null) {
      if (this.#known !== null) {
        this.#notices.damaged(new Trouble("damaged", "it was removed while hail was running"), "gone", true);
        this.#known = null;
      }
      return this.#begin();
    }
    const commit = this.#nextCommit();
    this.#pending.attempt(commit.stamp);
    transact(database, () => writeContent(database, commit));
    this.#known = commit.stamp;
  }

  /** Makes a new database that holds all that is in memory. Nothing is in its place. */
  #begin(): void {
    this.#badBefore = null;
    const commit = this.#nextCommit();
    this.#pending.attempt(commit.stamp);
    createDatabase(this.#place, commit, this.#setup);
    this.#openExisting();
    this.#known = commit.stamp;
  }

  /** Moves the database aside, begins a new one with all that is in memory, and says so. */
  #replace(trouble: Trouble, mark: string, inMemory = true): void {
    this.#connection.drop();
    let aside: string | null;
    try {
      aside = moveAside(this.file, mark, this.#options.now());
    } catch (error) {
      this.#notices.damaged(trouble, "stuck", inMemory);
      throw error;
    }
    this.#known = null;
    this.#notices.damaged(trouble, aside === null ? "gone" : { aside }, inMemory);
    this.#begin();
  }

  #nextCommit(): Commit {
    const { profile, now } = this.#options;
    return {
      record: this.#record,
      owner: { profile, ...this.#owner, writtenAt: now() },
      stamp: { writer: this.#writer, revision: (this.#known?.revision ?? 0) + 1 },
      deployments: this.#pending.deployments,
      transitions: this.#pending.transitions,
      badBefore: this.#badBefore,
    };
  }

  /**
   * Opens the database that is there.
   *
   * @returns What it holds; null if there is none, and nothing of one.
   */
  #openExisting(): Stored | null {
    if (glance(this.file) === null) {
      makeFolder(this.#options.folder, this.#place.gid);
      if (SIDECARS.every((end) => identify(this.file + end) === null)) return null;
      throw new Trouble("damaged", "only its log is left");
    }
    const { database, stored, migrated } = openDatabase(this.file, this.#words, this.#setup);
    if (stored.owner.profile !== this.#options.profile) {
      disconnect(database);
      throw new Trouble("damaged", `it belongs to another profile, ${sanitise(stored.owner.profile, 200)}`);
    }
    if (migrated !== null) {
      this.#notices.migrated(migrated.from, this.#setup.migrations.length, migrated.copy);
    }
    this.#connection.take(database);
    this.#badBefore = stored.record.bad;
    return stored;
  }

  /**
   * Finds out whether a database that was opened is the one that this journal has read or written.
   *
   * @returns What is wrong with it if it is not.
   */
  #recognise({ stamp, record }: Stored): Trouble | null {
    if (isSame(stamp, this.#known)) return null;
    if (this.#pending.wasDone(stamp)) {
      this.#known = stamp;
      return null;
    }
    if (this.#known !== null) {
      return new Trouble("damaged", "it is not the one that hail has written: it was exchanged");
    }
    // What is marked bad stays so, even where the rest of what was remembered comes too late.
    this.#record = { ...this.#record, bad: merge(record.bad, this.#record.bad) };
    return new Trouble("damaged", "hail has gone on without it, since it could not be read before");
  }

  /** Whether an error means that the database is damaged. */
  #judge(error: unknown): Trouble {
    if (error instanceof Failure) return new Trouble("unwritable", error.why, error);
    const trouble = troubleOf(error);
    const { database } = this.#connection;
    if (trouble.kind !== "doubtful" || database === null) return trouble;
    try {
      checkFile(database, true);
      readContent(database, this.#words);
      return trouble;
    } catch (found) {
      return troubleOf(found).kind === "unwritable" ? trouble : new Trouble("damaged", trouble.why, found);
    }
  }
}

function merge(older: readonly BadBuild[], newer: readonly BadBuild[]): readonly BadBuild[] {
  const paths = new Set(newer.map(({ path }) => path));
  return [...older.filter(({ path }) => !paths.has(path)), ...newer];
}
