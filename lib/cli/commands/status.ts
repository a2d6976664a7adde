import type { Command } from "commander";
import { findPresence } from "../../control/client.ts";
import { createRunCommand } from "../../process/run_command.ts";
import { serviceName } from "../choose_service.ts";
import type { Context } from "../context.ts";
import { findLockHolder } from "../lock_holder.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { writeDocument } from "../render/documents.ts";
import { type Agent, renderStatus, type ServiceView, statusDocument } from "../render/status.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";
import { foldersFor, openService, openServices, type Service } from "../services.ts";

/** `hail status [SERVICE]`. */
export interface StatusCommand extends ServiceOptions {
  readonly command: "status";
}

/** Adds the command to the program. */
export function defineStatus(program: Command, done: (command: StatusCommand) => void) {
  const command = serviceCommand(
    program,
    "status",
    "Show what a service runs, what it waits for, and its last error.",
    "Shows what a service runs and since when, what it waits for and until when, its last successful poll, and its last error. It only reads; without SERVICE it shows all services.",
  );
  command.action((_service: unknown, options: RawOptions) =>
    done({ command: "status", ...readServiceOptions(new Reader(command, options)) })
  );
}

/**
 * Runs the command.
 *
 * @throws {Failure} `usage`: the service is not known; what reading it throws.
 */
export async function runStatus(command: StatusCommand, context: Context): Promise<number> {
  const { out, page, clock } = context;
  const services = command.service === undefined
    ? openServices(command, context)
    : [openService(command, context)];
  try {
    const views = await Promise.all(services.map((service) => viewOf(service, context)));
    const now = clock.now();
    if (command.json) out(writeDocument({ services: views.map((view) => statusDocument(view, now)) }));
    else if (views.length > 0) out(views.map((view) => renderStatus(view, now, page)).join("\n\n"));
    else out(`No service is known in ${foldersFor(command, context).join(" or ")}.`);
    return 0;
  } finally {
    for (const { stored } of services) stored.close();
  }
}

async function viewOf(service: Service, context: Context): Promise<ServiceView> {
  const { profile, jobUri, record, writtenAt } = service.stored;
  const agent = await findAgent(service, context);
  return { name: serviceName(profile, context.profilesFolder), profile, jobUri, record, writtenAt, agent };
}

async function findAgent({ socket, stored }: Service, { clock }: Context): Promise<Agent> {
  switch (await findPresence(socket, clock)) {
    case "answers":
      return { is: "running" };
    case "silent":
      return { is: "silent" };
    case "denied":
      return { is: "unknown" };
    case "absent": {
      const pid = await findLockHolder(stored.profile, createRunCommand(clock));
      return pid === null ? { is: "absent" } : { is: "holding", pid };
    }
  }
}
