import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";

/** How often one reason is reported, in milliseconds. */
export const REFUSAL_PERIOD = 60_000;

interface Told {
  readonly at: number;
  readonly words: string;
  /** Those since then. */
  readonly count: number;
  readonly from: string;
}

/** Reports refusals: of each reason the first one, and after that a number once a minute. */
export class RefusalLog {
  readonly #report: Report;
  readonly #clock: Clock;
  readonly #told = new Map<string, Told>();

  constructor(report: Report, clock: Clock) {
    this.#report = report;
    this.#clock = clock;
  }

  /**
   * Takes note of one.
   *
   * @param reason A stable name; there are few.
   * @param words The same for people.
   * @param from The address that the request came from.
   */
  add(reason: string, words: string, from: string): void {
    const now = this.#clock.monotonic();
    const told = this.#told.get(reason);
    if (told !== undefined && now - told.at < REFUSAL_PERIOD) {
      this.#told.set(reason, { at: told.at, words, count: told.count + 1, from });
      return;
    }
    this.#tell(reason, { at: now, words, count: (told?.count ?? 0) + 1, from });
    this.#told.set(reason, { at: now, words, count: 0, from });
  }

  /** Reports what was not reported yet. */
  flush(): void {
    for (const [reason, told] of this.#told) if (told.count > 0) this.#tell(reason, told);
    this.#told.clear();
  }

  #tell(reason: string, { words, count, from }: Told): void {
    const which = count === 1
      ? "a request to wake a service was refused, from"
      : `${count} requests to wake a service were refused, the last one from`;
    this.#report({
      name: "wake-refused",
      level: "warning",
      message: `${which} ${from}: ${words}`,
      fields: { reason, count, from },
    });
  }
}
