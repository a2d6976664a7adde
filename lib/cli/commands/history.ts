import type { Command } from "commander";
import { serviceName } from "../choose_service.ts";
import type { Context } from "../context.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { writeDocument } from "../render/documents.ts";
import { historyDocument, renderHistory } from "../render/history.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";
import { openService } from "../services.ts";
import { wholeNumber } from "../values.ts";

/** `hail history [SERVICE]`. */
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
  ).option("--limit <N>", "List at most N deployments.", "20");
  command.action((_service: unknown, options: RawOptions) => {
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
 * @throws {Failure} `usage`: the service is not known; what reading it throws.
 */
export function runHistory(command: HistoryCommand, context: Context): Promise<number> {
  const { stored } = openService(command, context);
  try {
    const deployments = stored.history(command.limit);
    const { profile } = stored;
    const owner = { name: serviceName(profile, context.profilesFolder), profile };
    context.out(
      command.json
        ? writeDocument(historyDocument(owner, deployments))
        : renderHistory(owner, deployments, context.page),
    );
    return Promise.resolve(0);
  } finally {
    stored.close();
  }
}
