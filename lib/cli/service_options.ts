import type { Command } from "commander";
import type { Reader } from "./reader.ts";
import { parseStateFolder } from "./state_folders.ts";
import { checkText } from "./values.ts";

/** What every command about a service is told. */
export interface ServiceOptions {
  /** The service, as the operator calls it; undefined where there is only one. */
  readonly service: string | undefined;
  readonly stateDir: string | undefined;
  readonly json: boolean;
}

/** Makes a command about a service. */
export function serviceCommand(
  program: Command,
  name: string,
  summary: string,
  description: string,
): Command {
  return program.command(name)
    .summary(summary)
    .description(description)
    .helpOption("-h, --help", "Show this help.")
    .allowExcessArguments(true)
    .argument(
      "[SERVICE]",
      "The profile: its name, the last part of it, or its path. Needed where there are several.",
    )
    .option(
      "--state-dir <DIR>",
      "Where hail keeps what it remembers. (default: STATE_DIRECTORY, or /var/lib/hail)",
    )
    .option("--json", "Write JSON; docs/operator.md describes it.");
}

/** Reads the options of a command that {@linkcode serviceCommand} has made. */
export function readServiceOptions(reader: Reader): ServiceOptions {
  reader.refuseWords();
  return {
    service: reader.word("SERVICE", checkText),
    stateDir: reader.optional("state-dir", parseStateFolder),
    json: reader.flag("json"),
  };
}
