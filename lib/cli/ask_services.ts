import { dirname } from "node:path";
import { operateOffline } from "../agent/operate.ts";
import { ask } from "../control/client.ts";
import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import { Failure } from "../failure/failure.ts";
import { isTrusted } from "../journal/state_file.ts";
import { storedSettings } from "../settings/stored.ts";
import type { Context } from "./context.ts";
import { answerForEach } from "./each_service.ts";
import { clean } from "./render/layout.ts";
import { asksForSeveral, type ServiceOptions } from "./service_options.ts";
import { type Found, openServices, type Service, settingsOf } from "./services.ts";
import { VERSION } from "./version.ts";

/** The events that say what the answer says. */
const ANSWERS: ReadonlySet<string> = new Set(["operator", "not-deployed"]);

/**
 * Asks for a change of services: the hail that keeps each, or, where none runs, this process does it by the same code. Says
 * on standard output what has changed, and on standard error what is done on the way.
 *
 * @returns The exit status.
 * @throws {Failure} `usage`: a service is not known; for one service, what came of the request, and `usage` where this
 * user may not ask.
 */
export async function askServices(
  command: ServiceOptions,
  makeRequest: (service: Service) => OperatorRequest | Promise<OperatorRequest>,
  context: Context,
): Promise<number> {
  const oneByOne = inTurn();
  const found = await openServices(command, context);
  // All are those that a hail keeps, or kept before it was stopped.
  const services = found.services.filter(({ settings }) => !command.all || settings?.removed === undefined);
  return await changeFound(command, { ...found, services }, context, async (service) => {
    const request = await makeRequest(service);
    const { tell, clock } = context;
    const onProgress = (text: string) => tell(asksForSeveral(command) ? `${service.name}: ${text}` : text);
    // What this process would do itself is as heavy as a deployment, and not to be done for many at once.
    return await ask(service, request, { onProgress, clock }) ??
      await oneByOne(() => actOffline(service, request, asksForSeveral(command), context));
  });
}

/**
 * Changes services and says what has changed, one line each.
 *
 * @returns The exit status.
 * @throws {Failure} As {@linkcode askServices}.
 */
export async function changeServices(
  command: ServiceOptions,
  context: Context,
  act: (service: Service) => Promise<OperatorAnswer>,
): Promise<number> {
  return await changeFound(command, await openServices(command, context), context, act);
}

function changeFound(
  command: ServiceOptions,
  found: Found,
  context: Context,
  act: (service: Service) => Promise<OperatorAnswer>,
): Promise<number> {
  return answerForEach(command, found, context, {
    act: async (service) => clean((await act(service)).message),
    text: (message, { name }, listed) => listed ? `${name}: ${message}` : message,
    document: (message, { name, profile }, listed) =>
      listed ? { service: name, profile, message } : { message },
    pages: false,
  });
}

function actOffline(
  service: Service,
  request: OperatorRequest,
  listed: boolean,
  { env, report }: Context,
): Promise<OperatorAnswer> {
  requireTrust(service);
  if (service.settings?.removed === "deactivate") throw wasRemoved(service);
  const about = listed ? { service: service.name } : {};
  const settings = settingsOf(service);
  const stored = service.settings ?? storedSettings(settings, null);
  const kept = { service: settings, stored, folder: service.folder };
  return operateOffline(kept, request, VERSION, env, (event) => {
    if (ANSWERS.has(event.name)) return;
    report({ ...event, ...(event.level === "warning" ? { level: "info" } : {}), ...about });
  });
}

/**
 * What a database says of how hail was started is what root would run now, so it must be root's own.
 *
 * @throws {Failure} `usage`.
 */
export function requireTrust({ file }: Pick<Service, "file">): void {
  if (Deno.uid() !== 0) return;
  if ([dirname(file), file].every(isTrusted)) return;
  throw new Failure("usage", {
    what: file,
    why: "it, or its folder, belongs to another user or can be written by others, and no hail runs for it",
    next: "Ask as the user whose hail keeps it, or start that hail.",
  });
}

/** Lets work be done one after the other, in the order in which it is handed over. */
export function inTurn(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}

/** What was taken out and deactivated is not to be started again by the way. */
function wasRemoved({ name, profile }: Pick<Service, "name" | "profile">): Failure {
  return new Failure("usage", {
    what: name,
    why: "it was taken out and deactivated, and no hail keeps it",
    next: `Put it into the configuration of an agent again, or start a hail for ${profile}.`,
  });
}
