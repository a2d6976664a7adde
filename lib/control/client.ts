import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import { Failure, type FailureCode } from "../failure/failure.ts";
import type { Clock } from "../time/clock.ts";
import {
  type Asked,
  decodeReply,
  encodeRequest,
  fromFailureReply,
  LINE_LIMIT,
  type Reply,
} from "./protocol.ts";
import { readLines } from "./read_lines.ts";

/** How to ask. */
export interface AskOptions {
  /** Told what is being done, each time that something new is. */
  readonly onProgress: (text: string) => void;
  /** Stops to wait for the answer; what was asked for goes on. Its reason is then thrown as it is. */
  readonly signal?: AbortSignal;
  /**
   * How long hail may be silent, in milliseconds. It says that it is at it every few seconds.
   *
   * @default {30000}
   */
  readonly timeLimit?: number;
  readonly clock: Clock;
}

const SILENCE_LIMIT = 30_000;

/** Whom to ask. */
export interface Address {
  /** Where a hail that keeps the service may listen: its own socket first, then that of an agent. */
  readonly sockets: readonly string[];
  /** The profile of the service. */
  readonly profile: string;
}

/**
 * Asks the hail that keeps a service, and waits until it has done what it is asked.
 *
 * @returns Null where nobody listens, or those who do keep other services.
 * @throws {Failure} What went wrong there; `usage` where one may not ask; `internal` where hail ended or fell silent
 * before it was done.
 */
export async function ask(
  { sockets, profile }: Address,
  request: OperatorRequest,
  options: AskOptions,
): Promise<OperatorAnswer | null> {
  for (const path of sockets) {
    const reply = await exchange(path, { request, profile }, options);
    if (reply === null || isElsewhere(reply)) continue;
    if ("done" in reply) return reply.done;
    throw fromFailureReply(reply.failure);
  }
  return null;
}

/** Whether a hail is there. */
export type Presence =
  /** It listens and answers. */
  | "answers"
  /** It listens and does not answer. */
  | "silent"
  /** Nobody listens, or not for that service. */
  | "absent"
  /** One may not ask. */
  | "denied";

/**
 * Finds out whether a hail listens on a socket, and has it write down what is to be known of its services. It never throws.
 *
 * @param profile The service that is asked about; null for all that it keeps.
 * @param timeLimit How long it may be silent, in milliseconds.
 */
export async function findPresence(
  path: string,
  profile: string | null,
  clock: Clock,
  timeLimit = 2_000,
): Promise<Presence> {
  try {
    const asked: Asked = { request: { command: "ping" }, profile };
    const reply = await exchange(path, asked, { onProgress: () => {}, timeLimit, clock });
    return reply === null || isElsewhere(reply) ? "absent" : "answers";
  } catch (error) {
    return error instanceof Failure && error.code === "usage" ? "denied" : "silent";
  }
}

/** Whether a socket is there on which nobody listens any more, since its process was killed. It never throws. */
export async function isDeserted(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}

type LastReply = Exclude<Reply, { readonly progress: string } | { readonly alive: true }>;

/** Whether it says that the service is not one of its own. */
function isElsewhere(reply: LastReply): boolean {
  const elsewhere: FailureCode = "unknown-service";
  return "failure" in reply && reply.failure.code === elsewhere;
}

/** Sends a request and reads to the last reply; null where nobody listens. */
async function exchange(path: string, asked: Asked, options: AskOptions): Promise<LastReply | null> {
  const { signal, clock, onProgress, timeLimit = SILENCE_LIMIT } = options;
  signal?.throwIfAborted();
  const connection = await connect(path);
  if (connection === null) return null;
  let end: "silent" | "aborted" | null = null;
  // Closing the connection ends the reading.
  const give = (reason: "silent" | "aborted") => {
    if (end !== null) return;
    end = reason;
    connection.close();
  };
  const onAbort = () => give("aborted");
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const watch = new SilenceWatch(clock, timeLimit, () => give("silent"));
  try {
    await writeAll(connection, new TextEncoder().encode(encodeRequest(asked)));
    for await (const line of readLines(connection, LINE_LIMIT)) {
      watch.heard();
      const reply = decodeReply(line);
      if (reply === null || "alive" in reply) continue;
      if (!("progress" in reply)) return reply;
      onProgress(reply.progress);
    }
  } catch (error) {
    if (end === null && !isBroken(error)) throw error;
  } finally {
    await watch.stop();
    signal?.removeEventListener("abort", onAbort);
    if (end === null) connection.close();
  }
  signal?.throwIfAborted();
  throw end === "silent" ? silent(timeLimit) : gone();
}

/** Calls back when nothing was heard for too long. */
class SilenceWatch {
  readonly #clock: Clock;
  readonly #over = new AbortController();
  readonly #watching: Promise<void>;
  #heardAt: number;

  constructor(clock: Clock, limit: number, onSilence: () => void) {
    this.#clock = clock;
    this.#heardAt = clock.monotonic();
    this.#watching = this.#watch(limit, onSilence);
  }

  heard() {
    this.#heardAt = this.#clock.monotonic();
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#watching;
  }

  async #watch(limit: number, onSilence: () => void): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      const left = this.#heardAt + limit - this.#clock.monotonic();
      if (left <= 0) return onSilence();
      await this.#clock.sleep(left, signal);
      if (signal.aborted) return;
    }
  }
}

async function connect(path: string): Promise<Deno.UnixConn | null> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw denied(path, error);
    // Nothing there, a socket that an earlier hail has left, a hail that is just ending, or a path that is too long for
    // a socket, on which hail cannot listen either.
    const absent = [
      Deno.errors.NotFound,
      Deno.errors.ConnectionRefused,
      Deno.errors.ConnectionReset,
      TypeError,
    ];
    if (absent.some((kind) => error instanceof kind)) return null;
    throw error;
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  try {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  } catch (error) {
    // A hail that is busy refuses without reading; its answer can still be read.
    if (!isBroken(error)) throw error;
  }
}

function isBroken(error: unknown): boolean {
  const kinds = [Deno.errors.BrokenPipe, Deno.errors.ConnectionReset, Deno.errors.ConnectionAborted];
  return kinds.some((kind) => error instanceof kind);
}

function denied(path: string, cause: unknown): Failure {
  return new Failure("usage", {
    what: path,
    why: "this user may not ask the hail that listens there",
    next: "Run this as root, or as a member of the group hail.",
    cause,
  });
}

function silent(limit: number): Failure {
  return new Failure("internal", {
    what: "the hail that runs",
    why: `it has said nothing for ${limit / 1000} s`,
    next: "Look into its log; restart it if it hangs. `hail status` shows what it was doing.",
  });
}

function gone(): Failure {
  return new Failure("internal", {
    what: "the hail that runs",
    why: "it ended before it answered",
    next: "What was begun is finished at its next start; see `hail status`.",
  });
}
