/** What a caller is told. */

/** Why a request is not granted: a stable name for the log, the status, and words for the caller. */
export const REFUSALS = {
  "malformed": [400, "the request is malformed"],
  "no-credentials": [401, "a signature with its time stamp, or a token, is missing"],
  "wrong-credentials": [401, "the signature or the token is wrong"],
  "time-stamp": [401, "the time stamp is too far from the time of this host"],
  "replayed": [401, "this signature was used before; sign each request anew"],
  "unknown-path": [404, "there is nothing here"],
  "unknown-service": [404, "there is no service of this name"],
  "method": [405, "only POST is answered here"],
  "too-slow": [408, "the request took too long to arrive"],
  "no-length": [411, "a body must come with its Content-Length"],
  "body-too-long": [413, "the body is too long"],
  "too-many": [429, "this service was woken too often; wait"],
  "too-many-failures": [429, "too many requests with wrong credentials; wait"],
  "head-too-long": [431, "the head of the request is too long"],
  "fault": [500, "hail is at fault, and its log says more"],
  "memory-full": [503, "too many signatures are remembered; wait"],
  "version": [505, "only HTTP/1.1 and HTTP/1.0 are spoken here"],
} as const satisfies Record<string, readonly [status: number, words: string]>;

/** A stable name of one way to be refused; it stands in the log. */
export type Reason = keyof typeof REFUSALS;

type Status = 202 | (typeof REFUSALS)[Reason][0];

const PHRASES: Readonly<Record<Status, string>> = {
  202: "Accepted",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  411: "Length Required",
  413: "Content Too Large",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/** That a request is not granted. */
export interface Refusal {
  readonly reason: Reason;
  /** When to come again, in milliseconds; only where waiting helps. */
  readonly retryAfter?: number;
}

/** What came of a request: the service that was woken, or why none was. */
export type Outcome = { readonly woken: string } | Refusal;

/** Why, as the caller is told, and as the log tells. */
export function wordsOf(reason: Reason): string {
  return REFUSALS[reason][1];
}

/**
 * Writes an answer as HTTP, after which the connection closes. It repeats nothing of the request.
 *
 * @param now The wall clock, in milliseconds.
 */
export function encodeAnswer(outcome: Outcome, now: number): Uint8Array {
  const [status, content]: [Status, Readonly<Record<string, string | boolean>>] = "woken" in outcome
    ? [202, { woken: true }]
    : [REFUSALS[outcome.reason][0], { error: wordsOf(outcome.reason) }];
  const body = `${JSON.stringify(content)}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${PHRASES[status]}`,
    `Date: ${new Date(now).toUTCString()}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  if (status === 401) lines.push('WWW-Authenticate: Bearer realm="hail"');
  if (status === 405) lines.push("Allow: POST");
  if ("retryAfter" in outcome) lines.push(`Retry-After: ${Math.ceil(outcome.retryAfter / 1000)}`);
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
