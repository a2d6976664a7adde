import type { Command } from "commander";
import { askServices } from "../ask_services.ts";
import type { Context } from "../context.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";

/** `hail retry [SERVICE...]`. */
export interface RetryCommand extends ServiceOptions {
  readonly command: "retry";
}

/** Adds the command to the program. */
export function defineRetry(program: Command, done: (command: RetryCommand) => void) {
  const command = serviceCommand(
    program,
    "retry",
    "Try the latest build again that failed or was rolled back.",
    "Forgets that the latest build is marked bad, and tries again what waits or has failed: at once, where hail runs.",
  );
  command.action((_services: unknown, options: RawOptions) =>
    done({ command: "retry", ...readServiceOptions(new Reader(command, options)) })
  );
}

/**
 * Runs the command.
 *
 * @throws {Failure} As `askServices`.
 */
export function runRetry(command: RetryCommand, context: Context): Promise<number> {
  return askServices(command, () => ({ command: "retry" }), context);
}
