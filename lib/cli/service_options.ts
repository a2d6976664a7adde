import type { Command } from "commander";
import type { Reader } from "./reader.ts";
import { parseStateFolder } from "./state_folders.ts";
import { checkText } from "./values.ts";

/** What every command about services is told. */
export interface ServiceOptions {
  /** The services, as the operator calls them; empty where none is named. */
  readonly services: readonly string[];
  /** Whether all services are meant. Then none is named. */
  readonly all: boolean;
  readonly stateDir: string | undefined;
  readonly json: boolean;
}

/**
 * Makes a command about services.
 *
 * @param unnamed What it says of a command without a SERVICE.
 */
export function serviceCommand(
  program: Command,
  name: string,
  summary: string,
  description: string,
  unnamed = "Needed where there are several.",
): Command {
  return program.command(name)
    .summary(summary)
    .description(description)
    .showHelpAfterError(`Try: hail ${name} --help`)
    .helpOption("-h, --help", "Show this help.")
    .allowExcessArguments(true)
    .argument(
      "[SERVICE...]",
      `The services: the name in the agent's configuration, or the profile: its name, the last part of it, or its path. ${unnamed}`,
    )
    .option("--all", "All services.")
    .option(
      "--state-dir <DIR>",
      "Where hail keeps what it remembers. (default: STATE_DIRECTORY, or /var/lib/hail; without root $XDG_STATE_HOME/hail or ~/.local/state/hail)",
    )
    .option("--json", "Write JSON; docs/operator.md describes it.");
}

/** Reads the options of a command that {@linkcode serviceCommand} has made. */
export function readServiceOptions(reader: Reader): ServiceOptions {
  reader.refuseWords();
  const services = reader.words("SERVICE", checkText);
  const all = reader.flag("all");
  if (all && services.length > 0) reader.refuse("option '--all' stands beside a SERVICE: it means them all");
  return {
    services,
    all,
    stateDir: reader.optional("state-dir", parseStateFolder),
    json: reader.flag("json"),
  };
}

/** Whether the answer is a list, however many services there turn out to be. */
export function asksForSeveral({ services, all }: Pick<ServiceOptions, "services" | "all">): boolean {
  return all || services.length > 1;
}
