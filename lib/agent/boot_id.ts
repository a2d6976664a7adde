import type { RunCommand } from "../process/run_command.ts";

/**
 * The id of the host's present boot, as random(4) describes it: it tells whether a process that hail started in an earlier
 * life can still be there. Empty where it cannot be read.
 */
export async function readBootId(run: RunCommand): Promise<string> {
  // By a program, since Deno reads nothing below /proc without every permission there is.
  const { status, output } = await run({
    program: "cat",
    args: ["/proc/sys/kernel/random/boot_id"],
    timeLimit: 5_000,
  }).catch(() => ({ status: 1, output: [] }));
  return status === 0 ? /^[0-9a-f-]{36}$/.exec(output[0] ?? "")?.[0] ?? "" : "";
}
