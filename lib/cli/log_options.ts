import type { Command } from "commander";
import { type Level, LEVELS } from "../report/event.ts";
import { LOG_FORMATS, type LogFormat } from "../report/log.ts";
import { AGENT_SETTINGS } from "../settings/table.ts";
import type { Reader } from "./reader.ts";
import { settingOption } from "./setting_option.ts";

/** How to write the log. */
export interface LogOptions {
  readonly logLevel: Level;
  readonly logFormat: LogFormat;
}

/** Adds the options of the log to a command that writes one. */
export function addLogOptions(command: Command) {
  command
    .optionsGroup("Log:")
    .addOption(settingOption("log-level", AGENT_SETTINGS["log-level"]))
    .addOption(settingOption("log-format", AGENT_SETTINGS["log-format"]));
}

/** Reads the options that {@linkcode addLogOptions} has added. */
export function readLogOptions(reader: Reader): LogOptions {
  return {
    logLevel: reader.choice("log-level", LEVELS),
    logFormat: reader.choice("log-format", LOG_FORMATS),
  };
}
