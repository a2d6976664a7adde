import type { DatabaseSync } from "node:sqlite";
import { readStamp } from "./content.ts";
import { reopenDatabase, type Setup } from "./database.ts";
import { isSame } from "./pending.ts";
import { disconnect } from "./sqlite.ts";
import { appearance, identify, type Identity } from "./state_file.ts";
import type { Stamp } from "./words.ts";

/** How many databases are open at a time, of those that may be closed for a while. */
export const OPEN_MAX = 8;

/** Those that are open now, the one that was used least recently first. */
const open = new Set<Connection>();

/** A journal's way to its database. While the database is open it takes three open files and a third of a megabyte. */
export class Connection {
  readonly #file: string;
  readonly #setup: Setup;
  readonly #canRest: boolean;
  #database: DatabaseSync | null = null;
  /** The files that it consists of. */
  #files: readonly (Identity | null)[] = [];
  /** How the file looked when the database was closed for a while; null where it was closed for good. */
  #left: string | null = null;

  /** @param canRest Whether it may be closed for a while when others are used. */
  constructor(file: string, setup: Setup, canRest: boolean) {
    this.#file = file;
    this.#setup = setup;
    this.#canRest = canRest;
  }

  /** The database, while it is open. */
  get database(): DatabaseSync | null {
    return this.#database;
  }

  /** Takes over a database that was just opened. */
  take(database: DatabaseSync): void {
    this.#database = database;
    this.#files = this.#identities();
    this.#left = null;
    this.use();
  }

  /** Has the database stay open for now, if it is; another one is closed for it where too many are. */
  use(): void {
    if (this.#database === null || !this.#canRest) return;
    open.delete(this);
    open.add(this);
    const [first] = open;
    if (open.size > OPEN_MAX && first !== undefined) first.#rest();
  }

  /** Whether something else is in the place of the files that are open: hail would write what nobody finds again. */
  isExchanged(): boolean {
    if (this.#database === null) return false;
    const now = this.#identities();
    return this.#files.some((file, index) =>
      file?.inode !== now[index]?.inode || file?.device !== now[index]?.device
    );
  }

  /** Closes the database for a while. */
  #rest(): void {
    this.drop();
    this.#left = appearance(this.#file);
  }

  /**
   * Opens the database again that was closed for a while, without the cost of looking through it: it must look as it was left.
   *
   * @param known What was written last.
   * @returns Whether it is open; otherwise it is to be opened as one that may be another or damaged.
   */
  resume(known: Stamp): boolean {
    const left = this.#left;
    if (left === null || appearance(this.#file) !== left) return false;
    try {
      this.take(reopenDatabase(this.#file, this.#setup));
      if (this.#database !== null && isSame(readStamp(this.#database), known)) return true;
    } catch {
      // Whoever opens it anew finds out what is wrong.
    }
    this.drop();
    return false;
  }

  /** Closes the database. */
  drop(): void {
    if (this.#database !== null) disconnect(this.#database);
    open.delete(this);
    this.#database = null;
    this.#left = null;
  }

  #identities(): (Identity | null)[] {
    return [this.#file, `${this.#file}-wal`].map(identify);
  }
}
