/**
 * Servers of the control socket, and callers, for tests.
 *
 * @module
 */

import { ask } from "../../lib/control/client.ts";
import { LINE_LIMIT } from "../../lib/control/protocol.ts";
import { readLines } from "../../lib/control/read_lines.ts";
import { type ControlOptions, listen } from "../../lib/control/server.ts";
import type { OperatorAnswer, OperatorRequest } from "../../lib/deployment/operator.ts";
import { Failure } from "../../lib/failure/failure.ts";
import { DEFAULT_STORE_FOLDER } from "../../lib/nix/store_path.ts";
import type { Event } from "../../lib/report/event.ts";
import { systemClock } from "../../lib/time/system_clock.ts";

/** What a server does with requests. */
export type Handle = ControlOptions["handle"];

/** A server in a folder of its own. */
export async function serve(handle: Handle, more: Partial<ControlOptions> = {}) {
  const folder = await Deno.makeTempDir({ prefix: "hail-control-" });
  const events: Event[] = [];
  const path = more.path ?? `${folder}/s`;
  const server = listen({
    path,
    gid: null,
    storeFolder: DEFAULT_STORE_FOLDER,
    handle,
    ping: () => {},
    report: (event) => events.push(event),
    clock: systemClock,
    ...more,
  });
  return {
    path,
    events,
    server,
    async [Symbol.asyncDispose]() {
      await server.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Is asked nothing. */
export const never: Handle = () => Promise.reject(new Error("nothing was to be asked"));

/** The answer to a request. */
export function answer(message: string): Promise<OperatorAnswer> {
  return Promise.resolve({ message });
}

/** The service that is asked about. */
export const PROFILE = "/nix/var/nix/profiles/web";

/** Asks a server as the commands do. */
export function asking(
  path: string,
  request: OperatorRequest = { command: "poll" },
  progress: string[] = [],
) {
  const options = { onProgress: (text: string) => void progress.push(text), clock: systemClock };
  return ask({ sockets: [path], profile: PROFILE }, request, options);
}

/** Recognises a failure by its code and its message. */
export function failure(code: string, says: RegExp) {
  return (error: unknown) => error instanceof Failure && error.code === code && says.test(error.message);
}

/** Sends bytes as they are, and collects what comes back. */
export async function talk(path: string, text: string | null, { half = false } = {}): Promise<string[]> {
  using connection = await Deno.connect({ transport: "unix", path });
  if (text !== null) await connection.write(new TextEncoder().encode(text)).catch(() => {});
  if (half) await connection.closeWrite();
  const lines = [];
  try {
    for await (const line of readLines(connection, LINE_LIMIT)) lines.push(line);
  } catch (error) {
    // The server has closed before it had read everything.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return lines;
}
