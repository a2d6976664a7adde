/** What kind of trouble kept an answer from coming. */
export type HttpFaultKind =
  /** The time limit was reached. */
  | "time-limit"
  /** The host's name has no address. */
  | "name"
  /** This host has no network that leads to it. */
  | "network"
  /** No connection: refused, no route, reset while connecting. */
  | "connect"
  /** The other side's certificate is not trusted. */
  | "certificate"
  /** The other side does not speak TLS, or not in a way that can be agreed on. */
  | "tls"
  /** The proxy did not make the connection. */
  | "proxy"
  /** The connection ended before the answer did. */
  | "cut"
  /** The answer is not valid HTTP. */
  | "malformed"
  /** Anything else. */
  | "other";

/** The kinds of which the other side notices nothing: no packet has reached it. */
const UNNOTICED: readonly HttpFaultKind[] = ["name", "network"];

/** There is no answer. The message is a clause for the operator, in hail's own words. */
export class HttpFault extends Error {
  override readonly name = "HttpFault";
  readonly kind: HttpFaultKind;
  /** Details, of which parts may come from the other side: to be made fit before they are shown. */
  readonly details: string | null;

  constructor(kind: HttpFaultKind, message: string, details: string | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.details = details;
  }

  /** Whether the other side has noticed nothing of the request. */
  get unnoticed(): boolean {
    return UNNOTICED.includes(this.kind);
  }
}

type Known = readonly [sign: RegExp, kind: HttpFaultKind, message: string];

// The texts are those of hyper, rustls and the system, as `fetch` of Deno 2.5 to 2.9 hands them on.
const KNOWN: readonly Known[] = [
  [/dns error/i, "name", "its host name cannot be resolved"],
  [/unsuccessful tunnel|proxy/i, "proxy", "the proxy does not connect to it"],
  [/UnknownIssuer/, "certificate", "its certificate is signed by an authority that is not trusted here"],
  [/certificate expired|\bExpired\b/, "certificate", "its certificate has expired"],
  [/not valid yet|NotValidYet/, "certificate", "its certificate is not valid yet"],
  [/not valid for name|NotValidForName/, "certificate", "its certificate is for another name"],
  [/invalid peer certificate/, "certificate", "its certificate is not valid"],
  [/InvalidContentType|corrupt message/, "tls", "it does not speak TLS on this port"],
  [/Network is unreachable/, "network", "this host has no network that leads to it"],
  [/Connection refused/, "connect", "the connection was refused"],
  [/before message completed|Connection reset|Broken pipe/, "cut", "the connection was cut"],
  [/reading a body|end of file/, "cut", "the connection was cut"],
  [/gzip|deflate|brotli/i, "malformed", "its compressed answer cannot be unpacked"],
];

// Where a request stopped, for what is not known by its text.
const STOPPED: Readonly<Record<string, Known>> = {
  "Connect": [/^/, "connect", "no connection can be made"],
  "SendRequest": [/^/, "malformed", "its answer is not valid HTTP"],
};
const OTHER: Known = [/^/, "other", "the request failed"];

/** Tells what an error of `fetch`, or of reading a body, is about. */
export function httpFault(error: unknown): HttpFault {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  const text = root instanceof Error ? root.message : String(root);
  // What stands before "client error (...):" is the URI and the addresses; they say nothing about the kind.
  const [, stage = "", details = text] = /^.*client error \((\w+)\): (.*)$/s.exec(text) ?? [];
  const [, kind, message] = KNOWN.find(([sign]) => sign.test(details)) ?? STOPPED[stage] ?? OTHER;
  return new HttpFault(kind, message, details, error);
}
