import { Failure } from "../failure/failure.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { AgentSettings } from "../settings/service.ts";
import { systemClock } from "../time/system_clock.ts";
import { listenForWakes, type WakeListener } from "../wake/listener.ts";
import { stampOf } from "./file_stamp.ts";

/** Listens for wake-ups over HTTP, where and as the configuration says at the time. */
export class Waker {
  readonly #wake: (service: string) => "woken" | "unknown";
  readonly #report: Report;
  #listener: WakeListener | null = null;
  /** Where it listens, and with which secret. */
  #listens = "";

  constructor(wake: (service: string) => "woken" | "unknown", report: Report) {
    this.#wake = wake;
    this.#report = report;
  }

  /**
   * Listens there from now on, with the secret as its file has it now; null for nowhere. Where it does so already, it goes on,
   * and remembers the signatures that were used. It never throws: what keeps it from listening is reported, and hail polls as
   * it would without it.
   */
  async listen(where: AgentSettings["wake"]): Promise<void> {
    const wanted = where === null ? "" : JSON.stringify([where, stampOf(where.secretFile)]);
    if (this.#listener !== null && wanted === this.#listens) return;
    await this.#listener?.close();
    this.#listener = null;
    this.#listens = wanted;
    if (where === null) return;
    try {
      this.#listener = await listenForWakes({
        ...where,
        wake: this.#wake,
        clock: systemClock,
        report: this.#report,
      });
    } catch (error) {
      if (!(error instanceof Failure)) return this.#report(failureEvent(error));
      const { message, next, code } = error;
      this.#report({
        name: "wake-failed",
        level: "error",
        message: `nobody can wake hail over HTTP: ${message}. ${next}`,
        fields: { code },
      });
    }
  }
}
