import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { Failure } from "../failure/failure.ts";
import { readSecretFile } from "../netrc/secret_file.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { Clock } from "../time/clock.ts";
import { Door, type DoorOptions } from "./door.ts";
import { exchange } from "./exchange.ts";
import { RefusalLog } from "./refusal_log.ts";
import { readSecret } from "./secret.ts";

/** How many connections are open at once at the most; the next one takes the place of the oldest. */
export const CONNECTION_LIMIT = 64;
/** How long the name of an address may take to be resolved, in milliseconds. */
const LOOKUP_LIMIT = 5_000;
/** How long to wait when no connection can be taken, as where no file descriptor is left, in milliseconds. */
const ACCEPT_PAUSE = 1_000;

/** Where to listen, and what for. */
export interface WakeOptions {
  /** An address of this host, without brackets, or a name that has one. */
  readonly hostname: string;
  /** Zero is for one that is free. */
  readonly port: number;
  /** The file whose first line is the secret. */
  readonly secretFile: string;
  /**
   * Tells a service to look for a new build now; `unknown` if there is none of that name. It must not wait for
   * anything. What it throws is reported as a fault of hail's own.
   */
  readonly wake: DoorOptions["wake"];
  readonly clock: Clock;
  readonly report: Report;
}

/** A listener at work. */
export interface WakeListener {
  /** Where it listens. */
  readonly address: { readonly hostname: string; readonly port: number };
  /** Stops to listen, and ends what is under way. */
  close(): Promise<void>;
}

/**
 * Listens for the word over HTTP that there may be a new build: `POST /wake/NAME`, as docs/wake.md describes it.
 *
 * HTTP is read here by hand, one request for each connection: neither server of Deno's limits how slowly a request may
 * come on all versions that hail is compiled with.
 *
 * @param giveWay Called if another listener has the address, which is tried once more then.
 * @throws {Failure} `usage` if the secret cannot be used, or if the address cannot be listened on.
 */
export async function listenForWakes(
  options: WakeOptions,
  giveWay?: () => Promise<void>,
): Promise<WakeListener> {
  const { hostname, port, secretFile, report } = options;
  const secret = await readSecret(secretFile, { read: readSecretFile, report });
  const listener = await bind(hostname, port, giveWay);
  const address = { hostname: listener.addr.hostname, port: listener.addr.port };
  const shown = showAddress(address.hostname, address.port);
  report({
    name: "wake-listening",
    level: "info",
    message: `hail can be woken over HTTP at ${shown}`,
    fields: { address: shown },
  });
  return new Listener(listener, address, secret, options);
}

async function bind(
  hostname: string,
  port: number,
  giveWay: (() => Promise<void>) | undefined,
): Promise<Deno.TcpListener> {
  try {
    const options = { hostname: await addressOf(hostname), port };
    try {
      return Deno.listen(options);
    } catch (error) {
      if (giveWay === undefined || !(error instanceof Deno.errors.AddrInUse)) throw error;
      await giveWay();
      return Deno.listen(options);
    }
  } catch (error) {
    throw new Failure("usage", {
      what: `wake address ${showAddress(hostname, port)}`,
      why: whyNot(error),
      next: "Name an address of this host, and a port that is free.",
      cause: error,
    });
  }
}

/** Deno.listen would look a name up itself, and all of hail would wait for that. */
async function addressOf(hostname: string): Promise<string> {
  if (isIP(hostname) !== 0) return hostname;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new LookupFault(`not within ${LOOKUP_LIMIT / 1000} s`)),
    LOOKUP_LIMIT,
  );
  try {
    const found = lookup(hostname).catch((error) => {
      throw new LookupFault(error instanceof Error && "code" in error ? String(error.code) : "unknown");
    });
    return (await Promise.race([found, late])).address;
  } finally {
    clearTimeout(timer);
  }
}

/** A name has no address, as far as can be told. */
class LookupFault extends Error {
  override readonly name = "LookupFault";
}

function whyNot(error: unknown): string {
  if (error instanceof LookupFault) return `its name could not be resolved (${error.message})`;
  if (error instanceof Deno.errors.AddrInUse) return "another program listens there";
  if (error instanceof Deno.errors.AddrNotAvailable) return "this host does not have the address";
  if (error instanceof Deno.errors.PermissionDenied) return "hail may not listen there";
  return "it cannot be listened on";
}

function showAddress(hostname: string, port: number): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

class Listener implements WakeListener {
  readonly address: WakeListener["address"];
  readonly #listener: Deno.TcpListener;
  readonly #options: WakeOptions;
  readonly #door: Door;
  readonly #refusals: RefusalLog;
  readonly #closing = new AbortController();
  /** What ends each open connection, the oldest first. */
  readonly #open = new Set<AbortController>();
  readonly #exchanges = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(
    listener: Deno.TcpListener,
    address: WakeListener["address"],
    secret: string,
    options: WakeOptions,
  ) {
    this.address = address;
    this.#listener = listener;
    this.#options = options;
    this.#door = new Door({ secret, wake: options.wake, clock: options.clock });
    this.#refusals = new RefusalLog(options.report, options.clock);
    this.#accepting = this.#accept();
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#listener.close();
      for (const stop of this.#open) stop.abort();
    }
    await this.#accepting;
    await Promise.all(this.#exchanges);
    this.#refusals.flush();
  }

  async #accept(): Promise<void> {
    const { signal } = this.#closing;
    const { clock, report } = this.#options;
    let warned = false;
    while (!signal.aborted) {
      try {
        this.#take(await this.#listener.accept());
      } catch (error) {
        if (signal.aborted) return;
        if (!warned) report(failureEvent(error));
        warned = true;
        await clock.sleep(ACCEPT_PAUSE, signal);
      }
    }
  }

  #take(connection: Deno.TcpConn) {
    const { clock, report } = this.#options;
    const from = connection.remoteAddr.hostname;
    // A caller that means it is done within milliseconds, so the oldest one is the slowest. To refuse the new one
    // instead would let a few slow ones keep everybody out.
    const [oldest] = this.#open;
    if (this.#open.size >= CONNECTION_LIMIT && oldest !== undefined) {
      oldest.abort();
      this.#refusals.add("crowded", "too many connections at once, of which the oldest was closed", from);
      this.#open.delete(oldest);
    }
    const stop = new AbortController();
    this.#open.add(stop);
    const done = exchange({
      connection,
      from,
      door: this.#door,
      refusals: this.#refusals,
      report,
      clock,
      stop: stop.signal,
    }).finally(() => {
      this.#open.delete(stop);
      this.#exchanges.delete(done);
    });
    this.#exchanges.add(done);
  }
}
