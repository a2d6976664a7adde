import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import { Failure } from "../failure/failure.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { Clock } from "../time/clock.ts";
import { type Asked, decodeRequest, LINE_LIMIT, toFailureReply } from "./protocol.ts";
import { LineTooLong, readLines } from "./read_lines.ts";
import { openSocket } from "./socket_file.ts";
import { type Connection, Wire } from "./wire.ts";

/** How many may ask at once. */
export const CONNECTION_LIMIT = 64;
/** How long a caller may take to send its request, in milliseconds. */
export const REQUEST_LIMIT = 10_000;
/** How often a caller that waits is told that hail is at it, in milliseconds. */
export const ALIVE_PERIOD = 5_000;
/** How long requests have to come to their end when the server closes, in milliseconds. */
const CLOSE_GRACE = 2_000;
/** How long to wait when no connection can be taken, as where no file descriptor is left, in milliseconds. */
const ACCEPT_PAUSE = 1_000;

/** What the server needs. */
export interface ControlOptions {
  /** Where the socket is to be; its folder lets in only those who may ask. */
  readonly path: string;
  /** The group whose members may ask; null for the owner alone. */
  readonly gid: number | null;
  /** The folder of the Nix store. */
  readonly storeFolder: string;
  /**
   * Does what is asked, one call for each request; calls may overlap.
   *
   * @param profile The profile of the service that is meant; null where the caller names none, as one of hail 0.3.
   * @param progress Tells the caller what is being done. It never throws and never waits.
   * @param signal Aborted when nobody waits for the answer any more: the caller has gone, or the server closes. What
   * was asked for goes on all the same; a roll-back is not to stop half-way because a terminal was closed.
   * @throws {Failure} For the caller: `unknown-service` where this hail does not keep that service. Anything else is
   * reported as a fault of hail's own.
   */
  readonly handle: (
    request: OperatorRequest,
    profile: string | null,
    progress: (text: string) => void,
    signal: AbortSignal,
  ) => Promise<OperatorAnswer>;
  /**
   * Called when somebody asks whether hail is there, and answered when it is done: the place to write down what a reader
   * of the database would miss.
   *
   * @param profile The service that is asked about; null for all.
   * @throws {Failure} `unknown-service`: this hail does not keep it.
   */
  readonly ping: (profile: string | null) => void | Promise<void>;
  readonly report: Report;
  readonly clock: Clock;
}

/** A server that listens. */
export interface ControlServer {
  /** Stops to listen, gives requests under way a moment to come to their end, and takes the socket away. */
  close(): Promise<void>;
}

/**
 * Listens for the operator's requests. It never throws: where the socket cannot be made, that is reported, and hail
 * works without, as long as it is not asked anything.
 */
export function listen(options: ControlOptions): ControlServer {
  const warn = (error: unknown, so: string) => {
    const why = error instanceof Failure ? `${error.message}. ${error.next}` : String(error);
    options.report({
      name: "control",
      level: "warning",
      message: `${so}: ${why}`,
      fields: { socket: options.path },
    });
  };
  try {
    const { listener, groupError } = openSocket(options);
    if (groupError !== undefined) warn(groupError, "Only its own user can ask hail, not the group");
    return new Server(listener, options);
  } catch (error) {
    warn(error, "The commands cannot reach this hail");
    return { close: () => Promise.resolve() };
  }
}

class Server implements ControlServer {
  readonly #listener: Deno.UnixListener;
  readonly #options: ControlOptions;
  readonly #wires = new Set<Wire>();
  readonly #served = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #accepting: Promise<void>;

  constructor(listener: Deno.UnixListener, options: ControlOptions) {
    this.#listener = listener;
    this.#options = options;
    this.#accepting = this.#accept();
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const { clock, path } = this.#options;
    try {
      Deno.removeSync(path);
    } catch {
      // Somebody was faster, or the folder has become read-only; the next start removes it.
    }
    this.#closing.abort();
    this.#listener.close();
    await this.#accepting;
    const over = new AbortController();
    await Promise.race([Promise.all(this.#served), clock.sleep(CLOSE_GRACE, over.signal)]);
    over.abort();
    await Promise.all([...this.#wires].map((wire) => {
      wire.send({ failure: toFailureReply(stopped()) });
      return wire.end();
    }));
  }

  async #accept(): Promise<void> {
    const { signal } = this.#closing;
    let warned = false;
    while (!signal.aborted) {
      try {
        this.#take(await this.#listener.accept());
      } catch (error) {
        if (signal.aborted) return;
        if (!warned) this.#options.report(failureEvent(error));
        warned = true;
        await this.#options.clock.sleep(ACCEPT_PAUSE, signal);
      }
    }
  }

  #take(connection: Connection) {
    const gone = new AbortController();
    const wire = new Wire(connection, this.#options.clock, () => gone.abort());
    if (this.#wires.size >= CONNECTION_LIMIT) {
      wire.send({ failure: toFailureReply(busy()) });
      void wire.end();
      return;
    }
    this.#wires.add(wire);
    const served = this.#serve(connection, wire, gone.signal).finally(() => {
      this.#wires.delete(wire);
      this.#served.delete(served);
    });
    this.#served.add(served);
  }

  /** Serves one caller. It never throws. */
  async #serve(connection: Connection, wire: Wire, gone: AbortSignal): Promise<void> {
    try {
      const line = await this.#readRequest(connection, wire);
      // Nothing was asked: somebody wanted to know whether hail listens, or went away.
      if (line === null) return wire.close();
      wire.send({ done: await this.#do(decodeRequest(line, this.#options.storeFolder), wire, gone) });
    } catch (error) {
      if (!(error instanceof Failure)) this.#options.report(failureEvent(error));
      wire.send({ failure: toFailureReply(error) });
    }
    await wire.end();
  }

  /** The line of the request; null where the caller says nothing, or has gone. */
  async #readRequest(connection: Connection, wire: Wire): Promise<string | null> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#closing.signal]);
    // Closing the connection ends the reading.
    const limit = this.#options.clock.sleep(REQUEST_LIMIT, signal).then(() => {
      if (!over.signal.aborted) wire.close();
    });
    try {
      const { value } = await readLines(connection, LINE_LIMIT).next();
      return value ?? null;
    } catch (error) {
      if (error instanceof LineTooLong) throw tooLong();
      return null;
    } finally {
      over.abort();
      await limit;
    }
  }

  async #do({ request, profile }: Asked, wire: Wire, gone: AbortSignal): Promise<OperatorAnswer> {
    const { handle, ping, clock } = this.#options;
    const over = new AbortController();
    const stop = AbortSignal.any([over.signal, this.#closing.signal]);
    const alive = (async () => {
      for (;;) {
        await clock.sleep(ALIVE_PERIOD, stop);
        if (stop.aborted) return;
        wire.send({ alive: true });
      }
    })();
    try {
      if (request.command === "ping") {
        await ping(profile);
        return { message: "" };
      }
      const unwanted = AbortSignal.any([gone, this.#closing.signal]);
      return await handle(request, profile, (progress) => wire.send({ progress }), unwanted);
    } finally {
      over.abort();
      await alive;
    }
  }
}

function busy(): Failure {
  return new Failure("internal", {
    what: "the hail that runs",
    why: `${CONNECTION_LIMIT} others are asking it`,
    next: "Try again in a moment.",
  });
}

function stopped(): Failure {
  return new Failure("internal", {
    what: "the hail that runs",
    why: "it was stopped before it was done",
    next: "What was begun is finished at its next start; see `hail status`.",
  });
}

function tooLong(): Failure {
  return new Failure("usage", {
    what: "the request",
    why: `it is longer than ${LINE_LIMIT} bytes`,
    next: "Give a shorter reason.",
  });
}
