/** The real Hydra client over real HTTP, pointed at a server on loopback. */
import assert from "node:assert/strict";
import { Failure, type FailureCode } from "../../lib/failure/failure.ts";
import type { BasicCredentials } from "../../lib/hydra/basic_authorization.ts";
import type { Certificates } from "../../lib/hydra/certificates.ts";
import { createHydra } from "../../lib/hydra/client.ts";
import { createHttp } from "../../lib/hydra/http.ts";
import type { Hydra } from "../../lib/deployment/ports.ts";
import { parseJobUri } from "../../lib/hydra/job_uri.ts";
import type { Event } from "../../lib/report/event.ts";

export interface ClientOptions {
  /** The path of the job URI. */
  readonly path?: string;
  readonly credentials?: BasicCredentials;
  /** In milliseconds. */
  readonly requestTimeout?: number;
  readonly certificates?: Certificates;
  readonly storeFolder?: string;
}

// A proxy of this machine must not come between the tests and loopback.
for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]) {
  Deno.env.delete(name);
  Deno.env.delete(name.toLowerCase());
}

/** A signal that nobody aborts. */
export const NEVER = new AbortController().signal;

export const JOB = "/job/demo/main/web/latest";

/** Makes a client for a job at the origin of a server. Disposing of it closes its connections. */
export function startClient(origin: string, options: ClientOptions = {}) {
  const http = createHttp(options.certificates);
  const events: Event[] = [];
  const hydra: Hydra = createHydra({
    jobUri: parseJobUri(`${origin}${options.path ?? JOB}`),
    credentials: options.credentials ?? null,
    requestTimeout: options.requestTimeout ?? 5000,
    http,
    report: (event) => events.push(event),
    version: "0.0.0-test",
    ...(options.storeFolder === undefined ? {} : { storeFolder: options.storeFolder }),
  });
  return { hydra, events, [Symbol.dispose]: () => http.close() };
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
