/**
 * When hosts poll: each at its own place within the period, so that a fleet that was started together does
 * not ask Hydra together.
 */

/** Parts the hashed fields, and keeps this hash apart from any other use of a machine id. */
const PURPOSE = "hail: phase of the poll";

/** The polls of a machine's profiles come together within this time, in milliseconds, */
const STEP = 1_000;
/** or within this part of a short period. */
const STEPS = 60;

/**
 * The place of a profile's polls within the period: a whole number of milliseconds in [0, `period`), the same
 * at every start, and evenly spread over machines and profiles.
 *
 * The period has steps of a second. Of each profile it is a hash that says which step, and of each machine where within the
 * step: so what wakes a machine wakes it once a second at most, which takes half the processor time of polls that come one
 * by one, and machines are spread as evenly as without steps.
 *
 * It is taken from SHA-256, since machine-id(5) asks that the id itself be kept from leaving the machine:
 * from the phase it cannot be told.
 *
 * @param machineId What identifies the machine, e.g. the content of `/etc/machine-id`.
 * @param profile The profile, since one machine may follow many jobs of one Hydra.
 * @param period The poll period in whole milliseconds, at least 1.
 */
export async function phaseOf(machineId: string, profile: string, period: number): Promise<number> {
  const steps = Math.max(STEPS, Math.ceil(period / STEP));
  const step = Math.floor(await fractionOf(machineId, profile) * steps);
  const place = Math.floor((step + await fractionOf(machineId)) * period / steps);
  // A sum that is all but the next step may be rounded to it.
  return Math.min(place, period - 1);
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
