import type { Command } from "commander";
import { createRunCommand } from "../../process/run_command.ts";
import type { Report } from "../../report/event.ts";
import { applyUnits, DEFAULT_UNIT_FOLDER } from "../../systemd/apply_units.ts";
import { systemDisk } from "../../systemd/disk.ts";
import { createSystemd } from "../../systemd/systemctl.ts";
import { systemClock } from "../../time/system_clock.ts";
import { addLogOptions, type LogOptions, readLogOptions } from "../log_options.ts";
import { Reader } from "../reader.ts";
import { checkText } from "../values.ts";

/** `hail apply-units ...`. */
export interface ApplyUnitsCommand extends LogOptions {
  readonly command: "apply-units";
  readonly namespace: string;
  readonly units: string;
  readonly target: string;
  readonly unitFolder: string;
  readonly callerInvocation: string;
}

/** Adds the command to the program. */
export function defineApplyUnits(program: Command, done: (command: ApplyUnitsCommand) => void) {
  const command = program.command("apply-units")
    .summary("Bring the units of a namespace in line (for bin/activate of the bootstrap profile).")
    .description(
      "Brings the units of a namespace in line: new ones are installed and started, changed ones restarted, unchanged ones left running, and those that are gone stopped and deleted.",
    )
    .showHelpAfterError("Try: hail apply-units --help")
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
  addLogOptions(command);
  command.action((options: Record<string, string>) => {
    const reader = new Reader(command, options);
    reader.refuseWords();
    done({
      command: "apply-units",
      namespace: reader.required("namespace", checkText),
      units: reader.required("units", checkText),
      target: reader.required("target", checkText),
      unitFolder: reader.required("unit-folder", checkText),
      callerInvocation: options["callerInvocation"] ?? "",
      ...readLogOptions(reader),
    });
  });
}

/** Runs the command. */
export function runApplyUnits(command: ApplyUnitsCommand, report: Report): Promise<number> {
  return applyUnits(command, {
    disk: systemDisk,
    systemd: createSystemd(createRunCommand(systemClock)),
    clock: systemClock,
    report,
  });
}
