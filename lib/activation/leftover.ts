import process from "node:process";
import { endGroup, type RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";

/** What {@linkcode outwait} works with. */
export interface LeftoverPorts {
  readonly profile: string;
  readonly timeLimit: number;
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly report: Report;
}

// How often it is looked whether the process is still there, in milliseconds.
const CHECK_INTERVAL = 500;
const CHECK_LIMIT = 5_000;

/**
 * Waits for a program of this profile that an earlier hail, which was killed, has started as its child: two activations
 * beside each other could undo each other's work. At the time limit its process group is ended. A process that has
 * taken over the number is left alone, and so is what the program has left in the background.
 *
 * @param leader The process, which leads a process group.
 * @param signal Ends the process group before its time. The promise then resolves as usual.
 * @param again Whether the program runs again after this, which is told.
 */
export async function outwait(
  leader: number,
  ports: LeftoverPorts,
  signal: AbortSignal,
  again = true,
): Promise<void> {
  const { clock, report, timeLimit } = ports;
  if (!await runs(leader, ports)) {
    if (!again) return;
    report({
      name: "activation-lost",
      level: "info",
      message: "what came of the activation that hail began before it was ended is unknown: it runs again",
      fields: { pid: leader },
    });
    return;
  }
  report({
    name: "activation-left",
    level: "warning",
    message:
      `an activation that hail began before it was ended still runs as process ${leader}: waiting for it${
        again ? ", then it runs again" : ""
      }`,
    fields: { pid: leader },
  });
  const over = clock.monotonic() + timeLimit;
  while (await runs(leader, ports)) {
    if (signal.aborted || clock.monotonic() >= over) {
      await endGroup(leader, clock);
      return;
    }
    await clock.sleep(CHECK_INTERVAL, signal);
  }
}

/** Whether the process is there, and still is a program of this profile. */
async function runs(pid: number, { profile, run }: LeftoverPorts): Promise<boolean> {
  try {
    if (!process.kill(pid, 0)) return false;
  } catch {
    return false;
  }
  try {
    // By a program, since Deno reads nothing below /proc without every permission there is. Nothing can be read of one
    // that has ended and that nobody has reaped.
    const { status } = await run({
      program: "grep",
      args: ["-q", "-z", "-x", "-F", "-e", `HAIL_PROFILE=${profile}`, "--", `/proc/${pid}/environ`],
      timeLimit: CHECK_LIMIT,
    });
    return status === 0;
  } catch {
    return false;
  }
}
