/**
 * When hosts poll: each at its own place within the period, so that a fleet that was started together does
 * not ask Hydra together.
 */

/** Parts the hashed fields, and keeps this hash apart from any other use of a machine id. */
const PURPOSE = "hail: phase of the poll";

/** The polls of a host's profiles come together within this time, in milliseconds, */
const STEP = 1_000;
/** or within this part of a short period. */
const STEPS = 60;

/**
 * The golden section. Of its multiples each lands in one of the largest gaps that those before it have left on the circle, so
 * that however many there are, they are evenly spread (Knuth, The Art of Computer Programming, section 6.4, theorem S).
 */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** What tells a host from the others of its fleet. */
export interface Host {
  /** What identifies the machine, e.g. the content of `/etc/machine-id`. */
  readonly machineId: string;
  /** Its number in the fleet, where it has been given one: a whole number from 0 on. */
  readonly number: number | null;
}

/**
 * The place of a profile's polls within the period: a whole number of milliseconds in [0, `period`), the same
 * at every start, and spread over hosts and profiles.
 *
 * Each host has a place of its own. That of a host without a number is a hash of its machine id, so many of them are spread
 * as chance would spread them; those of hosts that are numbered without gaps are evenly spread. The profiles of a host follow
 * at whole steps of a second, of which a hash says which: so what wakes a host wakes it once a second at most, which takes
 * half the processor time of polls that come one by one.
 *
 * The hash is SHA-256, since machine-id(5) asks that the id itself be kept from leaving the machine: from the phase it
 * cannot be told.
 *
 * @param profile The profile, since one host may follow many jobs of one Hydra.
 * @param period The poll period in whole milliseconds, at least 1.
 */
export async function phaseOf({ machineId, number }: Host, profile: string, period: number): Promise<number> {
  const steps = Math.max(STEPS, Math.ceil(period / STEP));
  const step = Math.floor(await fractionOf("profile", profile) * steps);
  const place = number === null ? await fractionOf("machine", machineId) : number * GOLDEN % 1;
  return (Math.floor(place * period) + Math.floor(step * period / steps)) % period;
}

/** A number in [0, 1), evenly spread over what is hashed. */
async function fractionOf(...fields: readonly string[]): Promise<number> {
  const text = new TextEncoder().encode([PURPOSE, ...fields].join("\0"));
  const hash = new DataView(await crypto.subtle.digest("SHA-256", text));
  // 48 bits are exact as a number and leave no bias that matters: the longest period has 30.
  return (hash.getUint16(0) * 2 ** 32 + hash.getUint32(2)) / 2 ** 48;
}

/** What {@linkcode untilNextPoll} decides by. All times are whole milliseconds. */
export interface PollFacts {
  /** The wall clock. */
  readonly now: number;
  /** The poll period, at least 1. */
  readonly period: number;
  /** The place within the period, in [0, `period`), see {@linkcode phaseOf}. */
  readonly phase: number;
}

/**
 * How long to wait from `now` for the next poll, in milliseconds: until the first moment of the wall clock
 * that is at the phase and at least half a period away. So it is between half a period and one and a half,
 * and a period from the second wait on.
 */
export function untilNextPoll({ now, period, phase }: PollFacts): number {
  return untilTurn({ now, period, phase }, Math.ceil(period / 2));
}

/**
 * How long to wait from `now` for the first moment of the wall clock that is at the phase and at least `soonest`
 * milliseconds away: less than a period more.
 */
export function untilTurn({ now, period, phase }: PollFacts, soonest: number): number {
  const beyond = (phase - now - soonest) % period;
  return soonest + (beyond < 0 ? beyond + period : beyond);
}
