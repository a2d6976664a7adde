import { Failure } from "../failure/failure.ts";
import type { Event, Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { AgentSettings } from "../settings/service.ts";
import type { Clock } from "../time/clock.ts";
import { listenForWakes, type WakeListener } from "../wake/listener.ts";
import { nextDelay } from "./backoff.ts";
import { stampOf } from "./file_stamp.ts";

/** Where to listen, and with which secret. */
type Place = NonNullable<AgentSettings["wake"]>;

/** What a {@linkcode Waker} works with. */
export interface WakerPorts {
  /** Tells a service to look for a new build now. */
  readonly wake: (service: string) => "woken" | "unknown";
  readonly report: Report;
  readonly clock: Clock;
  /** A number in [0, 1), for the jitter. */
  readonly random: () => number;
}

/** How often to try again to listen where that fails, in milliseconds: at the most. */
const RETRY_PERIOD = 5 * 60_000;

/** Listens for wake-ups over HTTP, where and as the configuration says at the time. */
export class Waker {
  readonly #ports: WakerPorts;
  #listener: WakeListener | null = null;
  /** Where it listens, and what the file of the secret was like. */
  #listens = "";
  /** What was said since the configuration was read last: it is not said again at each try. */
  readonly #told = new Set<string>();
  /** Ends the tries. */
  #trying = new AbortController();
  #tries: Promise<void> = Promise.resolve();

  constructor(ports: WakerPorts) {
    this.#ports = ports;
  }

  /**
   * Listens there from now on, with the secret as its file has it now; null for nowhere. Where it does so already, it goes on,
   * and remembers the signatures that were used. It never throws: what keeps it from listening is reported, and tried again;
   * meanwhile it listens where and as it did before, if that is still possible, and hail polls as it would without it.
   */
  async listen(where: Place | null): Promise<void> {
    this.#trying.abort();
    await this.#tries;
    this.#told.clear();
    if (where === null) return await this.#close();
    if (await this.#try(where)) return;
    this.#trying = new AbortController();
    this.#tries = this.#tryAgain(where, this.#trying.signal);
  }

  async #tryAgain(where: Place, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#ports;
    for (let failures = 1; !signal.aborted; failures++) {
      await clock.sleep(nextDelay({ failures, period: RETRY_PERIOD, random: random() }), signal);
      if (signal.aborted || await this.#try(where)) return;
    }
  }

  /** Listens there; the result tells whether it does. */
  async #try(where: Place): Promise<boolean> {
    const { wake, clock } = this.#ports;
    // What is said of the file of the secret would be said at each try.
    let heard = (event: Event) => this.#once(event);
    const wanted = JSON.stringify([where, stampOf(where.secretFile)]);
    if (this.#listener !== null && wanted === this.#listens) return true;
    try {
      // The old one goes on until the new one listens, unless that one needs its port.
      const giveWay = this.#listener?.address.port === where.port ? () => this.#close() : undefined;
      const listener = await listenForWakes(
        { ...where, wake, clock, report: (event) => heard(event) },
        giveWay,
      );
      heard = this.#ports.report;
      await this.#close();
      this.#listener = listener;
      this.#listens = wanted;
      return true;
    } catch (error) {
      this.#tell(error);
      return false;
    }
  }

  #tell(error: unknown) {
    const state = this.#listener === null
      ? "nobody can wake hail over HTTP"
      : "hail is still woken over HTTP as before its configuration was read";
    if (!(error instanceof Failure)) return this.#once(failureEvent(error));
    const { message, next, code } = error;
    this.#once({
      name: "wake-failed",
      level: "error",
      message: `${state}: ${message}. ${next} It is tried again`,
      fields: { code },
    });
  }

  /** Reports what was not said already. */
  #once(event: Event) {
    if (this.#told.has(event.message)) return;
    this.#told.add(event.message);
    this.#ports.report(event);
  }

  async #close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    this.#listens = "";
    await listener?.close();
  }
}
