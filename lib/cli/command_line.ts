import type { DeployOptions } from "../agent/deploy.ts";
import type { Level } from "../report/event.ts";
import type { LogFormat } from "../report/log.ts";

/** How to write the log. */
export interface LogOptions {
  readonly logLevel: Level;
  readonly logFormat: LogFormat;
}

/** `hail --profile PROFILE --job-uri URI ...`. */
export interface DeployCommand extends DeployOptions, LogOptions {
  readonly command: "deploy";
}

/** `hail apply-units ...`. */
export interface ApplyUnitsCommand extends LogOptions {
  readonly command: "apply-units";
  readonly namespace: string;
  readonly units: string;
  readonly target: string;
  readonly unitFolder: string;
  readonly callerInvocation: string;
}

/** What a command line says. */
export type CommandLine = DeployCommand | ApplyUnitsCommand;
