import type { Turn } from "../deployment/ports.ts";
import type { Clock } from "../time/clock.ts";

/** One that waits for its turn. */
interface Waiting {
  readonly enter: () => void;
}

/**
 * Lets only so many at once do what is heavy for the host, in the order in which they came. A turn that takes longer than
 * usual no longer counts: what hangs must not hold up the others until its time limit.
 */
export class Queue implements Turn {
  readonly #clock: Clock;
  readonly #overtime: number;
  #limit: number;
  #taken = 0;
  readonly #waiting: Waiting[] = [];

  /**
   * @param limit How many may be at it at once.
   * @param overtime After which a turn no longer counts, in milliseconds.
   */
  constructor(limit: number, overtime: number, clock: Clock) {
    this.#limit = limit;
    this.#overtime = overtime;
    this.#clock = clock;
  }

  get full(): boolean {
    return this.#taken >= this.#limit;
  }

  /** Changes how many may be at it. Whoever is at it stays. */
  setLimit(limit: number): void {
    this.#limit = limit;
    this.#admit();
  }

  async take<T>(signal: AbortSignal, work: () => Promise<T>, first = false): Promise<T> {
    signal.throwIfAborted();
    if (this.full) await this.#wait(signal, first);
    else this.#taken += 1;
    let counts = true;
    const leave = () => {
      if (!counts) return;
      counts = false;
      this.#taken -= 1;
      this.#admit();
    };
    const over = new AbortController();
    const late = this.#clock.sleep(this.#overtime, over.signal).then(leave);
    try {
      return await work();
    } finally {
      leave();
      over.abort();
      await late;
    }
  }

  #wait(signal: AbortSignal, first: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const one: Waiting = {
        enter: () => {
          signal.removeEventListener("abort", giveUp);
          resolve();
        },
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(one), 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      if (first) this.#waiting.unshift(one);
      else this.#waiting.push(one);
    });
  }

  #admit(): void {
    while (!this.full) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      // Counted here and not once it has gone on, since several may be let in before that.
      this.#taken += 1;
      next.enter();
    }
  }
}
