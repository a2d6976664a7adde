import type { Command } from "commander";
import { askServices } from "../ask_services.ts";
import type { Context } from "../context.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";

/** `hail poll [SERVICE...]`. */
export interface PollCommand extends ServiceOptions {
  readonly command: "poll";
  /** Whether what is found is deployed without asking the gates, this once. */
  readonly pastGates: boolean;
}

/** Adds the command to the program. */
export function definePoll(program: Command, done: (command: PollCommand) => void) {
  const command = serviceCommand(
    program,
    "poll",
    "Poll Hydra now.",
    "Makes the hail that keeps a service poll now. Where none runs, this command polls and deploys what is new itself, as --oneshot does.",
  ).option("--past-gates", "Deploy what is found without asking the gates, this once.");
  command.action((_services: unknown, options: RawOptions) => {
    const reader = new Reader(command, options);
    done({ command: "poll", ...readServiceOptions(reader), pastGates: reader.flag("past-gates") });
  });
}

/**
 * Runs the command.
 *
 * @throws {Failure} As `askServices`.
 */
export function runPoll(command: PollCommand, context: Context): Promise<number> {
  return askServices(
    command,
    () => command.pastGates ? { command: "poll", pastGates: true } : { command: "poll" },
    context,
  );
}
