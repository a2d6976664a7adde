import { deploy } from "../agent/deploy.ts";
import type { Environment } from "../agent/environment.ts";
import { EXIT_STATUS } from "../failure/exit_status.ts";
import { Failure } from "../failure/failure.ts";
import { profilesFolder } from "../nix/profile_name.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import { createLog } from "../report/log.ts";
import { createRunCommand } from "../process/run_command.ts";
import { applyUnits } from "../systemd/apply_units.ts";
import { systemDisk } from "../systemd/disk.ts";
import { createSystemd } from "../systemd/systemctl.ts";
import { systemClock } from "../time/system_clock.ts";
import { columnsOf, logReader, writeLine } from "./output.ts";
import { parseCommandLine } from "./parse.ts";
import { VERSION } from "./version.ts";

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
  const report = createLog({
    format: command.logFormat,
    level: command.logLevel,
    reader: logReader(env),
    now: Date.now,
    write: (line) => writeLine("stderr", line),
  });
  // A promise that nobody waited for is a fault of hail, but no reason to leave a host without it: unless it is
  // reported here it would end the process.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    report(failureEvent(event.reason));
  });
  return await withStatus(report, async () => {
    switch (command.command) {
      case "deploy":
        return await deploy(command, VERSION, env, report);
      case "apply-units":
        return await applyUnits(command, {
          disk: systemDisk,
          systemd: createSystemd(createRunCommand(systemClock)),
          clock: systemClock,
          report,
        });
    }
  });
}

async function withStatus(report: Report, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    report(failureEvent(error));
    return error instanceof Failure ? error.exitStatus : EXIT_STATUS.internal;
  }
}
