import { type Command, Option } from "commander";
import { runAgent } from "../../agent/agent.ts";
import { readService, type Said } from "../../settings/read.ts";
import type { ServiceSettings } from "../../settings/service.ts";
import { GROUPS } from "../../settings/setting.ts";
import { AGENT_SETTINGS, keysOf, SERVICE_SETTINGS } from "../../settings/table.ts";
import { serviceName } from "../choose_service.ts";
import { addLogOptions, type LogOptions, readLogOptions } from "../log_options.ts";
import type { Context } from "../context.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { settingOption } from "../setting_option.ts";
import { parseStateFolder } from "../state_folders.ts";
import { VERSION } from "../version.ts";

/** `hail --profile PROFILE --job-uri URI ...`. */
export interface DeployCommand extends LogOptions {
  readonly command: "deploy";
  readonly service: ServiceSettings;
  /** Whether to poll once and end. */
  readonly oneshot: boolean;
  /** The folder for what hail remembers; undefined for the usual one. */
  readonly stateDir: string | undefined;
}

/** The settings of a service that the command line knows. */
const KEYS = keysOf(SERVICE_SETTINGS).filter((key) => SERVICE_SETTINGS[key].places.includes("command-line"));

/** Adds the options of a deployment, which is what the program does without a command. */
export function defineDeploy(
  program: Command,
  profilesFolder: string,
  done: (command: DeployCommand) => void,
) {
  for (const group of GROUPS) {
    const keys = KEYS.filter((key) => SERVICE_SETTINGS[key].group === group);
    if (keys.length === 0) continue;
    program.optionsGroup(`${group}:`);
    for (const key of keys) program.addOption(settingOption(key, SERVICE_SETTINGS[key]));
    if (group !== "Deployment") continue;
    program
      .addOption(
        new Option("--oneshot", "Poll once, deploy what is new, and exit with a status below.").conflicts(
          ["pollPeriod", "hostNumberFile"],
        ),
      )
      .addOption(settingOption("state-dir", AGENT_SETTINGS["state-dir"]));
  }
  addLogOptions(program);
  program.action((options: RawOptions) => done(readDeploy(program, options, profilesFolder)));
}

function readDeploy(program: Command, options: RawOptions, profilesFolder: string): DeployCommand {
  const reader = new Reader(program, options);
  reader.refuseWords();
  const service = readService(saidOf(program), (profile) => serviceName(profile, profilesFolder), {
    where: { profilesFolder, relativePaths: true },
    refuse: (key, failure) => reader.refuseOption(key, failure),
  });
  return {
    command: "deploy",
    service,
    oneshot: reader.flag("oneshot"),
    stateDir: reader.optional("state-dir", parseStateFolder),
    ...readLogOptions(reader),
  };
}

/** What the command line says itself; defaults are left out. */
function saidOf(program: Command): Said {
  const said = new Map<string, readonly string[]>();
  for (const key of KEYS) {
    const option = program.options.find(({ long }) => long === `--${key}`);
    const name = option?.attributeName();
    if (name === undefined || program.getOptionValueSource(name) !== "cli") continue;
    const value: unknown = program.getOptionValue(name);
    said.set(key, Array.isArray(value) ? value.map(String) : [String(value)]);
  }
  return said;
}

/**
 * Runs the command: an agent with this one service.
 *
 * @returns The exit status.
 * @throws {Failure} As `runAgent`.
 */
export async function runDeploy(
  { service, oneshot, stateDir }: DeployCommand,
  { env, report }: Context,
): Promise<number> {
  const settings = { stateDir, maxRealisations: 1, maxActivations: 1, wake: null, services: [service] };
  return await runAgent({ settings, config: null, version: VERSION, oneshot, reload: null }, env, report);
}
