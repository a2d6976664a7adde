import type { Command } from "commander";
import { check } from "../../agent/check.ts";
import { serviceName } from "../choose_service.ts";
import type { Context } from "../context.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { checkDocument, renderCheck } from "../render/check.ts";
import { writeDocument } from "../render/documents.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";
import { openService } from "../services.ts";
import { VERSION } from "../version.ts";
import { readSettings } from "./deploy.ts";

/** `hail check [SERVICE]`. */
export interface CheckCommand extends ServiceOptions {
  readonly command: "check";
}

/** Adds the command to the program. */
export function defineCheck(program: Command, done: (command: CheckCommand) => void) {
  const command = serviceCommand(
    program,
    "check",
    "Show what a poll would deploy now, and what that would cost. Changes nothing.",
    "Asks Hydra and Nix what a poll would do now: the new build, what is to be downloaded and unpacked, the room on the disk, and the packages that come, go and change; or why nothing would be done. It changes nothing, and succeeds whatever the answer is.",
  );
  command.action((_service: unknown, options: RawOptions) =>
    done({ command: "check", ...readServiceOptions(new Reader(command, options)) })
  );
}

/**
 * Runs the command.
 *
 * @throws {Failure} `usage`: the service is not known; what Hydra or Nix fail with.
 */
export async function runCheck(command: CheckCommand, context: Context): Promise<number> {
  const { env, report, out, page, clock } = context;
  const { stored } = openService(command, context);
  const { profile, record, settings } = stored;
  stored.close();
  const result = await check(readSettings(settings, profile), record, VERSION, env, report);
  const name = serviceName(profile, context.profilesFolder);
  out(
    command.json ? writeDocument(checkDocument(name, result)) : renderCheck(name, result, clock.now(), page),
  );
  return 0;
}
