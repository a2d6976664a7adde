import { lstatSync } from "node:fs";
import { besideProfile, type ProfilePath } from "../nix/profile_name.ts";
import { findLocks } from "../process/proc_locks.ts";
import type { RunCommand } from "../process/run_command.ts";

/** Says which process holds the lock of a profile; null where nobody does, or that cannot be known. */
export type LockHolder = (profile: ProfilePath) => number | null;

/** Finds out which processes hold the locks of profiles. No hail that is just starting finds one taken by that. */
export async function findLockHolders(run: RunCommand): Promise<LockHolder> {
  const holders = await findLocks(run);
  return (profile) => {
    try {
      return holders.get(lstatSync(besideProfile(profile, "lock")).ino) ?? null;
    } catch {
      return null;
    }
  };
}
