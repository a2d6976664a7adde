/** Lets a few requests be under way at once, in the order in which they came; the others wait. */
import type { Clock } from "../time/clock.ts";
import { HttpFault } from "./http_fault.ts";

/** How many may be under way. It is asked anew each time, since it may change. */
export interface TurnRules {
  /** How many at once. */
  readonly width: () => number;
  /**
   * A turn that lasts longer does not count any more, so that a few that hang do not hold up the rest; in milliseconds. No
   * turn counts for more than a quarter of the time that its taker would have waited for it.
   */
  readonly patience: () => number;
  /** How many at once at the most, those that do not count included. */
  readonly most: number;
}

interface Turn {
  /** When it began, by the clock that never jumps. */
  readonly since: number;
  /** How long it counts at the most, in milliseconds. */
  readonly patience: number;
}

/** Who waits as long as those before it may take gets its turn although some of them hang. */
const PATIENCE_SHARE = 1 / 4;

/** The turns at one Hydra. */
export class Turns {
  readonly #clock: Clock;
  readonly #rules: TurnRules;
  readonly #begun = new Set<Turn>();
  /** Each is called with its turn, the first that came first; and how long it waits at the most. */
  readonly #waiting = new Map<(turn: Turn) => void, number>();
  /** Ends the sleep until a turn has lasted too long to count. */
  #alarm: AbortController | null = null;

  constructor(clock: Clock, rules: TurnRules) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /**
   * Waits for a turn.
   *
   * @param limit How long to wait at the most, in milliseconds.
   * @param signal Gives up. Its reason is then thrown as it is.
   * @returns Ends the turn; to be called once.
   * @throws {HttpFault} `time-limit` if no turn came in time.
   */
  async take(limit: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const turn = this.#waiting.size === 0 && this.#hasRoom()
      ? this.#begin(limit)
      : await this.#wait(limit, signal);
    return () => {
      this.#begun.delete(turn);
      this.#callNext();
    };
  }

  async #wait(limit: number, signal: AbortSignal): Promise<Turn> {
    const { promise, resolve, reject } = Promise.withResolvers<Turn>();
    const over = new AbortController();
    const leave = (reason: unknown) => {
      this.#waiting.delete(resolve);
      reject(reason);
    };
    const giveUp = () => leave(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    this.#waiting.set(resolve, limit);
    void this.#clock.sleep(limit, over.signal).then(() => {
      if (!over.signal.aborted) leave(tooLong(limit));
    });
    this.#watch();
    try {
      return await promise;
    } finally {
      over.abort();
      signal.removeEventListener("abort", giveUp);
      if (this.#waiting.size === 0) this.#alarm?.abort();
    }
  }

  #begin(limit: number): Turn {
    const turn = { since: this.#clock.monotonic(), patience: limit * PATIENCE_SHARE };
    this.#begun.add(turn);
    return turn;
  }

  #hasRoom(): boolean {
    return this.#begun.size < this.#rules.most && this.#counted().length < this.#rules.width();
  }

  /** When each of the turns that count ceases to, from now on in milliseconds. */
  #counted(): number[] {
    const now = this.#clock.monotonic();
    const most = this.#rules.patience();
    return Array.from(this.#begun, ({ since, patience }) => since + Math.min(patience, most) - now)
      .filter((left) => left > 0);
  }

  #callNext() {
    for (const [call, limit] of this.#waiting) {
      if (!this.#hasRoom()) break;
      this.#waiting.delete(call);
      call(this.#begin(limit));
    }
    this.#watch();
  }

  /** Looks again when the next turn does not count any more, if anybody waits. */
  #watch() {
    this.#alarm?.abort();
    this.#alarm = null;
    const left = Math.min(...this.#counted());
    // Where there are as many as there may be, only the end of one helps.
    if (this.#waiting.size === 0 || this.#begun.size >= this.#rules.most || left === Infinity) return;
    const alarm = new AbortController();
    this.#alarm = alarm;
    void this.#clock.sleep(left, alarm.signal).then(() => {
      if (!alarm.signal.aborted) this.#callNext();
    });
  }
}

function tooLong(limit: number): HttpFault {
  return new HttpFault(
    "time-limit",
    `it is so slow to answer other requests that this one was not sent within ${limit / 1000} s`,
  );
}
