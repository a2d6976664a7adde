/** How far the time stamp of a request may be from the time of this host, in seconds. */
export const WINDOW = 300;

/**
 * Remembers which signatures were used, for as long as their time stamps are good. Times are of the wall clock, which
 * may jump: what was forgotten once is not good again when the clock goes back.
 */
export class UsedSignatures {
  readonly #capacity: number;
  /** The time stamps, in seconds, by signature. */
  readonly #used = new Map<string, number>();
  /** The newest time stamp of those that were forgotten. */
  #forgotten = -Infinity;
  #sweepAt = 0;

  /** @param capacity How many are remembered at the most; none is forgotten to make room for another. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * Whether a time stamp is good.
   *
   * @param timestamp In seconds.
   * @param now In milliseconds.
   */
  isTimely(timestamp: number, now: number): boolean {
    return Math.abs(now / 1000 - timestamp) <= WINDOW && timestamp > this.#forgotten;
  }

  has(signature: string): boolean {
    return this.#used.has(signature);
  }

  /** Remembers a signature. False: there is no room, and the request must be refused. */
  add(signature: string, timestamp: number, now: number): boolean {
    if (this.#used.size >= Math.min(this.#sweepAt, this.#capacity)) this.#sweep(now);
    if (this.#used.size >= this.#capacity) return false;
    this.#used.set(signature, timestamp);
    return true;
  }

  #sweep(now: number): void {
    for (const [signature, timestamp] of this.#used) {
      if (now / 1000 - timestamp <= WINDOW) continue;
      this.#used.delete(signature);
      this.#forgotten = Math.max(this.#forgotten, timestamp);
    }
    // Not at each one, or a thousand of them would be gone through a thousand times.
    this.#sweepAt = Math.max(64, this.#used.size * 2);
  }
}
