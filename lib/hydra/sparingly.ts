/** Asks what is heavy for a Hydra as seldom as can be: one question at a time, and none again soon. */
import { Failure } from "../failure/failure.ts";
import type { Clock } from "../time/clock.ts";
import { Turns } from "../time/turns.ts";
import { takeTurn } from "./take_turn.ts";

/** An answer is not asked for again before so many times as long as it took to come. */
const REST_FACTOR = 10;

/**
 * An answer is kept at least so long, in milliseconds: services of one jobset that ask within it share it. A failure is
 * not, beyond what {@linkcode REST_FACTOR} says.
 */
const KEPT_MIN = 60_000;

/** So many answers are kept. One about 20,000 builds takes 160 kB. */
const ANSWERS_MAX = 16;

interface Known<T> {
  /** Until when it is not asked for again, by the clock that never jumps. */
  readonly until: number;
  /** Gives the answer, or throws the failure. */
  readonly answer: () => T;
}

/** The heavy questions to one Hydra, and their answers. */
export class Sparingly<T> {
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #known = new Map<string, Known<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turns = new Turns(clock, { width: () => 1, patience: () => Infinity, most: 1 });
  }

  /**
   * Answers a question from memory, or asks it when it is its turn.
   *
   * @param key What tells the question from others.
   * @param limit How long to wait for the turn at the most, in milliseconds.
   * @param send Asks, and calls `sent` when the question goes out. It must have a time limit of its own.
   * @throws {HttpFault} `time-limit` if its turn did not come in time.
   * @throws What `send` throws; a {@linkcode Failure} that was asked for is remembered as well.
   */
  async ask(
    key: string,
    limit: number,
    signal: AbortSignal,
    send: (sent: () => void) => Promise<T>,
  ): Promise<T> {
    const known = this.#find(key);
    if (known !== undefined) return known.answer();
    const endTurn = await takeTurn(this.#turns, limit, signal);
    try {
      // Whoever had the turn before may have asked the same.
      const found = this.#find(key);
      return found === undefined ? await this.#send(key, send) : found.answer();
    } finally {
      endTurn();
    }
  }

  async #send(key: string, send: (sent: () => void) => Promise<T>): Promise<T> {
    let begin: number | null = null;
    const keep = (answer: () => T, atLeast: number) => {
      if (begin === null) return;
      const now = this.#clock.monotonic();
      this.#known.delete(key);
      this.#known.set(key, { until: now + Math.max((now - begin) * REST_FACTOR, atLeast), answer });
      const [oldest] = this.#known.keys();
      if (this.#known.size > ANSWERS_MAX && oldest !== undefined) this.#known.delete(oldest);
    };
    try {
      const answer = await send(() => begin = this.#clock.monotonic());
      keep(() => answer, KEPT_MIN);
      return answer;
    } catch (error) {
      if (error instanceof Failure) {
        keep(() => {
          throw error;
        }, 0);
      }
      throw error;
    }
  }

  #find(key: string): Known<T> | undefined {
    const known = this.#known.get(key);
    return known !== undefined && known.until > this.#clock.monotonic() ? known : undefined;
  }
}
