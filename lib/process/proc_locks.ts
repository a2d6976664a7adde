import type { RunCommand } from "./run_command.ts";

/**
 * Finds out which files are locked as hail locks them, by their inodes, and by which processes, as far as the kernel shows
 * it: /proc/locks (proc_locks(5)) leaves out those of other PID namespaces. No lock is touched. Empty where it cannot be
 * read.
 */
export async function findLocks(run: RunCommand): Promise<ReadonlyMap<number, number>> {
  const holders = new Map<number, number>();
  // By a program, since Deno reads nothing below /proc without every permission there is.
  const onLine = (line: string) => {
    const lock = readLock(line);
    if (lock !== null) holders.set(lock.inode, lock.pid);
  };
  await run({ program: "cat", args: ["/proc/locks"], timeLimit: 5_000, onLine }).catch(() => {});
  return holders;
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
