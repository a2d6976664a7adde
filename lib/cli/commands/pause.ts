import { type Command, Option } from "commander";
import { parseDuration } from "../../time/period.ts";
import { askServices } from "../ask_services.ts";
import type { Context } from "../context.ts";
import { parsePointInTime } from "../point_in_time.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";
import { parseReason } from "../values.ts";

/** `hail pause [SERVICE...]`. */
export interface PauseCommand extends ServiceOptions {
  readonly command: "pause";
  readonly reason: string | null;
  /** In milliseconds since 1970; null for good. */
  readonly until: number | null;
}

const LONGEST = 366 * 24 * 3_600_000;

/** Adds the command to the program. */
export function definePause(program: Command, now: () => number, done: (command: PauseCommand) => void) {
  const command = serviceCommand(
    program,
    "pause",
    "Deploy nothing new, for a while or until `hail resume`.",
    "Deploys nothing new from now on, until the time that is given, or else until `hail resume`. What is under way comes to its end, and what runs is left running.",
  )
    .option("--reason <REASON>", "Why; `hail status` shows it.")
    .addOption(
      new Option("--for <TIME>", "How long: minutes, or a time such as 90m, 8h, 14d.").conflicts("until"),
    )
    .option(
      "--until <TIME>",
      'Until when: HH:MM, "YYYY-MM-DD HH:MM", or RFC 3339 such as 2026-01-05T08:00:00Z.',
    );
  command.action((_services: unknown, options: RawOptions) => {
    const reader = new Reader(command, options);
    const begun = now();
    const span = reader.optional(
      "for",
      (text) => parseDuration(text, { bareUnit: "m", what: "time", most: LONGEST }),
    );
    const until = reader.optional("until", (text) => parsePointInTime(text, begun));
    done({
      command: "pause",
      ...readServiceOptions(reader),
      reason: reader.optional("reason", parseReason) ?? null,
      until: until ?? (span === undefined ? null : begun + span),
    });
  });
}

/**
 * Runs the command.
 *
 * @throws {Failure} As `askServices`.
 */
export function runPause(command: PauseCommand, context: Context): Promise<number> {
  const { reason, until } = command;
  return askServices(command, () => ({ command: "pause", reason, until }), context);
}
