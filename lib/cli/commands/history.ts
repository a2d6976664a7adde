import type { Command } from "commander";
import type { Context } from "../context.ts";
import { answerForEach } from "../each_service.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { historyDocument, renderHistory } from "../render/history.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";
import { openServices, withDatabase } from "../services.ts";
import { wholeNumber } from "../values.ts";

/** `hail history [SERVICE...]`. */
export interface HistoryCommand extends ServiceOptions {
  readonly command: "history";
  readonly limit: number;
}

/** Adds the command to the program. */
export function defineHistory(program: Command, done: (command: HistoryCommand) => void) {
  const command = serviceCommand(
    program,
    "history",
    "List the deployments of a service, the newest first.",
    "Lists the deployments of a service, the newest first: when each began, its kind, the build it led to, how it ended, how long it took, and why it failed. It only reads.",
  ).option("--limit <N>", "List at most N deployments of each service.", "20");
  command.action((_services: unknown, options: RawOptions) => {
    const reader = new Reader(command, options);
    done({
      command: "history",
      ...readServiceOptions(reader),
      limit: reader.required("limit", wholeNumber(1, 1_000_000)),
    });
  });
}

/**
 * Runs the command.
 *
 * @throws {Failure} `usage`: a service is not known; for one service, what reading it throws.
 */
export async function runHistory(command: HistoryCommand, context: Context): Promise<number> {
  return await answerForEach(command, await openServices(command, context), context, {
    act: ({ file }) =>
      Promise.resolve().then(() => withDatabase(file, context, (stored) => stored.history(command.limit))),
    text: (deployments, service, listed) => renderHistory(service, deployments, listed, context.page),
    document: (deployments, service) => historyDocument(service, deployments),
    pages: true,
  });
}
