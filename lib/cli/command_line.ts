import type { JobUri } from "../hydra/job_uri.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import type { Level } from "../report/event.ts";
import type { LogFormat } from "../report/log.ts";

/** How to write the log. */
export interface LogOptions {
  readonly logLevel: Level;
  readonly logFormat: LogFormat;
}

/** `hail --profile PROFILE --job-uri URI ...`. Times are in milliseconds. */
export interface DeployCommand extends LogOptions {
  readonly command: "deploy";
  readonly profile: ProfilePath;
  readonly jobUri: JobUri;
  readonly netrcFile: string | undefined;
  readonly schedule: { readonly oneshot: true } | { readonly oneshot: false; readonly period: number };
  readonly request: number;
  readonly realise: number;
  readonly activation: number;
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
