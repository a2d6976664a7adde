import { type Command, Option } from "commander";
import type { Reader } from "./reader.ts";
import { checkText } from "./values.ts";

/** Where the configuration of the agent is, unless an option says otherwise. */
const DEFAULT_CONFIG = "/etc/hail/config.toml";

/** Adds the option for the configuration file. */
export function addConfigOption(command: Command) {
  command.addOption(
    new Option("--config <FILE>", "The configuration, in TOML or JSON.").default(
      DEFAULT_CONFIG,
      DEFAULT_CONFIG,
    ),
  );
}

/** Reads the option that {@linkcode addConfigOption} has added. */
export function readConfigOption(reader: Reader): string {
  return reader.required("config", checkText);
}
