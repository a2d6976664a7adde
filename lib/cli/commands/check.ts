import type { Command } from "commander";
import { check } from "../../agent/check.ts";
import type { Context } from "../context.ts";
import { answerForEach } from "../each_service.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { checkDocument, renderCheck } from "../render/check.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";
import { findAgents } from "../find_agents.ts";
import { openServices, readAgain, settingsOf } from "../services.ts";
import { VERSION } from "../version.ts";

/** `hail check [SERVICE...]`. */
export interface CheckCommand extends ServiceOptions {
  readonly command: "check";
}

/** Adds the command to the program. */
export function defineCheck(program: Command, done: (command: CheckCommand) => void) {
  const command = serviceCommand(
    program,
    "check",
    "Show what a poll would deploy now, and what that would cost. Changes nothing.",
    "Asks Hydra and Nix what a poll would do now: the new build, what is to be downloaded and unpacked, the room on the disk, and the packages that come, go and change; or why nothing would be done. It changes nothing, and succeeds whatever the answer is; it fails where Hydra, Nix or a gate cannot tell.",
  );
  command.action((_services: unknown, options: RawOptions) =>
    done({ command: "check", ...readServiceOptions(new Reader(command, options)) })
  );
}

/**
 * Runs the command.
 *
 * @throws {Failure} `usage`: a service is not known; for one service, what Hydra or Nix fail with.
 */
export async function runCheck(command: CheckCommand, context: Context): Promise<number> {
  const { env, report, page, clock } = context;
  const found = await openServices(command, context);
  const agents = await findAgents(found.services, context);
  return await answerForEach(command, found, context, {
    act: async (service) => {
      const kept = (await agents.agentOf(service)).is === "running";
      // What keeps it has written down what it knows, when it was asked whether it runs.
      const { record } = readAgain(service, context);
      return await check(settingsOf(service), record, kept, VERSION, env, report);
    },
    text: (result, { name }) => renderCheck(name, result, clock.now(), page),
    document: (result, { name }) => checkDocument(name, result),
    pages: true,
  });
}
