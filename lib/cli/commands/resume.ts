import type { Command } from "commander";
import { askServices } from "../ask_services.ts";
import type { Context } from "../context.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";

/** `hail resume [SERVICE...]`. */
export interface ResumeCommand extends ServiceOptions {
  readonly command: "resume";
}

/** Adds the command to the program. */
export function defineResume(program: Command, done: (command: ResumeCommand) => void) {
  const command = serviceCommand(
    program,
    "resume",
    "End a pause, and the hold after a change by hand.",
    "Ends a pause, and the hold after a change by hand: the next poll deploys what is new; a hail that runs polls at once.",
  );
  command.action((_services: unknown, options: RawOptions) =>
    done({ command: "resume", ...readServiceOptions(new Reader(command, options)) })
  );
}

/**
 * Runs the command.
 *
 * @throws {Failure} As `askServices`.
 */
export function runResume(command: ResumeCommand, context: Context): Promise<number> {
  return askServices(command, () => ({ command: "resume" }), context);
}
