import type { Command } from "commander";
import { askService } from "../ask_service.ts";
import type { Context } from "../context.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";

/** `hail poll [SERVICE]`. */
export interface PollCommand extends ServiceOptions {
  readonly command: "poll";
}

/** Adds the command to the program. */
export function definePoll(program: Command, done: (command: PollCommand) => void) {
  const command = serviceCommand(
    program,
    "poll",
    "Poll Hydra now.",
    "Makes the hail that keeps a service poll now. Where none runs, it polls and deploys what is new itself, as --oneshot does.",
  );
  command.action((_service: unknown, options: RawOptions) =>
    done({ command: "poll", ...readServiceOptions(new Reader(command, options)) })
  );
}

/**
 * Runs the command.
 *
 * @throws {Failure} As `askService`.
 */
export function runPoll(command: PollCommand, context: Context): Promise<number> {
  return askService(command, () => ({ command: "poll" }), context);
}
