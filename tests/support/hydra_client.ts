/** The real Hydra client over real HTTP, pointed at a server on loopback. */
import assert from "node:assert/strict";
import { Failure, type FailureCode } from "../../lib/failure/failure.ts";
import type { BasicCredentials } from "../../lib/hydra/basic_authorization.ts";
import type { Certificates } from "../../lib/hydra/certificates.ts";
import { createHydra } from "../../lib/hydra/client.ts";
import { Connections } from "../../lib/hydra/connection.ts";
import { parseJobUri } from "../../lib/hydra/job_uri.ts";
import type { Event } from "../../lib/report/event.ts";
import type { Clock } from "../../lib/time/clock.ts";
import { systemClock } from "../../lib/time/system_clock.ts";

export interface ClientOptions {
  /** The path of the job URI. */
  readonly path?: string;
  readonly credentials?: BasicCredentials;
  /** In milliseconds. */
  readonly requestTimeout?: number;
  readonly certificates?: Certificates;
  readonly storeFolder?: string;
  /** The connections to share with other clients; its own where that is not said. */
  readonly connections?: Connections;
  /** The clock of its own connections. */
  readonly clock?: Clock;
}

// A proxy of this machine must not come between the tests and loopback.
for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]) {
  Deno.env.delete(name);
  Deno.env.delete(name.toLowerCase());
}

/** A signal that nobody aborts. */
export const NEVER = new AbortController().signal;

export const JOB = "/job/demo/main/web/latest";

/** Makes connections as a process has them. */
export function startConnections(clock: Clock = systemClock): Connections {
  return new Connections({ version: "0.0.0-test", clock, longestQuiet: 60 * 60_000 });
}

/** Makes a client for a job at the origin of a server. Disposing of it gives its connection up. */
export function startClient(origin: string, options: ClientOptions = {}) {
  const events: Event[] = [];
  const jobUri = parseJobUri(`${origin}${options.path ?? JOB}`);
  const connections = options.connections ?? startConnections(options.clock);
  const connection = connections.to(jobUri, options.credentials ?? null, options.certificates);
  const hydra = createHydra({
    jobUri,
    connection,
    requestTimeout: options.requestTimeout ?? 5000,
    report: (event) => events.push(event),
    ...(options.storeFolder === undefined ? {} : { storeFolder: options.storeFolder }),
  });
  return { hydra, events, [Symbol.dispose]: () => connection.close() };
}

/** What a call fails with. Everything but a {@linkcode Failure} is passed on. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** Checks that a call fails with a code, and that its message and hint say something. */
export async function assertFails(call: Promise<unknown>, code: FailureCode, says: RegExp): Promise<Failure> {
  const failure = await failureOf(call);
  assert.equal(failure.code, code, failure.message);
  assert.match(failure.message, says);
  // What a --oneshot run would end with: 10 for a Hydra that cannot answer now, 11 for one that answers wrongly.
  assert.equal(
    failure.exitStatus,
    /unreachable|timeout|failed/.test(code) ? 10 : code === "netrc-unusable" ? 2 : 11,
  );
  assert.match(failure.next, /^[A-Zh].{10,}[.)]$/s);
  return failure;
}
