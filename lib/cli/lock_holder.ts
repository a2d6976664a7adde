import { lstatSync } from "node:fs";
import { besideProfile, type ProfilePath } from "../nix/profile_name.ts";
import type { RunCommand } from "../process/run_command.ts";

/** Says which process holds the lock of a profile; null where nobody does, or that cannot be known. */
export type LockHolder = (profile: ProfilePath) => number | null;

/**
 * Finds out which processes hold locks, as far as the kernel shows it: /proc/locks (proc_locks(5)) leaves out those of
 * other PID namespaces. No lock is touched, so that no hail that is just starting finds one taken.
 */
export async function findLockHolders(run: RunCommand): Promise<LockHolder> {
  const holders = new Map<number, number>();
  // By a program, since Deno reads nothing below /proc without every permission there is.
  const onLine = (line: string) => {
    const lock = readLock(line);
    if (lock !== null) holders.set(lock.inode, lock.pid);
  };
  await run({ program: "cat", args: ["/proc/locks"], timeLimit: 5_000, onLine }).catch(() => {});
  return (profile) => {
    try {
      return holders.get(lstatSync(besideProfile(profile, "lock")).ino) ?? null;
    } catch {
      return null;
    }
  };
}

/**
 * Reads a line of /proc/locks. The device is not told: on some file systems it is not the one that stat(2) tells.
 *
 * @returns The inode of a file that is locked as hail does it, and by which process; null if the line tells of something
 * else.
 */
export function readLock(line: string): { readonly inode: number; readonly pid: number } | null {
  // `1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF`; one that waits has `->` before the kind.
  const [, pid, inode] = /^\d+: FLOCK +ADVISORY +WRITE +(\d{1,10}) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line) ??
    [];
  return pid === undefined ? null : { inode: Number(inode), pid: Number(pid) };
}
