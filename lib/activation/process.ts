import type { Activation, Stop } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import { type ActivatorOptions, deactivateWith, requireProgram, type TidyActivator } from "./activator.ts";
import { outwait } from "./leftover.ts";
import { type Ended, judge, notExecutable, programPath, programVariables } from "./program.ts";

/**
 * Makes an activator that starts the programs of the profile as children in process groups of their own. They have
 * hail's environment and, in addition, the variables of {@linkcode programVariables}. What they print becomes
 * `activate-output` events.
 *
 * A program does not outlive hail: at a stop hail waits for it. Where hail is killed, the program may go on, and the next
 * hail waits for it and runs it again, since nobody has seen its result.
 */
export function createProcessActivator(options: ActivatorOptions): TidyActivator {
  return {
    outlives: false,
    async activate(activation, stop) {
      const program = programPath(options, "activate");
      await outwaitLeader(options, program, activation, stop);
      await requireProgram(program);
      return await perform(options, program, activation, stop);
    },
    async deactivate(activation, stop) {
      const program = programPath(options, "deactivate");
      await deactivateWith(options, activation, async () => {
        await outwaitLeader(options, program, activation, stop, false);
        await perform(options, program, activation, stop);
      });
    },
    // A process leaves nothing behind.
    tidy: () => Promise.resolve(),
    async outwait(leader, stop) {
      await outwaitLeader(options, programPath(options, "activate"), { leader }, stop, false);
    },
  };
}

/** @throws {Failure} `activation-aborted` if hail was told to stop at once. */
async function outwaitLeader(
  options: ActivatorOptions,
  program: string,
  { leader }: Pick<Activation, "leader">,
  { now }: Stop,
  again = true,
) {
  if (leader !== null) await outwait(leader, options, now, again);
  if (now.aborted) throw aborted(program);
}

async function perform(options: ActivatorOptions, program: string, activation: Activation, { now }: Stop) {
  const { run, report, timeLimit, degradedStatuses } = options;
  let exit;
  activation.onBegin();
  try {
    exit = await run({
      program,
      args: [],
      env: programVariables(options, activation),
      timeLimit,
      signal: now,
      onStart: activation.onLeader,
      onLine: (line, stream) =>
        report({ name: "activate-output", level: "info", message: line, fields: { stream } }),
    });
  } catch (error) {
    if (now.aborted) throw aborted(program);
    // Anything else, such as too many processes, is no fault of the program.
    if (
      !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
        isFormat(error))
    ) {
      throw notRun(program, error);
    }
    throw notExecutable(
      program,
      // The file is there, as was seen before: so it is its interpreter that is not.
      error instanceof Deno.errors.NotFound
        ? "the interpreter that its first line names does not exist"
        : `it cannot be executed (${error instanceof Error ? error.name : "unknown error"})`,
      error,
    );
  }
  if (exit.ended === "aborted") throw aborted(program);
  const ended: Ended = exit.ended === "time-limit"
    ? { how: "time-limit" }
    : exit.signal !== null
    ? { how: "signal", signal: exit.signal }
    : { how: "exited", status: exit.status };
  return judge(program, ended, degradedStatuses, "what it printed above");
}

/** Whether the system says that it cannot execute a file of this format (ENOEXEC). */
function isFormat(error: unknown): boolean {
  return error instanceof Error && /os error 8\b/.test(error.message);
}

function notRun(program: string, cause: unknown): Failure {
  return new Failure("activation-not-run", {
    what: program,
    why: `it could not be begun (${cause instanceof Error ? cause.name : "unknown error"})`,
    next: "See whether the host has memory and processes left.",
    cause,
  });
}

function aborted(program: string): Failure {
  return new Failure("activation-aborted", {
    what: program,
    why: "it was ended because hail was told twice to stop",
    next: "It runs again when hail starts.",
  });
}
