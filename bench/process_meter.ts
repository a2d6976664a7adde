/**
 * What a process costs, from Linux's `/proc`.
 *
 * @module
 */

/** Processor time of a process, in milliseconds. */
export interface CpuTime {
  /** Its own. */
  readonly own: number;
  /** That of the children that have ended and were waited for. */
  readonly children: number;
}

/** Memory of a process, in kB. */
export interface Memory {
  /** All that is in memory, with the pages of the executable, which the kernel may drop at any time. */
  readonly resident: number;
  /** What belongs to this process alone and is in no file (`Anonymous`). */
  readonly private: number;
}

/** The kernel counts in hundredths of a second for user space, on every architecture. */
const TICK = 10;

/** The processor time of a process so far, to 10 ms. */
export async function cpuTime(pid: number): Promise<CpuTime> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything; the numbers follow: proc(5), from the third field on.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  const [user = NaN, system = NaN, childUser = NaN, childSystem = NaN] = fields.slice(11, 15);
  return { own: (user + system) * TICK, children: (childUser + childSystem) * TICK };
}

/**
 * The processor time of all threads of a process that run now, to the nanosecond, in milliseconds. The time of threads
 * that have ended is missing.
 */
export async function fineCpuTime(pid: number): Promise<number> {
  let total = 0;
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const [nanoseconds = "0"] = (await Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`)).split(" ");
    total += Number(nanoseconds) / 1e6;
  }
  return total;
}

/** The memory of a process now. */
export async function memory(pid: number): Promise<Memory> {
  const rollup = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const field = (name: string) => Number(new RegExp(`^${name}: +([0-9]+) kB$`, "m").exec(rollup)?.[1]);
  return { resident: field("Rss"), private: field("Anonymous") };
}
