/**
 * Time zones, and which moments a clock on the wall shows a time at. A time on the wall is a number here, too: the
 * milliseconds from 1970-01-01T00:00 on the same wall, as if every day had 24 hours.
 */
import { fromAbsolute } from "@internationalized/date";
import { closest } from "../text/closest.ts";
import { Mistake } from "../text/mistake.ts";

/** An hour and a day on the wall, in milliseconds. */
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** A time in which the clocks of a zone run evenly: it begins at `from` and ends before `to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** What is to be added to a moment to get the time on the wall, in milliseconds. */
  readonly offset: number;
}

/** The moments from `from` on and before `to`. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads the value of the key `zone=`.
 *
 * @returns The name of the zone; null where none is given: the machine's.
 * @throws {Mistake} There is no such zone.
 */
export function readZone(text: string | undefined): string | null {
  if (text === undefined) return null;
  // `Intl` takes offsets as well, which know no daylight saving.
  const zone = /^[A-Za-z]/.test(text) ? canonical(text) : null;
  if (zone !== null) return zone;
  const names = Intl.supportedValuesOf("timeZone");
  const meant = closest(text, names.map((name) => name.toLowerCase()));
  const name = names.find((one) => one.toLowerCase() === meant);
  throw new Mistake(
    "zone= names no time zone",
    name === undefined ? "Give a name such as Europe/Berlin or UTC." : `Did you mean zone=${name}?`,
  );
}

/**
 * The zone that the machine is set to: `TZ`, or `/etc/localtime`, as they were when hail was started; UTC where that is no
 * zone with a name.
 */
export function machineZone(): string {
  return canonical(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? "UTC";
}

/** The name of a zone in its proper case; null for what is no zone. */
function canonical(name: string): string | null {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** What a clock on the wall shows at a moment. */
export function wallTime(moment: number, zone: string): number {
  return moment + fromAbsolute(moment, zone).offset;
}

/** So close together no zone changes its clocks twice. */
const STEP = 12 * HOUR;

/** The stretches from `from` to `to`, which follow each other without a gap. At least one; `from` is before `to`. */
export function stretches(zone: string, from: number, to: number): Stretch[] {
  const offsetAt = (moment: number) => fromAbsolute(moment, zone).offset;
  const found: Stretch[] = [];
  let begin = from;
  let offset = offsetAt(from);
  for (let at = from; at < to; at += STEP) {
    const next = offsetAt(at + STEP);
    if (next === offset) continue;
    // To the millisecond: the first moment that has the new offset.
    let [before, after] = [at, at + STEP];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (offsetAt(middle) === offset) before = middle;
      else after = middle;
    }
    if (after >= to) break;
    found.push({ from: begin, to: after, offset });
    [begin, offset] = [after, next];
  }
  return [...found, { from: begin, to, offset }];
}

/**
 * The moments at which a clock on the wall shows a time from `wall.from` on and before `wall.to`, stretch by stretch: none
 * where all of it is skipped, several where the clock is put back into it.
 */
export function momentsOf(wall: Interval, stretches: readonly Stretch[]): Interval[] {
  return stretches
    .map(({ from, to, offset }) => ({
      from: Math.max(from, wall.from - offset),
      to: Math.min(to, wall.to - offset),
    }))
    .filter(({ from, to }) => from < to);
}

/** A time on the wall for people: `2026-12-24 12:00`. */
export function showWallTime(wall: number): string {
  return new Date(wall).toISOString().slice(0, 16).replace("T", " ");
}
