import { lstatSync } from "node:fs";
import { besideProfile, type ProfilePath } from "../nix/profile_name.ts";
import type { RunCommand } from "../process/run_command.ts";

/**
 * The process that holds the lock of a profile, as far as the kernel shows it: /proc/locks (proc_locks(5)) leaves out those
 * of other PID namespaces. The lock is not touched, so that no hail that is just starting finds it taken.
 *
 * @returns Null where nobody holds it, or that cannot be known.
 */
export async function findLockHolder(profile: string, run: RunCommand): Promise<number | null> {
  let inode: number;
  try {
    // A profile that a database names was read from a command line as one.
    inode = lstatSync(besideProfile(profile as ProfilePath, "lock")).ino;
  } catch {
    return null;
  }
  // By a program, since Deno reads nothing below /proc without every permission there is.
  let holder: number | null = null;
  const onLine = (line: string) => holder ??= holderOf(inode, line);
  await run({ program: "cat", args: ["/proc/locks"], timeLimit: 5_000, onLine }).catch(() => {});
  return holder;
}

/**
 * Reads a line of /proc/locks.
 *
 * @param inode The inode of the file that may be locked. The device is not compared: on some file systems it is not the
 * one that stat(2) tells.
 * @returns The process that holds a lock on the file, or null if the line tells of something else.
 */
export function holderOf(inode: number, line: string): number | null {
  // `1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF`; one that waits has `->` before the kind.
  const [, pid, found] = /^\d+: FLOCK +ADVISORY +WRITE +(\d{1,10}) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line) ??
    [];
  return found === String(inode) ? Number(pid) : null;
}
