/** The database as a file: what it is at first sight, how it comes into its place, and how it leaves it. */
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { APPLICATION_ID } from "./schema.ts";
import { Trouble, troubleOf } from "./trouble.ts";

/** What SQLite keeps beside a database while it is in use, or after it was cut off. */
export const SIDECARS = ["-wal", "-shm", "-journal"] as const;

/** Tells a file from another one that takes its name later. */
export interface Identity {
  readonly device: number;
  readonly inode: number;
}

// https://sqlite.org/fileformat2.html#the_database_header
const HEADER_LENGTH = 100;
const MAGIC = "SQLite format 3\0";
const WRITE_VERSION_OFFSET = 18;
const APPLICATION_ID_OFFSET = 68;
const USER_VERSION_OFFSET = 60;

/** No schema has so many versions; a greater one was not written by a newer hail. */
const VERSION_MAX = 9_999;

/**
 * Looks at a database without opening it as one: SQLite would change what is beside it.
 *
 * The file is opened and closed, which ends the locks that this process holds on it; so it must not be open as a
 * database.
 *
 * @returns The version of its schema, as far as it is not in the write-ahead log only; null if there is no file.
 * @throws {Trouble} `damaged` if it is no database of hail's; `unwritable` if it is not a regular file or cannot be read.
 */
export function glance(file: string): number | null {
  try {
    const before = lstatSync(file, { throwIfNoEntry: false });
    if (before === undefined) return null;
    if (!before.isFile()) throw new Trouble("unwritable", "something other than a file is in its place");
    const header = readHeader(file, before);
    if (header.length === 0) throw new Trouble("damaged", "it is empty");
    if (header.length < HEADER_LENGTH) throw new Trouble("damaged", "it was cut short");
    if (new TextDecoder("latin1").decode(header.subarray(0, MAGIC.length)) !== MAGIC) {
      throw new Trouble("damaged", "it is no SQLite database");
    }
    const numbers = new DataView(header.buffer, header.byteOffset);
    // SQLite would take it for the work of a newer SQLite, and never write it.
    if (![1, 2].includes(numbers.getUint8(WRITE_VERSION_OFFSET))) {
      throw new Trouble("damaged", "its header is damaged");
    }
    if (numbers.getUint32(APPLICATION_ID_OFFSET) !== APPLICATION_ID) {
      throw new Trouble("damaged", "it is not a database of hail's");
    }
    const version = numbers.getUint32(USER_VERSION_OFFSET);
    if (version === 0 || version > VERSION_MAX) throw new Trouble("damaged", "its header is damaged");
    return version;
  } catch (error) {
    throw troubleOf(error);
  }
}

/** With Deno's own functions, which cost less at the start of a process than Node's. */
function readHeader(file: string, before: { dev: number; ino: number }): Uint8Array {
  using opened = Deno.openSync(file);
  const { dev, ino } = opened.statSync();
  if (dev !== before.dev || ino !== before.ino) throw new Trouble("unwritable", "it is being exchanged");
  const bytes = new Uint8Array(HEADER_LENGTH);
  return bytes.subarray(0, opened.readSync(bytes) ?? 0);
}

/** What is in a place now; null if there is nothing, or it cannot be seen. */
export function identify(file: string): Identity | null {
  try {
    const about = lstatSync(file, { throwIfNoEntry: false });
    return about === undefined ? null : { device: about.dev, inode: about.ino };
  } catch {
    return null;
  }
}

/**
 * How a database looks that nobody has open: what changes when anybody writes to its file, or puts another in its place.
 * Null where it is no regular file, or something is left beside it.
 */
export function appearance(file: string): string | null {
  try {
    const about = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    if (about === undefined || !about.isFile()) return null;
    if (SIDECARS.some((end) => identify(file + end) !== null)) return null;
    return [about.dev, about.ino, about.size, about.mtimeNs, about.ctimeNs].join();
  } catch {
    return null;
  }
}

/**
 * Makes the state folder where there is none, for hail alone, or to be read by a group.
 *
 * @throws {Trouble} `unwritable`.
 */
export function makeFolder(folder: string, gid: number | null): void {
  try {
    if (existsSync(folder)) {
      if (!statSync(folder).isDirectory()) throw new Trouble("unwritable", "its folder is not a folder");
      // Whoever can write it could put links and databases of their own there, which root would follow.
      if (!isTrusted(folder)) {
        throw new Trouble("unwritable", "its folder belongs to another user, or others can write to it");
      }
      return;
    }
    mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
    mkdirSync(folder, { mode: 0o700 });
    if (gid !== null && giveTo(folder, gid)) chmodSync(folder, 0o750);
    sync(dirname(folder));
  } catch (error) {
    throw troubleOf(error);
  }
}

/** Whether nobody but this user and root can write to a file or folder, as far as owner and mode say. */
export function isTrusted(path: string): boolean {
  const { uid, mode } = statSync(path);
  return (uid === 0 || uid === Deno.uid()) && (mode & 0o022) === 0;
}

/**
 * Makes an empty file, for hail alone, or to be read by a group. What SQLite makes beside it gets the same owner and mode.
 * What a run that was cut off has left of it goes.
 *
 * @throws {Trouble} `unwritable`.
 */
export function makeFile(file: string, gid: number | null): void {
  removeFile(file);
  try {
    closeSync(openSync(file, "wx", 0o600));
    if (gid !== null && giveTo(file, gid)) chmodSync(file, 0o640);
  } catch (error) {
    throw troubleOf(error);
  }
}

/** Whether it could be given to the group; a user who is not a member may not. */
export function giveTo(path: string, gid: number): boolean {
  try {
    chownSync(path, statSync(path).uid, gid);
    return true;
  } catch {
    return false;
  }
}

/** Removes a file of hail's own that is no state, with what is beside it. Nothing there is no error. */
export function removeFile(file: string): void {
  try {
    for (const end of ["", ...SIDECARS]) rmSync(file + end, { force: true });
  } catch (error) {
    throw troubleOf(error);
  }
}

/** Gives a new database its name; it is whole, and nothing is in its place. */
export function putInPlace(from: string, file: string): void {
  try {
    sync(from);
    renameSync(from, file);
    sync(dirname(file));
  } catch (error) {
    throw troubleOf(error);
  }
}

/**
 * Moves a database out of the way, with what is beside it, under a name that nothing has; it is not to be open.
 *
 * @param mark What is wrong with it, in a word.
 * @returns The new path; null if there was nothing.
 * @throws {Trouble} `unwritable`.
 */
export function moveAside(file: string, mark: string, now: number): string | null {
  try {
    const aside = freeName(`${file}.${mark}-${timestamp(now)}`);
    // The database first: without its log it would pass for a whole one of an earlier time. A log that is left alone is
    // moved at the next start, before there is a new database that it does not belong to.
    const moved = ["", ...SIDECARS].filter((end) => identify(file + end) !== null);
    for (const end of moved) renameSync(file + end, aside + end);
    if (moved.length === 0) return null;
    sync(dirname(file));
    return aside;
  } catch (error) {
    throw troubleOf(error);
  }
}

function freeName(wanted: string): string {
  const taken = (name: string) => ["", ...SIDECARS].some((end) => identify(name + end) !== null);
  let name = wanted;
  for (let number = 2; taken(name); number++) name = `${wanted}-${number}`;
  return name;
}

/** UTC, e.g. `20260101T000000Z`. */
function timestamp(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.[0-9]+/g, "");
}

/** Puts a file, or the names in a folder, on the disk for good. */
export function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
