/**
 * What chance makes of polls whose places within the period are independent of each other, as those of hosts are that know
 * nothing of each other.
 *
 * @module
 */

/** A fleet whose hosts poll once in a period, each at a random place of it. */
export interface Fleet {
  readonly hosts: number;
  /** Into how many spans of time the period is divided. */
  readonly bins: number;
}

/** Random numbers in [0, 1), always the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Draws fleets, and tells of each how many polls are in the fullest span, over their mean; the lowest first.
 *
 * @param jitter Each poll comes up to so many spans later, newly drawn at each; the fullest span of so many periods counts.
 * Without it one period is as the other.
 */
export function drawPeaks(
  { hosts, bins, fleets, random, jitter }: Fleet & {
    readonly fleets: number;
    readonly random: () => number;
    readonly jitter?: { readonly periods: number; readonly width: number };
  },
): readonly number[] {
  const phases = new Float64Array(hosts);
  const counts = new Uint32Array(bins);
  const peaks = Array.from({ length: fleets }, () => {
    for (let host = 0; host < hosts; host++) phases[host] = random() * bins;
    let most = 0;
    for (let period = 0; period < (jitter?.periods ?? 1); period++) {
      counts.fill(0);
      for (const phase of phases) {
        const place = jitter === undefined ? phase : phase + jitter.width * random();
        const bin = Math.floor(place) % bins;
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
      most = Math.max(most, ...counts);
    }
    return most * bins / hosts;
  });
  return peaks.toSorted((one, other) => one - other);
}

/** The value below which such a share of sorted values lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/**
 * The probability that no span of a fleet's period has more than `most` times the mean. Each span alone holds Poisson's
 * number of polls, and they are all but independent of each other.
 */
export function chanceOfPeak({ hosts, bins, most }: Fleet & { readonly most: number }): number {
  const mean = hosts / bins;
  let sum = 0;
  // The logarithm of the probability of so many polls: the probability of none is too small for a number.
  let logarithm = -mean;
  for (let count = 0; count <= mean * most; count++) {
    if (count > 0) logarithm += Math.log(mean / count);
    sum += Math.exp(logarithm);
  }
  return sum ** bins;
}
