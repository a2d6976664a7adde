import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { DeployOptions } from "../../agent/compose.ts";
import { Failure } from "../../failure/failure.ts";
import { parseHealthCheck } from "../../health/check.ts";
import { parseJobUri } from "../../hydra/job_uri.ts";
import { parseProfile } from "../../nix/profile_name.ts";
import { formatDuration, parseDuration } from "../../time/period.ts";
import { addLogOptions, type LogOptions, readLogOptions } from "../log_options.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { parseStateFolder } from "../state_folders.ts";
import { checkText, parseStatuses, wholeNumber } from "../values.ts";

/** `hail --profile PROFILE --job-uri URI ...`. */
export interface DeployCommand extends DeployOptions, LogOptions {
  readonly command: "deploy";
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

// What stands in for what a command line does not say. A slow Hydra needs half a minute for `latest`; a large closure
// over a thin line takes hours; an activation may have to wait for a service to stop.
const PERIOD = 5 * MINUTE;
const REQUEST_LIMIT = MINUTE;
const REALISE_LIMIT = 120 * MINUTE;
const ACTIVATION_LIMIT = 15 * MINUTE;
const HEALTH_LIMIT = 5 * MINUTE;
const CONFIRM_LIMIT = 2 * MINUTE;
const SOAK = 10 * SECOND;

const RUNNERS = ["auto", "unit", "child"] as const;
const ON_MANUAL_CHANGE = ["respect", "hold", "ignore"] as const;

/** Adds the options of a deployment, which is what the program does without a command. */
export function defineDeploy(
  program: Command,
  profilesFolder: string,
  done: (command: DeployCommand) => void,
) {
  program
    .optionsGroup("Deployment:")
    .option(
      "--profile <PROFILE>",
      `The profile to keep at the latest build: a name below ${profilesFolder}, or an absolute path.`,
    )
    .option(
      "--job-uri <URI>",
      "The Hydra job: http(s)://HOST/job/PROJECT/JOBSET/JOB, which may end in /latest, /latest-finished or /latest-for/SYSTEM.",
    )
    .option(
      "--netrc-file <FILE>",
      "Where login and password for Hydra's host stand. (default: /etc/netrc, if it exists)",
    )
    .option(
      "--poll-period <PERIOD>",
      `How long to wait between polls: minutes, or a time such as 30s, 5m, 1h. (default: ${
        formatDuration(PERIOD)
      })`,
    )
    .addOption(
      new Option("--oneshot", "Poll once, deploy what is new, and exit with a status below.").conflicts(
        "pollPeriod",
      ),
    )
    .option(
      "--state-dir <DIR>",
      "Where hail keeps what it remembers. (default: STATE_DIRECTORY, or /var/lib/hail)",
    )
    .addOption(
      new Option(
        "--on-manual-change <WHAT>",
        "When somebody else changes the profile: respect it until Hydra names another build, hold until `hail resume`, or ignore it.",
      ).choices(ON_MANUAL_CHANGE).default("respect"),
    )
    .option("--refuse-downgrade", "Never deploy a build with a lower id than the active one.")
    .addOption(
      new Option(
        "--activation-runner <WHAT>",
        "What runs bin/activate: a systemd unit of its own, which outlives hail, or a child of hail, with hail's environment. auto: a unit where systemd runs, as root.",
      ).choices(RUNNERS).default("auto"),
    )
    .optionsGroup("Health and roll-back:")
    .addOption(listOption(
      "--activation-degraded-status <LIST>",
      "Exit statuses of bin/activate that mean: switched, but some unit failed. Then the checks decide. 4 for NixOS.",
    ))
    .addOption(listOption(
      "--health-check <SPEC>",
      "What must hold after an activation, else hail rolls back: 'http URL', 'tcp HOST:PORT', 'exec PROGRAM' or 'unit NAME'. May be repeated; docs/health.md has the rest.",
    ))
    .addOption(
      durationOption("--soak-time <TIME>", "How long the checks must hold before a build counts.", SOAK),
    )
    .option("--confirm-hydra", "Roll back if Hydra cannot be reached after an activation.")
    .optionsGroup("Time limits:")
    .addOption(durationOption("--request-timeout <LIMIT>", "For one request to Hydra.", REQUEST_LIMIT))
    .addOption(
      durationOption("--realise-timeout <LIMIT>", "For fetching a build and its closure.", REALISE_LIMIT),
    )
    .addOption(
      durationOption("--activation-timeout <LIMIT>", "For one run of bin/activate.", ACTIVATION_LIMIT),
    )
    .addOption(durationOption("--health-timeout <LIMIT>", "For the health checks to pass.", HEALTH_LIMIT))
    .addOption(durationOption("--confirm-timeout <LIMIT>", "For --confirm-hydra.", CONFIRM_LIMIT))
    .optionsGroup("Retention:")
    .option("--keep-generations <N>", "After a success old generations go; the newest N stay.")
    .option(
      "--keep-days <DAYS>",
      "Likewise; those of so many days stay. With both, a generation goes only if neither keeps it.",
    );
  addLogOptions(program);
  program.action((options: RawOptions) => done(readDeploy(program, options, profilesFolder)));
}

function durationOption(flags: string, description: string, initial: number): Option {
  const text = formatDuration(initial);
  return new Option(flags, description).default(text, text);
}

function listOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text, before: readonly string[] | undefined) => [
    ...before ?? [],
    text,
  ]);
}

function readDeploy(program: Command, options: RawOptions, profilesFolder: string): DeployCommand {
  const reader = new Reader(program, options);
  reader.refuseWords();
  const limit = (name: string) =>
    reader.required(name, (text) => parseDuration(text, { bareUnit: "m", what: "time limit" }));
  const profile = reader.required("profile", (text) => parseProfile(text, profilesFolder));
  const jobUri = reader.required("job-uri", parseJobUri);
  const netrcFile = reader.optional("netrc-file", checkText);
  const period = reader.optional(
    "poll-period",
    (text) => parseDuration(text, { bareUnit: "m", what: "period" }),
  );
  const confirm = limit("confirm-timeout");
  return {
    command: "deploy",
    profile,
    jobUri,
    netrcFile,
    schedule: reader.flag("oneshot") ? { oneshot: true } : { oneshot: false, period: period ?? PERIOD },
    request: limit("request-timeout"),
    realise: limit("realise-timeout"),
    activation: limit("activation-timeout"),
    stateDir: reader.optional("state-dir", parseStateFolder),
    activationRunner: reader.choice("activation-runner", RUNNERS),
    degradedStatuses: reader.list("activation-degraded-status", parseStatuses).flat(),
    healthChecks: reader.list("health-check", parseHealthCheck),
    healthTimeout: limit("health-timeout"),
    soak: reader.required(
      "soak-time",
      (text) => parseDuration(text, { bareUnit: "m", what: "soak time", least: 0 }),
    ),
    confirm: reader.flag("confirm-hydra") ? confirm : null,
    onManualChange: reader.choice("on-manual-change", ON_MANUAL_CHANGE),
    refuseDowngrade: reader.flag("refuse-downgrade"),
    retention: {
      generations: reader.optional("keep-generations", wholeNumber(1, 1_000_000)) ?? null,
      days: reader.optional("keep-days", wholeNumber(1, 100_000)) ?? null,
    },
    words: wordsOf(program, {
      "--profile": profile,
      // It has to be found from another working folder, too.
      ...(netrcFile === undefined ? {} : { "--netrc-file": resolve(netrcFile) }),
    }),
    ...readLogOptions(reader),
  };
}

/**
 * The words of this command line, each option once, so that a command can act in place of this hail later on, from
 * another place. There is no secret among them: URIs with a password were refused.
 *
 * @param absolute The options that mean something else in another place, by their name, as they have to be given there.
 */
function wordsOf(program: Command, absolute: Readonly<Record<string, string>>): string[] {
  return program.options.flatMap((option) => {
    const name = option.attributeName();
    if (program.getOptionValueSource(name) !== "cli" || option.long === undefined) return [];
    const value: unknown = program.getOptionValue(name);
    if (value === true) return [option.long];
    const values = Array.isArray(value) ? value : [absolute[option.long] ?? value];
    return values.map((one) => `${option.long}=${String(one)}`);
  });
}

/**
 * Reads the words that a hail was started with, as its journal keeps them.
 *
 * @param settings `words` as JSON.
 * @param profile Whose they are, for the message.
 * @throws {Failure} `usage`: they cannot be understood, as where a newer hail has written them.
 */
export function readSettings(settings: string, profile: string): DeployOptions {
  let read: DeployCommand | null = null;
  const silent = () => {};
  const program = new Command("hail")
    .exitOverride()
    .configureOutput({ writeOut: silent, writeErr: silent })
    .allowExcessArguments(true);
  // The profile is among them as an absolute path.
  defineDeploy(program, "", (command) => read = command);
  let cause: unknown;
  try {
    const words: unknown = JSON.parse(settings);
    if (Array.isArray(words)) program.parse(words.map(String), { from: "user" });
  } catch (error) {
    cause = error;
  }
  if (read !== null) return read;
  throw new Failure("usage", {
    what: profile,
    why: "this hail does not understand how the one that keeps it was started",
    next: "Use a hail of the same version; or start that one, and ask again.",
    cause,
  });
}
