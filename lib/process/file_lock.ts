import { existsSync } from "node:fs";
import { systemClock } from "../time/system_clock.ts";
import { findLocks } from "./proc_locks.ts";
import { createRunCommand } from "./run_command.ts";

/** A lock on a file. It ends with the process that holds it, however that ends. */
export interface FileLock {
  /** Gives it back. */
  release(): void;
}

/** Somebody else holds the lock. */
export interface Held {
  /** The process that does, as far as the file tells. */
  readonly holder: string | null;
}

/** How to wait for a lock. */
export interface LockWait {
  /** Told once, if somebody holds it. */
  readonly onHeld: (held: Held) => void;
  /** Gives up the wait; its reason is then thrown as it is. */
  readonly signal: AbortSignal;
}

/** Something other than a lock file is in its place. */
export class OddLockFile extends Error {
  override readonly name = "OddLockFile";
}

/** How often a lock that somebody holds is tried again, in milliseconds. */
const TRY_PERIOD = 1_000;

/**
 * Takes an advisory lock (flock(2)) on a file, which is made where there is none, and into which the id of this process is
 * written. The file stays: to remove it would let two holders lock two files of one name.
 *
 * @param wait Waits until the lock is free; without it, the result tells who holds it.
 * @throws {OddLockFile} Its place is taken.
 * @throws {Error} It cannot be made, opened or locked.
 */
export async function lockFile(path: string, wait: LockWait): Promise<FileLock>;
export async function lockFile(path: string, wait?: LockWait): Promise<FileLock | Held>;
export async function lockFile(path: string, wait?: LockWait): Promise<FileLock | Held> {
  const file = openLock(path);
  const attempt = new Attempt(file);
  try {
    if (!await attempt.succeeds(wait !== undefined)) {
      const held = { holder: await readHolder(path) };
      if (wait === undefined) {
        attempt.giveUp();
        return held;
      }
      wait.onHeld(held);
      do {
        wait.signal.throwIfAborted();
        await systemClock.sleep(TRY_PERIOD, wait.signal);
        wait.signal.throwIfAborted();
      } while (!await attempt.succeeds(true));
    }
  } catch (error) {
    attempt.giveUp();
    throw error;
  }
  try {
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch {
    // It is only for those who want to know the holder; nothing depends on it.
  }
  return { release: () => file.close() };
}

// Deno before 2.9 has only a lock() that waits. A lock that is free is taken at once, so a wait of this many
// milliseconds means that somebody holds it.
const HELD_AFTER = 500;

/** The tries to get one lock. */
class Attempt {
  readonly #file: Deno.FsFile;
  /** A lock() that waits, which cannot be called back. */
  #waiting: Promise<void> | null = null;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Tries once.
   *
   * @param often Whether many are tried, again and again: a lock() that waits takes a thread for itself, of which there are
   * few, and all of Deno's file system shares them. So it is called only where the kernel shows no holder.
   */
  async succeeds(often: boolean): Promise<boolean> {
    const file = this.#file;
    if ("tryLock" in file && typeof file.tryLock === "function") return await file.tryLock(true) === true;
    if (this.#waiting === null) {
      if (often && await isListed(file)) return false;
      this.#waiting = file.lock(true);
      // Nobody may be there any more to hear of it.
      this.#waiting.catch(() => {});
    }
    const over = new AbortController();
    const late = systemClock.sleep(HELD_AFTER, over.signal).then(() => false);
    const result = await Promise.race([this.#waiting.then(() => true), late]);
    over.abort();
    return result;
  }

  /** Closes the file; what a lock() that waits still gets is given away at once. */
  giveUp(): void {
    const close = () => this.#file.close();
    if (this.#waiting === null) close();
    else this.#waiting.then(close, close);
  }
}

/** How long one look at all locks holds for all who want to know, in milliseconds. */
const LIST_KEPT = 500;

let list: { readonly at: number; readonly locks: ReturnType<typeof findLocks> } | null = null;

/** Whether the kernel shows that somebody holds the lock. */
async function isListed(file: Deno.FsFile): Promise<boolean> {
  const now = systemClock.monotonic();
  if (list === null || now - list.at > LIST_KEPT) {
    list = { at: now, locks: findLocks(createRunCommand(systemClock)) };
  }
  const { ino } = file.statSync();
  return ino !== null && (await list.locks).has(ino);
}

/**
 * Opens the lock file. Where another user can write the folder, a link in its place could lead the writing, as root,
 * to any file; so only a file of its own will do.
 */
function openLock(path: string): Deno.FsFile {
  // Asked first, since an error that is thrown is dear, and the file is there at every start but the first.
  if (!existsSync(path)) {
    try {
      return Deno.openSync(path, { read: true, write: true, createNew: true, mode: 0o644 });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
  const before = Deno.lstatSync(path);
  if (!before.isFile || before.nlink !== 1) throw new OddLockFile(path);
  const file = Deno.openSync(path, { read: true, write: true });
  const { dev, ino } = file.statSync();
  if (dev === before.dev && ino === before.ino) return file;
  file.close();
  throw new OddLockFile(path);
}

/** Who holds the lock. Read through a file of its own: on the locked one, a read would wait behind the lock. */
async function readHolder(path: string): Promise<string | null> {
  const buffer = new Uint8Array(16);
  try {
    using file = await Deno.open(path);
    const count = await file.read(buffer) ?? 0;
    return /^[0-9]{1,10}(?=\n)/.exec(new TextDecoder().decode(buffer.subarray(0, count)))?.[0] ?? null;
  } catch {
    return null;
  }
}
