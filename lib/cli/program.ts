import tab from "@bomb.sh/tab/commander";
import { Command, Option } from "commander";
import { parseJobUri } from "../hydra/job_uri.ts";
import { parseProfile } from "../nix/profile_name.ts";
import { LEVELS } from "../report/event.ts";
import { LOG_FORMATS } from "../report/log.ts";
import { withoutUserInfo } from "../report/user_info.ts";
import { DEFAULT_UNIT_FOLDER } from "../systemd/apply_units.ts";
import { formatDuration, parseDuration } from "../time/period.ts";
import type { ApplyUnitsCommand, CommandLine, DeployCommand, LogOptions } from "./command_line.ts";
import { epilogue } from "./epilogue.ts";
import { checkText, Reader } from "./reader.ts";
import type { Terminal } from "./terminal.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

// What stands in for what a command line does not say. A slow Hydra needs half a minute for `latest`; a large closure
// over a thin line takes hours; an activation may have to wait for a service to stop.
const PERIOD = 5 * MINUTE;
const REQUEST_LIMIT = MINUTE;
const REALISE_LIMIT = 120 * MINUTE;
const ACTIVATION_LIMIT = 15 * MINUTE;

/**
 * Builds the whole command line out of one definition, from which parser, help and completion come.
 *
 * The values are read in the actions and not by the library, whose messages would repeat a wrong value, and with it a
 * password that somebody put into a URI.
 *
 * @param profilesFolder Where profiles lie that are given by name.
 * @param version The version of hail.
 * @param terminal Where help and errors go.
 * @param done Takes what the command line says.
 */
export function buildProgram(
  profilesFolder: string,
  version: string,
  terminal: Terminal,
  done: (command: CommandLine) => void,
): Command {
  // What is set here before the first command, all commands take over.
  const program = new Command("hail")
    .exitOverride()
    .showHelpAfterError("Try: hail --help")
    .configureOutput({
      writeOut: terminal.stdout,
      writeErr: (text) => terminal.stderr(withoutSecrets(text)),
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .description("Keeps a Nix profile at the latest successful build of a Hydra job.")
    .usage("--profile PROFILE --job-uri URI [options]")
    .version(version, "--version", "Show the version.")
    .helpOption("-h, --help", "Show this help.")
    .helpCommand(false)
    .allowExcessArguments(true)
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
    .optionsGroup("Time limits:")
    .addOption(limitOption("--request-timeout", "For one request to Hydra.", REQUEST_LIMIT))
    .addOption(limitOption("--realise-timeout", "For fetching a build and its closure.", REALISE_LIMIT))
    .addOption(limitOption("--activation-timeout", "For one run of bin/activate.", ACTIVATION_LIMIT));
  addLogOptions(program);
  program
    .optionsGroup("Other:")
    .commandsGroup("Commands:")
    .addHelpText("after", epilogue())
    .action((options: Record<string, string | undefined>) =>
      done(readDeploy(program, options, profilesFolder))
    );

  const applyUnits = program.command("apply-units")
    .summary("Bring the units of a namespace in line (for bin/activate of the bootstrap profile).")
    .description(
      "Brings the units of a namespace in line: new ones are installed and started, changed ones restarted, unchanged ones left running, and those that are gone stopped and deleted.",
    )
    .helpOption("-h, --help", "Show this help.")
    .allowExcessArguments(true)
    .option("--namespace <NAMESPACE>", "Whose units they are. Units of others are never touched.")
    .option("--units <FOLDER>", "The folder with the unit files that there are to be.")
    .option("--target <TARGET>", "The target that starts them.")
    .option("--unit-folder <FOLDER>", "Where systemd reads units.", DEFAULT_UNIT_FOLDER)
    .option(
      "--caller-invocation <ID>",
      "INVOCATION_ID of the unit that waits for this command, which is restarted last.",
      "",
    );
  addLogOptions(applyUnits);
  applyUnits.action((options: Record<string, string>) => done(readApplyUnits(applyUnits, options)));

  tab(program);
  program.commands.find((command) => command.name() === "complete")
    ?.summary("Print the completion script of a shell.");
  return program;
}

function limitOption(name: string, description: string, initial: number): Option {
  const text = formatDuration(initial);
  return new Option(`${name} <LIMIT>`, description).default(text, text);
}

/** Some messages of the library repeat what was typed, and that may be a URI with a password. */
function withoutSecrets(text: string): string {
  return withoutUserInfo(text).replace(/(unknown option '--[^'=]*)=[^\n]*'/, "$1'");
}

function addLogOptions(command: Command) {
  command
    .optionsGroup("Log:")
    .addOption(new Option("--log-level <LEVEL>", "The least level to write.").choices(LEVELS).default("info"))
    .addOption(new Option("--log-format <FORMAT>", "How to write it.").choices(LOG_FORMATS).default("text"));
}

function readDeploy(
  program: Command,
  options: Record<string, string | undefined>,
  profilesFolder: string,
): DeployCommand {
  const reader = new Reader(program, options);
  reader.refuseWords();
  const limit = (name: string) =>
    reader.required(name, (text) => parseDuration(text, { bareUnit: "m", what: "time limit" }));
  const period = reader.optional(
    "poll-period",
    (text) => parseDuration(text, { bareUnit: "m", what: "period" }),
  );
  return {
    command: "deploy",
    profile: reader.required("profile", (text) => parseProfile(text, profilesFolder)),
    jobUri: reader.required("job-uri", parseJobUri),
    netrcFile: reader.optional("netrc-file", checkText),
    schedule: options["oneshot"] === undefined
      ? { oneshot: false, period: period ?? PERIOD }
      : { oneshot: true },
    request: limit("request-timeout"),
    realise: limit("realise-timeout"),
    activation: limit("activation-timeout"),
    ...readLog(reader),
  };
}

function readApplyUnits(command: Command, options: Record<string, string>): ApplyUnitsCommand {
  const reader = new Reader(command, options);
  reader.refuseWords();
  return {
    command: "apply-units",
    namespace: reader.required("namespace", checkText),
    units: reader.required("units", checkText),
    target: reader.required("target", checkText),
    unitFolder: reader.required("unit-folder", checkText),
    callerInvocation: options["callerInvocation"] ?? "",
    ...readLog(reader),
  };
}

function readLog(reader: Reader): LogOptions {
  return {
    logLevel: reader.choice("log-level", LEVELS),
    logFormat: reader.choice("log-format", LOG_FORMATS),
  };
}
