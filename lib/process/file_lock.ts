import { existsSync } from "node:fs";
import { systemClock } from "../time/system_clock.ts";

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

// Deno before 2.9 has only a lock() that waits. A lock that is free is taken at once, so a wait of this many
// milliseconds means that somebody holds it.
const HELD_AFTER = 500;

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
  const taken = startLock(file, wait !== undefined);
  if (!await isQuick(taken)) {
    const held = { holder: await readHolder(path) };
    if (wait === undefined) {
      giveAway(taken, file);
      return held;
    }
    wait.onHeld(held);
    await waitFor(taken, file, wait.signal);
  }
  try {
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch {
    // It is only for those who want to know the holder; nothing depends on it.
  }
  return { release: () => file.close() };
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

/**
 * Begins to take a lock.
 *
 * @returns Whether it was taken; where it waits, only once it was.
 */
function startLock(file: Deno.FsFile, wait: boolean): Promise<boolean> {
  const taken: Promise<boolean> = !wait && "tryLock" in file && typeof file.tryLock === "function"
    ? file.tryLock(true).then((result: unknown) => result === true)
    : file.lock(true).then(() => true);
  // Nobody may be there any more to hear of it.
  taken.catch(() => {});
  return taken;
}

/** Whether a lock was taken at once, which it is where nobody holds it. */
async function isQuick(taken: Promise<boolean>): Promise<boolean> {
  const over = new AbortController();
  const late = systemClock.sleep(HELD_AFTER, over.signal).then(() => false);
  const result = await Promise.race([taken, late]);
  over.abort();
  return result;
}

/** A lock call that still waits cannot be called back; what it gets in the end is given away at once. */
function giveAway(taken: Promise<boolean>, file: Deno.FsFile): void {
  taken.then(() => file.close(), () => file.close());
}

async function waitFor(taken: Promise<boolean>, file: Deno.FsFile, signal: AbortSignal): Promise<void> {
  const { promise: given, reject } = Promise.withResolvers<never>();
  const giveUp = () => {
    giveAway(taken, file);
    reject(signal.reason);
  };
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    await Promise.race([taken, given]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
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
