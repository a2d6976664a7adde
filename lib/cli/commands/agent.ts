import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { runAgent } from "../../agent/agent.ts";
import type { Loaded } from "../../config/load.ts";
import { EXIT_STATUS } from "../../failure/exit_status.ts";
import { type Level, LEVELS } from "../../report/event.ts";
import { LOG_FORMATS, type LogFormat } from "../../report/log.ts";
import { AGENT_SETTINGS } from "../../settings/table.ts";
import { addConfigOption, readConfigOption } from "../config_file.ts";
import type { Context } from "../context.ts";
import type { LogOptions } from "../log_options.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { VERSION } from "../version.ts";

/** `hail agent`. */
export interface AgentCommand {
  readonly command: "agent";
  /** The path of the configuration, absolute. */
  readonly config: string;
  /** Undefined where the configuration decides. */
  readonly logLevel: Level | undefined;
  readonly logFormat: LogFormat | undefined;
}

/** Adds the command to the program. */
export function defineAgent(program: Command, done: (command: AgentCommand) => void) {
  const command = program.command("agent")
    .summary("Keep all services of a configuration file at their latest builds.")
    .description(
      "Keeps all services of a configuration file at the latest builds of their jobs. HUP reads the file again. docs/configuration.md describes it; `hail config` checks and explains it.",
    )
    .showHelpAfterError("Try: hail agent --help")
    .helpOption("-h, --help", "Show this help.")
    .allowExcessArguments(true);
  addConfigOption(command);
  command
    .addOption(logOption("log-level", LEVELS))
    .addOption(logOption("log-format", LOG_FORMATS));
  command.action((options: RawOptions) => {
    const reader = new Reader(command, options);
    reader.refuseWords();
    done({
      command: "agent",
      config: resolve(readConfigOption(reader)),
      logLevel: reader.optionalChoice("log-level", LEVELS),
      logFormat: reader.optionalChoice("log-format", LOG_FORMATS),
    });
  });
}

function logOption(key: "log-level" | "log-format", choices: readonly string[]): Option {
  const { placeholder, about } = AGENT_SETTINGS[key];
  return new Option(`--${key} <${placeholder}>`, `${about} (default: as the configuration says)`).choices(
    choices,
  );
}

/**
 * Runs the command. With a configuration that cannot be used, all that is wrong with it is reported.
 *
 * @param setLog Changes how the log is written from now on.
 * @returns The exit status.
 * @throws {Failure} What keeps the agent from beginning, see `runAgent`.
 */
export async function runAgentCommand(
  command: AgentCommand,
  { env, profilesFolder, report }: Context,
  setLog: (options: LogOptions) => void,
): Promise<number> {
  const { config, logLevel, logFormat } = command;
  // Others need no parser of configurations.
  const { configFailure, loadConfig, problemLine } = await import("../../config/load.ts");
  const load = async (): Promise<Loaded> => {
    const loaded = await loadConfig(config, profilesFolder);
    if (loaded.settings !== null) {
      const { level, format } = loaded.log;
      setLog({ logLevel: logLevel ?? level, logFormat: logFormat ?? format });
    }
    for (const problem of loaded.problems) {
      const { line, key, why, next } = problem;
      report({
        name: "config",
        level: "error",
        message: problemLine(config, problem),
        fields: { file: config, line, key, why, next },
      });
    }
    return loaded;
  };
  const { settings } = await load();
  if (settings === null) return EXIT_STATUS.usage;
  const reload = async () => {
    const again = await load();
    if (again.settings === null) throw configFailure(config, again.problems);
    return again.settings;
  };
  return await runAgent({ settings, config, version: VERSION, oneshot: false, reload }, env, report);
}
