import { Failure } from "../failure/failure.ts";
import { systemClock } from "../time/system_clock.ts";
import { besideProfile, folderOf, type ProfilePath } from "./profile_name.ts";

/** The right to change a profile. It ends with the process that holds it, however that ends. */
export interface ProfileLock {
  /** Gives the right back. */
  release(): void;
}

// Deno before 2.9 has only a lock() that waits. A lock that is free is taken at once, so a wait of this many
// milliseconds means that somebody holds it. The caller ends the process then, and the wait with it.
const HELD_AFTER = 500;

/**
 * Takes the lock of a profile: an advisory lock (flock(2)) on a file beside it, so that it works whatever the user,
 * the mount namespace or the unit that a hail runs in. The folder is created where needed. The file stays: to remove
 * it would let two holders lock two files of one name.
 *
 * @throws {Failure} `profile-held`: another process holds it. `switch-failed`: the folder or the file cannot be
 * written, so neither could the profile.
 */
export async function lockProfile(profile: ProfilePath): Promise<ProfileLock> {
  const path = besideProfile(profile, "lock");
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(folderOf(profile), { recursive: true });
    file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o644 });
  } catch (error) {
    throw new Failure("switch-failed", {
      what: profile,
      why: `its lock file ${path} cannot be opened (${
        error instanceof Error ? error.name : "unknown error"
      })`,
      next:
        "Run hail as a user who may write the profile's folder, and check that the folder is not read-only.",
      cause: error,
    });
  }
  if (!await tryLock(file)) {
    // The file is not closed: on Deno before 2.9 the lock call is still under way on it.
    const holder = await readHolder(path);
    throw new Failure("profile-held", {
      what: profile,
      why: holder === null ? "another hail holds it" : `another hail holds it, process ${holder}`,
      next: "Stop the other one first, or give this one another --profile.",
    });
  }
  // Only for the message above; nothing depends on it.
  await file.truncate(0).then(() => file.write(new TextEncoder().encode(`${Deno.pid}\n`))).catch(() => {});
  return { release: () => file.close() };
}

async function tryLock(file: Deno.FsFile): Promise<boolean> {
  if ("tryLock" in file && typeof file.tryLock === "function") return await file.tryLock(true) === true;
  const over = new AbortController();
  const held = systemClock.sleep(HELD_AFTER, over.signal).then(() => false);
  const taken = file.lock(true).then(() => true);
  // After a lost race the wait goes on until the process ends; it must not become an unhandled rejection.
  taken.catch(() => {});
  const result = await Promise.race([taken, held]);
  over.abort();
  return result;
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
