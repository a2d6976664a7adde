import { Stopped } from "../agent/signals.ts";
import type { Environment } from "../agent/environment.ts";
import { EXIT_STATUS } from "../failure/exit_status.ts";
import { Failure } from "../failure/failure.ts";
import { profilesFolder } from "../nix/profile_name.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import { sanitise } from "../report/sanitise.ts";
import { systemClock } from "../time/system_clock.ts";
import type { CommandLine } from "./command_line.ts";
import { runAgentCommand } from "./commands/agent.ts";
import { runApplyUnits } from "./commands/apply_units.ts";
import { runCheck } from "./commands/check.ts";
import { runConfig } from "./commands/config.ts";
import { runDeploy } from "./commands/deploy.ts";
import { runHistory } from "./commands/history.ts";
import { runPause } from "./commands/pause.ts";
import { runPoll } from "./commands/poll.ts";
import { runRemove } from "./commands/remove.ts";
import { runResume } from "./commands/resume.ts";
import { runRetry } from "./commands/retry.ts";
import { runRollback } from "./commands/rollback.ts";
import { runStatus } from "./commands/status.ts";
import type { Context } from "./context.ts";
import type { LogOptions } from "./log_options.ts";
import { createLogReport } from "./log_report.ts";
import { columnsOf, pageOf, writeLine } from "./output.ts";
import { parseCommandLine } from "./parse.ts";
import { plainReport } from "./plain_report.ts";

/** The longest line for a person, in characters. */
const TELL_LIMIT = 4_096;

/**
 * Runs hail with a command line, to its end.
 *
 * @returns The exit status. It never throws: what nobody foresaw is reported and ends with status 1.
 */
export async function hail(args: readonly string[], env: Environment): Promise<number> {
  let folder: string;
  try {
    folder = profilesFolder(env);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    writeLine("stderr", `error: ${error.message}. ${error.next}`);
    return error.exitStatus;
  }
  const parsed = parseCommandLine(args, folder, {
    stdout: (text) => writeLine("stdout", text),
    stderr: (text) => writeLine("stderr", text),
    columns: columnsOf(),
  });
  if ("exit" in parsed) return parsed.exit;
  const { command } = parsed;
  let log = reportFor(command, env);
  const report: Report = (event) => log(event);
  // A promise that nobody waited for is a fault of hail, but no reason to leave a host without it: unless it is
  // reported here it would end the process.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    report(failureEvent(event.reason));
  });
  try {
    const context = {
      env,
      profilesFolder: folder,
      report,
      tell,
      out: (text: string) => writeLine("stdout", text),
      page: pageOf(env),
      clock: systemClock,
    };
    return await run(command, context, (options) => log = createLogReport(options, env));
  } catch (error) {
    if (error instanceof Stopped) {
      tell(`${error.message}; what is left is done when hail starts, or with the next command`);
      return error.exitStatus;
    }
    report(failureEvent(error));
    return error instanceof Failure ? error.exitStatus : EXIT_STATUS.internal;
  }
}

/** Writes a line of words that may be another's to standard error. */
function tell(text: string) {
  writeLine("stderr", sanitise(text, TELL_LIMIT));
}

/** What is written to standard error: a log, or for the commands of an operator plain lines. */
function reportFor(command: CommandLine, env: Environment): Report {
  if (!("logFormat" in command)) return plainReport(tell);
  const { logFormat = "text", logLevel = "info" } = command;
  return createLogReport({ logFormat, logLevel }, env);
}

async function run(
  command: CommandLine,
  context: Context,
  setLog: (options: LogOptions) => void,
): Promise<number> {
  switch (command.command) {
    case "deploy":
      return await runDeploy(command, context);
    case "agent":
      return await runAgentCommand(command, context, setLog);
    case "config":
      return await runConfig(command, context);
    case "apply-units":
      return await runApplyUnits(command, context.report);
    case "status":
      return await runStatus(command, context);
    case "history":
      return await runHistory(command, context);
    case "check":
      return await runCheck(command, context);
    case "poll":
      return await runPoll(command, context);
    case "pause":
      return await runPause(command, context);
    case "resume":
      return await runResume(command, context);
    case "retry":
      return await runRetry(command, context);
    case "rollback":
      return await runRollback(command, context);
    case "remove":
      return await runRemove(command, context);
  }
}
