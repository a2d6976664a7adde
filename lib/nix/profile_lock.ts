import { Failure } from "../failure/failure.ts";
import { type FileLock, type Held, lockFile, OddLockFile } from "../process/file_lock.ts";
import { besideProfile, folderOf, type ProfilePath } from "./profile_name.ts";

/** The right to change a profile. It ends with the process that holds it, however that ends. */
export type ProfileLock = FileLock;

/** What to do where another hail holds a profile. */
export interface HeldProfile {
  /** Told once, if the profile is held. */
  readonly onHeld: (failure: Failure) => void;
  /** Gives up the wait; its reason is then thrown as it is. */
  readonly signal: AbortSignal;
}

/**
 * Takes the lock of a profile: an advisory lock on a file beside it, so that it works whatever the user, the mount
 * namespace or the unit that a hail runs in. The folder is created where needed.
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
  try {
    // Without promises: all this comes before the first request, and is over at once.
    Deno.mkdirSync(folderOf(profile), { recursive: true });
    refuseStore(profile, storeFolder);
    const wait = held && {
      onHeld: (by: Held) => held.onHeld(heldFailure(profile, by)),
      signal: held.signal,
    };
    const lock = await lockFile(path, wait);
    if ("release" in lock) return lock;
    throw heldFailure(profile, lock);
  } catch (error) {
    if (error instanceof Failure || (held?.signal.aborted && error === held.signal.reason)) throw error;
    if (error instanceof OddLockFile) throw odd(path);
    const files = isTooManyFiles(error);
    throw new Failure("switch-failed", {
      what: profile,
      why: `its lock file ${path} cannot be opened and locked (${
        files ? "too many open files" : error instanceof Error ? error.name : "unknown error"
      })`,
      next: files
        ? "Raise LimitNOFILE= of hail's unit."
        : "Run hail as a user who may write the profile's folder, and check that the folder is not read-only.",
      cause: error,
    });
  }
}

/** A profile of which a folder is itself a profile would lie in the store. */
function refuseStore(profile: ProfilePath, storeFolder: string) {
  const folder = Deno.realPathSync(folderOf(profile));
  const store = realPathOf(storeFolder);
  if (folder !== store && !folder.startsWith(`${store}/`)) return;
  throw new Failure("switch-failed", {
    what: profile,
    why: `its folder leads into the Nix store, to ${folder}`,
    next: "Choose a profile that does not lie below another profile.",
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

/** Whether this process, or the host, may not have more files open: EMFILE, ENFILE. */
function isTooManyFiles(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EMFILE" || error.code === "ENFILE");
}

function odd(path: string): Failure {
  return new Failure("switch-failed", {
    what: path,
    why: "something other than a lock file is in its place",
    next: "Remove it, and choose a folder for the profile that only hail's user can write.",
  });
}

function heldFailure(profile: ProfilePath, { holder }: Held): Failure {
  return new Failure("profile-held", {
    what: profile,
    why: holder === null ? "another hail holds it" : `another hail holds it, process ${holder}`,
    next: "Stop the other one first, or give this one another profile.",
  });
}
