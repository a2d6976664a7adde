/** Durations as people write them: `90`, `0.5`, `30s`, `5m`, `1h30m`, `2d`. */
import { Failure } from "../failure/failure.ts";

/** The units, longest first, in milliseconds. */
const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
type Unit = keyof typeof UNITS;
const ORDER = Object.keys(UNITS) as Unit[];

/** What is taken for a mistake in writing a unit, only so that the message can offer the right one. */
const SLIPS: readonly [RegExp, Unit][] = [
  [/^(d|days?)$/i, "d"],
  [/^(h|hrs?|hours?)$/i, "h"],
  [/^(m|mins?|minutes?)$/i, "m"],
  [/^(s|secs?|seconds?)$/i, "s"],
  [/^(ms|msecs?|milliseconds?)$/i, "ms"],
];

const SHORTEST = 1_000;
const LONGEST = 7 * UNITS.d;
const SHOWN_MAX = 40;

/** How {@linkcode parseDuration} reads. */
export interface DurationOptions {
  /** The unit of a number that has none. */
  readonly bareUnit: Unit;
  /**
   * What the duration is, for the message of a failure, e.g. `--poll-period`.
   *
   * @default "duration"
   */
  readonly what?: string;
  /**
   * The shortest, in milliseconds.
   *
   * @default {1000}
   */
  readonly least?: number;
  /**
   * The longest, in milliseconds.
   *
   * @default {604800000}
   */
  readonly most?: number;
}

/**
 * Reads a duration: a number, or numbers with a unit each, the longer unit first and no unit twice: `500ms`,
 * `30s`, `1.5h`, `1h30m`. Only the last number may have a fraction. It is rounded to a whole millisecond.
 *
 * @returns The duration in milliseconds.
 * @throws {Failure} `usage` with a suggestion, if the text is no such duration, or if it is shorter than `least`
 * or longer than `most`.
 */
export function parseDuration(
  text: string,
  { bareUnit, what = "duration", least = SHORTEST, most = LONGEST }: DurationOptions,
): number {
  const refuse = (why: string, next: string): never => {
    const clean = text.replace(/[^\x20-\x7e]/g, "?");
    const shown = clean.length > SHOWN_MAX ? `${clean.slice(0, SHOWN_MAX)}...` : clean;
    throw new Failure("usage", { what: `${what} '${shown}'`, why, next });
  };
  const sum = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) * UNITS[bareUnit] : sumOf(text);
  if (sum === null) return refuse("it is not a duration", suggestion(text, bareUnit));
  if (sum < least) {
    const why = least === SHORTEST ? "shorter than 1 second" : "too short";
    return refuse(`it is ${sum === 0 ? "zero" : why}`, `Give at least ${formatDuration(least)}.`);
  }
  if (sum > most) {
    const why = most === LONGEST ? "longer than 7 days" : "too long";
    return refuse(`it is ${why}`, `Give at most ${formatDuration(most)}.`);
  }
  return Math.round(sum);
}

/**
 * Writes a duration as {@linkcode parseDuration} reads it, without units that are zero: `5m`, `1h30m`,
 * `12.3s`, `500ms`. It is rounded to a whole millisecond; a negative one has a `-` in front, as when the wall
 * clock jumped.
 *
 * @param duration A duration in milliseconds.
 */
export function formatDuration(duration: number): string {
  if (!Number.isFinite(duration)) return String(duration);
  let left = Math.round(Math.abs(duration));
  if (left === 0) return "0s";
  const sign = duration < 0 ? "-" : "";
  if (left < UNITS.s) return `${sign}${left}ms`;
  let text = sign;
  for (const unit of ["d", "h", "m"] as const) {
    const count = Math.floor(left / UNITS[unit]);
    if (count > 0) text += `${count}${unit}`;
    left -= count * UNITS[unit];
  }
  return left === 0 ? text : `${text}${left / UNITS.s}s`;
}

/** The sum of numbers with a unit each, or `null` if the text is something else. */
function sumOf(text: string): number | null {
  const terms = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(d|h|ms|m|s)/gy)];
  if (terms.length === 0 || terms.map(([term]) => term).join("") !== text) return null;
  let sum = 0;
  let before = -1;
  for (const [index, [, number = "", unit = ""]] of terms.entries()) {
    const place = ORDER.indexOf(unit as Unit);
    if (place <= before || (number.includes(".") && index < terms.length - 1)) return null;
    sum += Number(number) * UNITS[unit as Unit];
    before = place;
  }
  return sum;
}

function suggestion(text: string, bareUnit: Unit): string {
  const [, number = "", unit = ""] = /^\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
  const [, meant] = SLIPS.find(([slip]) => slip.test(unit)) ?? [];
  if (number !== "" && (unit === "" || meant !== undefined)) {
    return `Did you mean ${number}${meant ?? bareUnit}?`;
  }
  const names = { d: "days", h: "hours", m: "minutes", s: "seconds", ms: "milliseconds" };
  return `Write it like 30s, 5m, 1h30m or 2d; a bare number is ${names[bareUnit]}.`;
}
