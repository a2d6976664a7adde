/** Lets so many at once do something, in the order in which they came; the others wait. */
import type { Clock } from "./clock.ts";

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

/** No turn came in time. */
export class NoTurn extends Error {
  override readonly name = "NoTurn";

  /** @param limit How long was waited, in milliseconds. */
  constructor(limit: number) {
    super(`no turn within ${limit} ms`);
  }
}

/** The turns at something of which there is only so much. */
export class Turns {
  readonly #clock: Clock;
  readonly #rules: TurnRules;
  readonly #begun = new Set<Turn>();
  /** Each is called with its turn, the first that came first; and how long it waits at the most. */
  #waiting = new Map<(turn: Turn) => void, number>();
  /** Ends the sleep until a turn has lasted too long to count. */
  #alarm: AbortController | null = null;

  constructor(clock: Clock, rules: TurnRules) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /**
   * Waits for a turn.
   *
   * @param limit How long to wait at the most, in milliseconds; infinite for as long as it takes.
   * @param signal Gives up. Its reason is then thrown as it is.
   * @param first Whether it goes before those that wait already.
   * @returns Ends the turn; to be called once.
   * @throws {NoTurn} None came in time.
   */
  async take(limit: number, signal: AbortSignal, first = false): Promise<() => void> {
    signal.throwIfAborted();
    const turn = this.full ? await this.#wait(limit, signal, first) : this.#begin(limit);
    return () => {
      this.#begun.delete(turn);
      this.#callNext();
    };
  }

  /** Whether whoever comes now has to wait. */
  get full(): boolean {
    return this.#waiting.size > 0 || !this.#hasRoom(this.#clock.monotonic());
  }

  /** Looks who may begin, since the rules have changed. */
  look(): void {
    this.#callNext();
  }

  async #wait(limit: number, signal: AbortSignal, first: boolean): Promise<Turn> {
    const { promise, resolve, reject } = Promise.withResolvers<Turn>();
    const over = new AbortController();
    const leave = (reason: unknown) => {
      this.#waiting.delete(resolve);
      reject(reason);
    };
    const giveUp = () => leave(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    if (first) this.#waiting = new Map([[resolve, limit], ...this.#waiting]);
    else this.#waiting.set(resolve, limit);
    if (limit !== Infinity) {
      void this.#clock.sleep(limit, over.signal).then(() => {
        if (!over.signal.aborted) leave(new NoTurn(limit));
      });
    }
    // A turn may have ceased to count just now, before the alarm of that has been heard.
    this.#callNext();
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

  #hasRoom(now: number): boolean {
    return this.#begun.size < this.#rules.most && this.#counted(now).length < this.#rules.width();
  }

  /** When each of the turns that count ceases to, from now on in milliseconds. */
  #counted(now: number): number[] {
    const most = this.#rules.patience();
    return Array.from(this.#begun, ({ since, patience }) => since + Math.min(patience, most) - now)
      .filter((left) => left > 0);
  }

  #callNext() {
    // One moment for all of it: a turn that ceased to count after it was looked at here and before the alarm is set would be
    // missed by both.
    const now = this.#clock.monotonic();
    for (const [call, limit] of this.#waiting) {
      if (!this.#hasRoom(now)) break;
      this.#waiting.delete(call);
      call(this.#begin(limit));
    }
    this.#watch(now);
  }

  /** Looks again when the next turn does not count any more, if anybody waits. */
  #watch(now: number) {
    this.#alarm?.abort();
    this.#alarm = null;
    const left = Math.min(...this.#counted(now));
    // Where there are as many as there may be, only the end of one helps.
    if (this.#waiting.size === 0 || this.#begun.size >= this.#rules.most || left === Infinity) return;
    const alarm = new AbortController();
    this.#alarm = alarm;
    void this.#clock.sleep(left, alarm.signal).then(() => {
      if (!alarm.signal.aborted) this.#callNext();
    });
  }
}
