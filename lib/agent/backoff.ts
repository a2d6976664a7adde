/**
 * How long to wait before the next try when the last one failed. Pure: the caller brings the random number.
 */
import { untilNextPoll, untilTurn } from "./phase.ts";

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
 * The delay before the next try, in whole milliseconds.
 *
 * It aims at {@linkcode BASE_DELAY}, doubled with each further failure, up to the period and at most
 * {@linkcode LONGEST_DELAY}. Of that aim the delay is between one half and all, so that hosts that failed
 * together do not come back together. A Retry-After is a floor, counted up to
 * {@linkcode LONGEST_RETRY_AFTER}. The delay is never less than {@linkcode SHORTEST_DELAY}.
 */
export function nextDelay({ failures, period, retryAfter, random }: BackoffFacts): number {
  const aim = Math.min(aimAfter(failures), period, LONGEST_DELAY);
  const spread = aim / 2 * (1 + random);
  return Math.ceil(Math.max(spread, countedOf(retryAfter), SHORTEST_DELAY));
}

function aimAfter(failures: number): number {
  return BASE_DELAY * FACTOR ** (Math.max(1, failures) - 1);
}

/** What a Retry-After counts as; 0 for none. */
function countedOf(retryAfter: number | undefined): number {
  // Asked this way round, NaN is no request either.
  return retryAfter !== undefined && retryAfter > 0 ? Math.min(retryAfter, LONGEST_RETRY_AFTER) : 0;
}

/** What {@linkcode untilRetry} decides by. All times are milliseconds. */
export interface FailedPollFacts extends BackoffFacts {
  /** The wall clock. */
  readonly now: number;
  /** The place within the period, see `phaseOf`. */
  readonly phase: number;
  /** Whether Hydra was asked and could not answer: all hosts of a fleet find that out within one period. */
  readonly hydraIsDown: boolean;
}

/** How many polls in a row may fail for a Hydra that is down before the next one waits for its turn. */
const QUICK_RETRIES = 1;

/**
 * The delay before the next poll when the last one failed, in whole milliseconds.
 *
 * It is {@linkcode nextDelay}, up to the period, or to the largest part of it (a half, a third, ...) that is no longer than
 * {@linkcode LONGEST_DELAY}; from there on the host polls at its turn within that time, as one that does not fail. When Hydra is
 * down only the first retry is sooner: hosts that each tried again and again at first would together ask seven times as often as
 * before, of a server that may be down for too many requests, and all that at once when it is back. A Retry-After, which may be a
 * date that is the same for all, is waited out, and the turn that follows it.
 */
export function untilRetry(facts: FailedPollFacts): number {
  const { failures, now, retryAfter, random, hydraIsDown } = facts;
  // A whole part of the period: in a longer or shorter one some of the turns would be closer together than others.
  const period = facts.period / Math.ceil(facts.period / LONGEST_DELAY);
  const turn = { now, period, phase: facts.phase % period };
  const asked = countedOf(retryAfter);
  if (asked > 0) return Math.ceil(untilTurn(turn, Math.max(asked, SHORTEST_DELAY)));
  if (hydraIsDown && failures > QUICK_RETRIES) return Math.ceil(untilTurn(turn, SHORTEST_DELAY));
  if (aimAfter(failures) < period) return nextDelay({ failures, period, random });
  return Math.ceil(Math.max(untilNextPoll(turn), SHORTEST_DELAY));
}
