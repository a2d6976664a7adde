import { type Command, Option } from "commander";
import { type Level, LEVELS } from "../report/event.ts";
import { LOG_FORMATS, type LogFormat } from "../report/log.ts";
import type { Reader } from "./reader.ts";

/** How to write the log. */
export interface LogOptions {
  readonly logLevel: Level;
  readonly logFormat: LogFormat;
}

/** Adds the options of the log to a command that writes one. */
export function addLogOptions(command: Command) {
  command
    .optionsGroup("Log:")
    .addOption(new Option("--log-level <LEVEL>", "The least level to write.").choices(LEVELS).default("info"))
    .addOption(new Option("--log-format <FORMAT>", "How to write it.").choices(LOG_FORMATS).default("text"));
}

/** Reads the options that {@linkcode addLogOptions} has added. */
export function readLogOptions(reader: Reader): LogOptions {
  return {
    logLevel: reader.choice("log-level", LEVELS),
    logFormat: reader.choice("log-format", LOG_FORMATS),
  };
}
