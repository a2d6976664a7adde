import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";
import { Sleepers } from "./sleepers.ts";

/** So many wake-ups without time passing are a loop that spins. */
const SPIN_MAX = 1_000;

/**
 * A clock for tests: time passes only when the test says so.
 *
 * A sleep of zero or less also ends only within {@linkcode VirtualClock.advance}; `advance(0)` is enough.
 */
export class VirtualClock implements Clock {
  #monotonic = 0;
  #wall: number;
  readonly #sleepers = new Sleepers();

  /** @param now The wall clock at the start, in milliseconds since 1970-01-01T00:00:00Z. */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#wall = now;
  }

  now(): number {
    return this.#wall + this.#monotonic;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(duration: number, signal?: AbortSignal): Promise<void> {
    if (Number.isNaN(duration)) throw new RangeError("a sleep of NaN milliseconds");
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        remove();
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const remove = this.#sleepers.add({ at: this.#monotonic + Math.max(0, duration), wake });
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** How long each sleeper has still to sleep, in milliseconds, the first to wake first. */
  get sleeps(): readonly number[] {
    return this.#sleepers.all().map(({ at }) => at - this.#monotonic);
  }

  /**
   * Lets `duration` milliseconds pass on both clocks. Sleepers wake in order, each at its own moment; what
   * follows from one wake-up, new sleeps included, settles before the next.
   *
   * @throws {RangeError} If the duration is negative or no number.
   * @throws {Error} If something sleeps for no time again and again.
   */
  async advance(duration: number): Promise<void> {
    if (!(duration >= 0)) {
      throw new RangeError(`a clock that never jumps cannot pass ${duration} milliseconds`);
    }
    const end = this.#monotonic + duration;
    let wakesAtOnce = 0;
    for (;;) {
      await settle();
      const next = this.#sleepers.first;
      if (next === undefined || next.at > end) break;
      wakesAtOnce = next.at > this.#monotonic ? 0 : wakesAtOnce + 1;
      if (wakesAtOnce > SPIN_MAX) throw new Error(`${SPIN_MAX} wake-ups and no time has passed`);
      this.#monotonic = next.at;
      next.wake();
    }
    this.#monotonic = end;
  }

  /** Moves the wall clock alone by so many milliseconds, forwards or backwards. Nobody wakes. */
  jump(duration: number): void {
    this.#wall += duration;
  }
}

/**
 * Lets all promises that can settle without time passing do so: they run before the event loop's next turn.
 */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
