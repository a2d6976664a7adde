/** How often something may happen. */
export interface Rate {
  /** So many times at once. */
  readonly burst: number;
  /** And then so many times a second. */
  readonly perSecond: number;
}

interface Bucket {
  /** What was left at that moment. */
  readonly tokens: number;
  /** In milliseconds, of a clock that never jumps. */
  readonly at: number;
}

/** What all share that there is no room for. No name and no address is empty. */
const OTHERS = "";

/** Limits how often something happens, for each of many keys by itself. What it remembers is bounded. */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #capacity: number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param capacity How many keys have a bucket of their own; if more are limited at once, the rest shares one. */
  constructor(rate: Rate, capacity: number) {
    this.#rate = rate;
    this.#capacity = capacity;
  }

  /**
   * How long until it may happen again, in milliseconds; zero for now.
   *
   * @param now In milliseconds, of a clock that never jumps.
   */
  wait(key: string, now: number): number {
    const missing = 1 - this.#tokens(this.#place(key, now), now);
    return missing <= 0 ? 0 : missing / this.#rate.perSecond * 1000;
  }

  /** It has happened. */
  take(key: string, now: number): void {
    const place = this.#place(key, now);
    this.#buckets.set(place, { tokens: Math.max(0, this.#tokens(place, now) - 1), at: now });
  }

  #tokens(place: string, now: number): number {
    const bucket = this.#buckets.get(place);
    if (bucket === undefined) return this.#rate.burst;
    return Math.min(this.#rate.burst, bucket.tokens + (now - bucket.at) / 1000 * this.#rate.perSecond);
  }

  #place(key: string, now: number): string {
    if (this.#buckets.has(key) || this.#buckets.size < this.#capacity) return key;
    // A full bucket is as good as none.
    for (const place of this.#buckets.keys()) {
      if (this.#tokens(place, now) >= this.#rate.burst) this.#buckets.delete(place);
    }
    return this.#buckets.size < this.#capacity ? key : OTHERS;
  }
}
