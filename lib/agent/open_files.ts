import type { RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";

/** Fewer services than this need no look at the limit: the lowest that is usual is 1,024. */
const FEW = 200;

/** What hail has open besides one lock a service: connections, databases, the programs that it runs. */
const OTHERS = 300;

/** The limit of open files out of /proc/self/limits (proc_pid_limits(5)); null if it does not stand there, or is none. */
export function readLimit(lines: readonly string[]): number | null {
  for (const line of lines) {
    const [, soft] = /^Max open files +([0-9]+) /.exec(line) ?? [];
    if (soft !== undefined) return Number(soft);
  }
  return null;
}

/** Warns where this process may not have as many files open as its services need. */
export async function checkOpenFiles(services: number, run: RunCommand, report: Report): Promise<void> {
  if (services < FEW) return;
  // By a program, which has the same limit, since Deno reads nothing below /proc without every permission there is.
  const { output } = await run({ program: "cat", args: ["/proc/self/limits"], timeLimit: 5_000 })
    .catch(() => ({ output: [] }));
  const limit = readLimit(output);
  const needed = services + OTHERS;
  if (limit === null || limit >= needed) return;
  report({
    name: "open-files",
    level: "warning",
    message:
      `${services} services may need ${needed} open files, and only ${limit} are allowed: raise LimitNOFILE= of hail's unit`,
    fields: { services, needed, limit },
  });
}
