import { existsSync } from "node:fs";
import { Failure } from "../failure/failure.ts";
import { systemClock } from "../time/system_clock.ts";
import { besideProfile, folderOf, type ProfilePath } from "./profile_name.ts";

/** The right to change a profile. It ends with the process that holds it, however that ends. */
export interface ProfileLock {
  /** Gives the right back. */
  release(): void;
}

// Deno before 2.9 has only a lock() that waits. A lock that is free is taken at once, so a wait of this many
// milliseconds means that somebody holds it.
const HELD_AFTER = 500;

/** What to do where another hail holds a profile. */
export interface HeldProfile {
  /** Told once, if the profile is held. */
  readonly onHeld: (failure: Failure) => void;
  /** Gives up the wait; its reason is then thrown as it is. */
  readonly signal: AbortSignal;
}

/**
 * Takes the lock of a profile: an advisory lock (flock(2)) on a file beside it, so that it works whatever the user,
 * the mount namespace or the unit that a hail runs in. The folder is created where needed. The file stays: to remove
 * it would let two holders lock two files of one name.
 *
 * @param storeFolder The folder of the Nix store, in which nothing may be written.
 * @param held Waits until the profile is free. Without it, a profile that is held is a failure.
 * @throws {Failure} `profile-held`: another process holds it. `switch-failed`: the folder or the file cannot be
 * written, so neither could the profile; or something else is in the file's place; or the folder lies in the store.
 */
export async function lockProfile(
  profile: ProfilePath,
  storeFolder: string,
  held?: HeldProfile,
): Promise<ProfileLock> {
  const path = besideProfile(profile, "lock");
  let file: Deno.FsFile;
  let taken: Promise<boolean>;
  try {
    // Without promises, as in openLock: all this comes before the first request, and is over at once.
    Deno.mkdirSync(folderOf(profile), { recursive: true });
    refuseStore(profile, storeFolder);
    file = openLock(path);
    taken = startLock(file, held !== undefined);
    if (!await isQuick(taken)) {
      const failure = await heldFailure(profile, path);
      if (held === undefined) {
        giveAway(taken, file);
        throw failure;
      }
      held.onHeld(failure);
      await waitFor(taken, file, held.signal);
    }
  } catch (error) {
    if (error instanceof Failure || (held?.signal.aborted && error === held.signal.reason)) throw error;
    throw new Failure("switch-failed", {
      what: profile,
      why: `its lock file ${path} cannot be opened and locked (${
        error instanceof Error ? error.name : "unknown error"
      })`,
      next:
        "Run hail as a user who may write the profile's folder, and check that the folder is not read-only.",
      cause: error,
    });
  }
  try {
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch {
    // It is only for the message above; nothing depends on it.
  }
  return { release: () => file.close() };
}

/** A profile of which a folder is itself a profile would lie in the store. */
function refuseStore(profile: ProfilePath, storeFolder: string) {
  const folder = Deno.realPathSync(folderOf(profile));
  const store = realPathOf(storeFolder);
  if (folder !== store && !folder.startsWith(`${store}/`)) return;
  throw new Failure("switch-failed", {
    what: profile,
    why: `its folder leads into the Nix store, to ${folder}`,
    next: "Choose a --profile that does not lie below another profile.",
  });
}

/** The store folder where it leads; as it is where there is no store yet. */
function realPathOf(storeFolder: string): string {
  try {
    return Deno.realPathSync(storeFolder);
  } catch {
    return storeFolder;
  }
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
  const refuse = () =>
    new Failure("switch-failed", {
      what: path,
      why: "something other than a lock file is in its place",
      next: "Remove it, and choose a folder for the profile that only hail's user can write.",
    });
  const before = Deno.lstatSync(path);
  if (!before.isFile || before.nlink !== 1) throw refuse();
  const file = Deno.openSync(path, { read: true, write: true });
  const { dev, ino } = file.statSync();
  if (dev === before.dev && ino === before.ino) return file;
  file.close();
  throw refuse();
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

async function heldFailure(profile: ProfilePath, path: string): Promise<Failure> {
  const holder = await readHolder(path);
  return new Failure("profile-held", {
    what: profile,
    why: holder === null ? "another hail holds it" : `another hail holds it, process ${holder}`,
    next: "Stop the other one first, or give this one another --profile.",
  });
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
