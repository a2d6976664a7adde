import type { Environment } from "../agent/environment.ts";
import type { Report } from "../report/event.ts";
import { createLog } from "../report/log.ts";
import type { LogOptions } from "./log_options.ts";
import { logReader, writeLine } from "./output.ts";

/** The log, on standard error. */
export function createLogReport({ logFormat, logLevel }: LogOptions, env: Environment): Report {
  return createLog({
    format: logFormat,
    level: logLevel,
    reader: logReader(env),
    now: Date.now,
    write: (line) => writeLine("stderr", line),
  });
}
