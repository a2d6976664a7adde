/** Answers of a Hydra byte by byte, and what a client that was given credentials must keep. */
import assert from "node:assert/strict";
import type { Failure } from "../../lib/failure/failure.ts";
import type { Hydra } from "../../lib/deployment/ports.ts";
import { NEVER } from "./hydra_client.ts";
import { latin1 } from "./raw_server.ts";

export const CREDENTIALS = { login: "hail", password: "correct horse battery" };
export const BASIC = btoa("hail:correct horse battery");
export const SESSION = "0123456789abcdef0123456789abcdef01234567";

export const OUT = "/nix/store/b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij-web-4.0";

/** A whole answer. Its length is told unless a header does so. */
export function answerOf(status: number, headers: readonly string[] = [], body = ""): string {
  const length = headers.some((line) => /^(content-length|transfer-encoding):/i.test(line))
    ? []
    : [`Content-Length: ${latin1(body).length}`];
  return [`HTTP/1.1 ${status} Whatever`, ...headers, ...length, "", body].join("\r\n");
}

export function redirectTo(location: string, ...headers: string[]): string {
  return answerOf(302, [`Location: ${location}`, ...headers], "");
}

export function jsonOf(value: unknown): string {
  return answerOf(
    200,
    ["Content-Type: application/json"],
    typeof value === "string" ? value : JSON.stringify(value),
  );
}

/** Hydra's own words, as it would say them; in ASCII. */
export function saying(status: number, error: unknown): string {
  const json = JSON.stringify({ error });
  const ascii = json.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return answerOf(status, ["Content-Type: application/json"], ascii);
}

/** A build that can be deployed, and what is wrong with it in a test. */
export function buildWith(changes: Record<string, unknown>): string {
  return jsonOf({ id: 7, finished: 1, buildstatus: 0, buildoutputs: { out: { path: OUT } }, ...changes });
}

export function builtAt(path: unknown): string {
  return buildWith({ buildoutputs: { out: { path } } });
}

/** Nothing that a client shows may hold what it must keep. */
export function assertKeepsSecrets(failure: Failure, events: readonly unknown[]) {
  const shown = [
    failure.message,
    failure.what,
    failure.why,
    failure.next,
    failure.stack,
    JSON.stringify(events),
  ];
  for (let cause: unknown = failure.cause; cause instanceof Error; cause = cause.cause) {
    shown.push(cause.message, cause.stack);
  }
  for (const secret of [CREDENTIALS.password, encodeURIComponent(CREDENTIALS.password), BASIC, SESSION]) {
    for (const text of shown) assert.ok(!text?.includes(secret), `${secret} stands in: ${text}`);
  }
  // deno-lint-ignore no-control-regex -- control characters are what is looked for.
  assert.doesNotMatch(failure.message + failure.next, /[\x00-\x1f\x7f-\x9f]/);
  assert.ok(failure.message.length < 700, `too long: ${failure.message.length}`);
}

export const latest = (hydra: Hydra) => hydra.latest(NEVER);
export const build = (hydra: Hydra) => hydra.build(7, NEVER);
