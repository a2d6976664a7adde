import type { Turn } from "../deployment/ports.ts";
import type { Clock } from "../time/clock.ts";
import { Turns } from "../time/turns.ts";

/**
 * Lets only so many at once do what is heavy for the host, in the order in which they came. A turn that takes longer than
 * usual no longer counts: what hangs must not hold up the others until its time limit.
 */
export class Queue implements Turn {
  readonly #turns: Turns;
  #limit: number;

  /**
   * @param limit How many may be at it at once.
   * @param overtime After which a turn no longer counts, in milliseconds.
   */
  constructor(limit: number, overtime: number, clock: Clock) {
    this.#limit = limit;
    this.#turns = new Turns(clock, { width: () => this.#limit, patience: () => overtime, most: Infinity });
  }

  get full(): boolean {
    return this.#turns.full;
  }

  /** Changes how many may be at it. Whoever is at it stays. */
  setLimit(limit: number): void {
    this.#limit = limit;
    this.#turns.look();
  }

  async take<T>(signal: AbortSignal, work: () => Promise<T>, first = false): Promise<T> {
    const end = await this.#turns.take(Infinity, signal, first);
    try {
      return await work();
    } finally {
      end();
    }
  }
}
