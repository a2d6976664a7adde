/**
 * What is said on hail's socket: lines of JSON. A caller sends one request,
 *
 * `{"version":1,"command":"pause","profile":"/nix/var/nix/profiles/web","reason":"holidays","until":1767225600000}`
 *
 * of which `profile` says which service is meant, since an agent keeps many; a hail 0.3 neither sends nor reads it. And hail answers with any number of `{"progress":"..."}` and `{"alive":true}`, and at the end with one
 * `{"done":{"message":"..."}}` or `{"failure":{...}}`. Both sides check what they read, since the hail that runs and the
 * one that is called may be of different versions: a line of an unknown kind is passed over, a request of an unknown
 * version is refused.
 */
import * as v from "valibot";
import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import { Failure, FAILURE_EXIT_STATUS, type FailureCode } from "../failure/failure.ts";
import { parseStorePath } from "../nix/store_path.ts";
import { sanitise } from "../report/sanitise.ts";

/** The last moment that a `Date` can be. */
const TIME_MAX = 8_640_000_000_000_000;

/** The version of the protocol. */
export const PROTOCOL_VERSION = 1;

/** The longest line, in bytes. */
export const LINE_LIMIT = 64 * 1024;

/** The longest text in a line, in characters: six bytes each, as `\u0000`, and four such texts fit a line. */
export const TEXT_LIMIT = 2_000;

/** What can be asked: the operator's requests, and whether hail is there and well. */
export type Request = OperatorRequest | { readonly command: "ping" };

/** A request, and the service that it is about. */
export interface Asked {
  readonly request: Request;
  /** The profile of the service; null where none is named. */
  readonly profile: string | null;
}

/** One line of an answer. */
export type Reply =
  /** Something that was done on the way. */
  | { readonly progress: string }
  /** Nothing new, but hail is at it. */
  | { readonly alive: true }
  | { readonly done: OperatorAnswer }
  | { readonly failure: FailureReply };

/** A {@linkcode Failure} on its way to the caller. */
export interface FailureReply {
  readonly code: string;
  readonly what: string;
  readonly why: string;
  readonly message: string;
  readonly next: string;
  readonly exitStatus: number;
}

const Text = v.pipe(v.string(), v.maxLength(TEXT_LIMIT));
const Version = v.object({
  path: Text,
  buildId: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(TIME_MAX))),
  name: v.nullable(Text),
});
/** An absolute path. It is compared with the profiles that hail keeps, and used for nothing else. */
const Profile = v.pipe(Text, v.regex(/^\/[^\0-\x1f\x7f]+$/));
const Addressed = v.object({ version: v.number(), profile: v.optional(v.nullable(Profile), null) });
const RequestLine = v.variant("command", [
  v.object({ command: v.literal("ping") }),
  v.object({ command: v.literal("poll"), pastGates: v.exactOptional(v.boolean()) }),
  v.object({
    command: v.literal("pause"),
    reason: v.nullable(Text),
    until: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  }),
  v.object({ command: v.literal("resume") }),
  v.object({ command: v.literal("retry") }),
  v.object({ command: v.literal("rollback"), to: v.nullable(Version) }),
]);
const FailureLine = v.object({
  code: Text,
  what: Text,
  why: Text,
  message: v.string(),
  next: Text,
  exitStatus: v.number(),
});
const ReplyLine = v.union([
  v.object({ progress: Text }),
  v.object({ alive: v.literal(true) }),
  v.object({ done: v.object({ message: Text }) }),
  v.object({ failure: FailureLine }),
]);

/** Writes a request as a line. */
export function encodeRequest({ request, profile }: Asked): string {
  const addressed = profile === null ? {} : { profile };
  return `${JSON.stringify({ version: PROTOCOL_VERSION, ...request, ...addressed })}\n`;
}

/**
 * Reads a request.
 *
 * @param storeFolder The folder in which the path of a roll-back must lie.
 * @throws {Failure} `usage`: it is no request of this version, or names what is no store path.
 */
export function decodeRequest(line: string, storeFolder: string): Asked {
  const refuse = (
    why: string,
    next = "Ask with `hail COMMAND`, of the same version as the hail that runs.",
  ) => new Failure("usage", { what: "the request", why, next });
  const value = parseJson(line);
  if (!v.is(v.object({ version: v.number() }), value)) throw refuse("it is no request to hail");
  if (value.version !== PROTOCOL_VERSION) {
    throw refuse(`it is of version ${value.version}, and the hail that runs knows ${PROTOCOL_VERSION}`);
  }
  const read = v.safeParse(RequestLine, value);
  if (!read.success) throw refuse("the hail that runs does not know it");
  const addressed = v.safeParse(Addressed, value);
  if (!addressed.success) throw refuse("it names what is no profile", "Name the path of a profile.");
  const { profile } = addressed.output;
  const request = read.output;
  if (request.command !== "rollback") return { request, profile };
  if (request.to === null) return { request: { command: "rollback", to: null }, profile };
  const path = parseStorePath(request.to.path, storeFolder);
  if (path === null) throw refuse("it names what is no store path", `Name a path in ${storeFolder}.`);
  return { request: { command: "rollback", to: { ...request.to, path } }, profile };
}

/** Writes a reply as a line that is not too long, whatever its texts are. */
export function encodeReply(reply: Reply): string {
  const short = (text: string) => sanitise(text, TEXT_LIMIT);
  if ("progress" in reply) return line({ progress: short(reply.progress) });
  if ("done" in reply) return line({ done: { message: short(reply.done.message) } });
  if ("alive" in reply) return line(reply);
  const { failure } = reply;
  return line({
    failure: {
      ...failure,
      what: short(failure.what),
      why: short(failure.why),
      message: short(failure.message),
      next: short(failure.next),
    },
  });
}

/**
 * Reads a reply.
 *
 * @returns Null for a line of an unknown kind.
 */
export function decodeReply(line: string): Reply | null {
  const read = v.safeParse(ReplyLine, parseJson(line));
  return read.success ? read.output : null;
}

/** A failure as the caller is told of it; what nobody foresaw stays in hail's own log. */
export function toFailureReply(error: unknown): FailureReply {
  const { code, what, why, message, next, exitStatus } = error instanceof Failure
    ? error
    : new Failure("internal", {
      what: "the hail that runs",
      why: "it met a fault of its own",
      next: "Look into its log, and please report what stands there.",
    });
  return { code, what, why, message, next, exitStatus };
}

/** The failure that a caller was told of. Codes of a newer hail become `internal`. */
export function fromFailureReply({ code, what, why, next }: FailureReply): Failure {
  const known = (Object.keys(FAILURE_EXIT_STATUS) as FailureCode[]).find((one) => one === code);
  return new Failure(known ?? "internal", { what, why, next });
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
