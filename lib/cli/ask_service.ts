import { dirname } from "node:path";
import { operateOffline } from "../agent/operate.ts";
import { ask } from "../control/client.ts";
import type { OperatorRequest } from "../deployment/operator.ts";
import { Failure } from "../failure/failure.ts";
import { isTrusted } from "../journal/state_file.ts";
import type { StoredService } from "../journal/read.ts";
import { readSettings } from "./commands/deploy.ts";
import type { Context } from "./context.ts";
import { writeDocument } from "./render/documents.ts";
import { clean } from "./render/layout.ts";
import type { ServiceOptions } from "./service_options.ts";
import { openService } from "./services.ts";
import { VERSION } from "./version.ts";

/** What a request is made from. */
export type MakeRequest = (stored: StoredService) => OperatorRequest | Promise<OperatorRequest>;

/** The events that say what the answer says. */
const ANSWERS: ReadonlySet<string> = new Set(["operator", "not-deployed"]);

/**
 * Asks for a change of a service: the hail that keeps it, or, where none runs, this process does it by the same code. Says
 * on standard output what has changed, and on standard error what is done on the way.
 *
 * @returns The exit status.
 * @throws {Failure} `usage`: the service is not known, or this user may not ask; what came of the request.
 */
export async function askService(
  command: ServiceOptions,
  makeRequest: MakeRequest,
  context: Context,
): Promise<number> {
  const { env, report, out, tell, clock } = context;
  const { folder, file, socket, stored } = openService(command, context);
  let request: OperatorRequest;
  try {
    request = await makeRequest(stored);
  } finally {
    // It must be closed before the journal of the same service is opened.
    stored.close();
  }
  const online = await ask(socket, request, { onProgress: tell, clock });
  if (online === null) requireTrust(file);
  const answer = online ?? await operateOffline(
    { ...readSettings(stored.settings, stored.profile), stateDir: folder },
    request,
    VERSION,
    env,
    (event) => {
      if (!ANSWERS.has(event.name)) report(event.level === "warning" ? { ...event, level: "info" } : event);
    },
  );
  const message = clean(answer.message);
  out(command.json ? writeDocument({ message }) : message);
  return 0;
}

/**
 * What a database says of how hail was started is what root would run now, so it must be root's own.
 *
 * @throws {Failure} `usage`.
 */
function requireTrust(file: string) {
  if (Deno.uid() !== 0) return;
  if ([dirname(file), file].every(isTrusted)) return;
  throw new Failure("usage", {
    what: file,
    why: "it, or its folder, belongs to another user or can be written by others, and no hail runs for it",
    next: "Ask as the user whose hail keeps it, or start that hail.",
  });
}
