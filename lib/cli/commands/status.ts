import type { Command } from "commander";
import type { Context } from "../context.ts";
import { findAgents } from "../find_agents.ts";
import { type RawOptions, Reader } from "../reader.ts";
import { writeDocument } from "../render/documents.ts";
import { type Agent, renderStatus, type ServiceView, statusDocument } from "../render/status.ts";
import { renderStatusTable } from "../render/status_table.ts";
import { readServiceOptions, serviceCommand, type ServiceOptions } from "../service_options.ts";
import {
  findDatabases,
  foldersFor,
  openServices,
  readAgain,
  readServices,
  reportUnreadable,
  type Service,
} from "../services.ts";
import { withHindrance } from "../hindrances.ts";

/** `hail status [SERVICE...]`. */
export interface StatusCommand extends ServiceOptions {
  readonly command: "status";
  /** Whether each of several services gets a page. */
  readonly long: boolean;
}

/** Adds the command to the program. */
export function defineStatus(program: Command, done: (command: StatusCommand) => void) {
  const command = serviceCommand(
    program,
    "status",
    "Show what a service runs, what it waits for, and its last error.",
    "Shows what a service runs and since when, what it waits for and until when, its last successful poll, and its last error. It only reads. Without SERVICE it shows all services, in one table where there are several.",
    "Without one, all.",
  ).option("--long", "Show a page for each service, not a table.");
  command.action((_services: unknown, options: RawOptions) => {
    const reader = new Reader(command, options);
    done({ command: "status", ...readServiceOptions(reader), long: reader.flag("long") });
  });
}

/**
 * Runs the command.
 *
 * @throws {Failure} `usage`: a service is not known; what reading it throws.
 */
export async function runStatus(command: StatusCommand, context: Context): Promise<number> {
  const { out, page, clock } = context;
  const views = command.services.length === 0
    ? await viewAll(command, context)
    : await viewNamed(command, context);
  const now = clock.now();
  if (command.json) out(writeDocument({ services: views.map((view) => statusDocument(view, now)) }));
  else if (views.length === 0) {
    out(`No service is known in ${foldersFor(command, context).join(" or ")}.`);
  } else if (views.length === 1 || command.services.length > 0 || command.long) {
    out(views.map((view) => renderStatus(view, now, page)).join("\n\n"));
  } else out(renderStatusTable(views, now, page));
  return 0;
}

/** All services. What runs is asked first, which has it write down what it knows. */
async function viewAll(command: StatusCommand, context: Context): Promise<ServiceView[]> {
  const databases = await findDatabases(command, context);
  const agents = await findAgents([...databases.files, ...databases.hindrances.keys()], context);
  const { services, unreadable } = readServices(databases, context);
  reportUnreadable(unreadable, context);
  return await Promise.all(services.map(async (one) => viewOf(one, await agents.agentOf(one))));
}

/** Services that were named, and are read again when what keeps them has written down what it knows. */
async function viewNamed(command: StatusCommand, context: Context): Promise<ServiceView[]> {
  const { services } = await openServices(command, context, true);
  const agents = await findAgents(services, context);
  return await Promise.all(services.map(async (service) => {
    const agent = await agents.agentOf(service);
    return viewOf(readAgain(service, context), agent);
  }));
}

function viewOf(service: Service, agent: Agent): ServiceView {
  const { name, profile, jobUri, record, writtenAt, settings, hindrance, isRemembered } = service;
  const view = { name, profile, jobUri, writtenAt, agent, removing: settings?.removing ?? null };
  // One that another hail holds is kept by that, which writes down how it is.
  if (hindrance === null || isRemembered && hindrance.failure.code === "profile-held") {
    return { ...view, record, removed: settings?.removed ?? null };
  }
  // Whatever was done to it, it is in a configuration again.
  return { ...view, record: withHindrance(record, hindrance), removed: null };
}
