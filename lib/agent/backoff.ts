/**
 * How long to wait before the next poll when the last one failed. Pure: the caller brings the random number.
 */

/**
 * The delay aimed at after a first failure: long enough for a web server that restarts, short for an
 * operator.
 */
export const BASE_DELAY = 5_000;

/** The delay aimed at is never longer, however long the period is: a Hydra that is back should be noticed. */
export const LONGEST_DELAY = 15 * 60_000;

/** A longer Retry-After is taken for a mistake and counts as this much. */
export const LONGEST_RETRY_AFTER = 60 * 60_000;

/** No failure is answered sooner, whatever the period is. */
export const SHORTEST_DELAY = 1_000;

const FACTOR = 2;

/** What {@linkcode nextDelay} decides by. All times are milliseconds. */
export interface BackoffFacts {
  /** How many polls in a row have failed: 1 after the first failure. Less counts as 1. */
  readonly failures: number;
  /** The poll period. */
  readonly period: number;
  /** How long the other side asked to be left alone, if it did. */
  readonly retryAfter?: number | undefined;
  /** A uniformly random number in [0, 1), as from `Math.random()`. */
  readonly random: number;
}

/**
 * The delay before the next poll, in whole milliseconds.
 *
 * It aims at {@linkcode BASE_DELAY}, doubled with each further failure, up to the period and at most
 * {@linkcode LONGEST_DELAY}. Of that aim the delay is between one half and all, so that hosts that failed
 * together do not come back together. A Retry-After is a floor, counted up to
 * {@linkcode LONGEST_RETRY_AFTER}. The delay is never less than {@linkcode SHORTEST_DELAY}.
 */
export function nextDelay({ failures, period, retryAfter, random }: BackoffFacts): number {
  const steps = Math.max(1, failures) - 1;
  const aim = Math.min(BASE_DELAY * FACTOR ** steps, period, LONGEST_DELAY);
  const spread = aim / 2 * (1 + random);
  // Asked this way round, NaN is no request either.
  const asked = retryAfter !== undefined && retryAfter > 0 ? Math.min(retryAfter, LONGEST_RETRY_AFTER) : 0;
  return Math.ceil(Math.max(spread, asked, SHORTEST_DELAY));
}
