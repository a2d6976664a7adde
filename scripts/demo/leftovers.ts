/**
 * What a folder's programs leave behind. Every program of the demo has the folder's name in its environment, and so have
 * the programs that it starts: that tells them from all others of the machine.
 *
 * @module
 */

/** How long a process has to act on TERM, and then on KILL, in milliseconds. */
const GRACE = 5_000;
const LOOK_AGAIN = 50;

/** The processes, other than this one, that have the folder's name in their environment. */
export async function processesOf(folder: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    if ((await environmentOf(pid)).includes(folder)) found.push(pid);
  }
  return found;
}

/** Ends the processes of a folder, at first with TERM, and waits until they have gone. */
export async function endProcesses(folder: string): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const over = performance.now() + GRACE;
    const told = new Set<number>();
    for (;;) {
      const pids = await processesOf(folder);
      if (pids.length === 0) return;
      if (performance.now() > over) break;
      for (const pid of pids) {
        if (!told.has(pid)) kill(pid, signal);
        told.add(pid);
      }
      // Nothing tells of the end of a process that is not a child.
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
  }
}

/** Whether something of this name is there. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The environment of a process: nothing for one that has ended, or is another user's. */
async function environmentOf(pid: number): Promise<string> {
  try {
    return await Deno.readTextFile(`/proc/${pid}/environ`);
  } catch {
    return "";
  }
}

function kill(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended by itself in the meantime.
  }
}
