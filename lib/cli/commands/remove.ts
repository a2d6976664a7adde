import { type Command, Option } from "commander";
import { removeOffline } from "../../agent/removal.ts";
import { listenForSignals } from "../../agent/signals.ts";
import { Failure } from "../../failure/failure.ts";
import type { OnRemoval } from "../../settings/service.ts";
import { changeServices, inTurn, requireTrust } from "../ask_services.ts";
import type { Context } from "../context.ts";
import { findAgents } from "../find_agents.ts";
import { type RawOptions, Reader } from "../reader.ts";
import type { Agent } from "../render/status.ts";
import {
  asksForSeveral,
  readServiceOptions,
  serviceCommand,
  type ServiceOptions,
} from "../service_options.ts";
import { profileOf, type Service } from "../services.ts";

/** `hail remove SERVICE...`. */
export interface RemoveCommand extends ServiceOptions {
  readonly command: "remove";
  /** Null for what is remembered of the service. */
  readonly how: OnRemoval | null;
}

/** Adds the command to the program. */
export function defineRemove(program: Command, done: (command: RemoveCommand) => void) {
  const command = serviceCommand(
    program,
    "remove",
    "Remove a service that no hail keeps any more; never its data.",
    "Removes services that no hail is to keep any more: stop the hail that keeps it, or take it out of the agent's configuration first. What is done is what on-removal said in the configuration, unless an option says otherwise; else --keep. It never touches the data of the service. A removal that was cut off goes on when it is said again.",
    "Needed, unless --all is said.",
  )
    .addOption(new Option("--keep", "Leave it running as it is.").conflicts(["deactivate", "purge"]))
    .addOption(
      new Option("--deactivate", "Run its bin/deactivate, and keep the profile.").conflicts([
        "keep",
        "purge",
      ]),
    )
    .addOption(
      new Option(
        "--purge",
        "Run its bin/deactivate; then remove the profile, its generations, and what hail remembers of it.",
      ).conflicts(["keep", "deactivate"]),
    );
  command.action((_services: unknown, options: RawOptions) => {
    const reader = new Reader(command, options);
    const services = readServiceOptions(reader);
    // Without a name the only service there is would be meant, which is too much to guess here.
    if (services.services.length === 0 && !services.all) {
      reader.refuse("it is not said which SERVICE is to be removed: name it, or say --all");
    }
    const how = (["keep", "deactivate", "purge"] as const).find((one) => reader.flag(one)) ?? null;
    done({ command: "remove", ...services, how });
  });
}

/**
 * Runs the command.
 *
 * @throws {Failure} `usage`: a service is not known; for one service, `profile-held` where a hail keeps it, and what its
 * removal fails with.
 * @throws {Stopped} A signal has ended it.
 */
export async function runRemove(command: RemoveCommand, context: Context): Promise<number> {
  const { env, report } = context;
  const oneByOne = inTurn();
  const listed = asksForSeveral(command);
  const stop = listenForSignals(report, { does: "nothing is asked for by it here", act: () => {} });
  const removeOne = async (service: Service) => {
    stop.gently.throwIfAborted();
    const agents = await findAgents([service], context);
    refuseKept(service, await agents.agentOf(service));
    requireTrust(service);
    return await removeOffline({
      profile: profileOf(service),
      name: service.name,
      how: command.how ?? service.settings?.removing ?? service.settings?.agent?.onRemoval ?? "keep",
      folder: service.folder,
      stop,
      report: (event) => {
        // The answer says what this event says.
        if (event.name !== "removed") report(listed ? { ...event, service: service.name } : event);
      },
    }, env);
  };
  try {
    return await changeServices(command, context, (service) => oneByOne(() => removeOne(service)));
  } finally {
    stop.forget();
  }
}

/** A service that a hail keeps would be deployed again. */
function refuseKept({ profile, settings }: Service, agent: Agent): void {
  const next = settings?.agent
    ? `Take it out of ${settings.agent.config} and reload the agent, which does what on-removal says.`
    : "Stop the hail that keeps it, and see to it that it is not started again.";
  switch (agent.is) {
    case "absent":
    case "unknown":
      // Whoever may not ask may not remove it either, and is told so where the lock is taken.
      return;
    case "holding":
      throw new Failure("profile-held", { what: profile, why: `process ${agent.pid} keeps it`, next });
    case "running":
    case "silent":
      throw new Failure("profile-held", { what: profile, why: "a hail keeps it", next });
  }
}
