import { Failure } from "../failure/failure.ts";
import { withoutUserInfo } from "../report/user_info.ts";

/**
 * Reads a point in time that is to come, as people write it:
 *
 * - `HH:MM`: the next time that the clock shows it, in the time zone of the machine;
 * - `YYYY-MM-DD HH:MM`, also with seconds or with `T` in place of the blank: likewise;
 * - RFC 3339 with a time zone: `2026-01-05T08:00:00Z`, `2026-01-05 08:00:00+01:00`.
 *
 * @param now In milliseconds since 1970.
 * @returns In milliseconds since 1970.
 * @throws {Failure} `usage`: it is no such point in time, there is no such day or hour, or it has passed.
 */
export function parsePointInTime(text: string, now: number): number {
  const refuse = (why: string, next: string) =>
    new Failure("usage", { what: JSON.stringify(withoutUserInfo(text).slice(0, 60)), why, next });
  const time = readClockTime(text, now) ?? readDate(text);
  if (time === null) {
    throw refuse(
      "it is no point in time",
      'Write it like 18:30, "2026-01-05 08:00" or 2026-01-05T08:00:00Z.',
    );
  }
  if (time <= now) throw refuse("it has passed", "Give a point in time that is to come.");
  return time;
}

function readClockTime(text: string, now: number): number | null {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) return null;
  const today = new Date(now);
  today.setHours(Number(hour), Number(minute), 0, 0);
  if (today.getTime() > now) return today.getTime();
  // The calendar's next day, which may be 23 or 25 hours away.
  today.setDate(today.getDate() + 1);
  today.setHours(Number(hour), Number(minute), 0, 0);
  return today.getTime();
}

function readDate(text: string): number | null {
  const [, year, month, day, hour, minute, second = "00", fraction = "", zone] =
    /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(?: ?([Zz]|[+-]\d{2}:\d{2}))?$/
      .exec(text) ?? [];
  if (year === undefined) return null;
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  // The date itself must exist: Date would take the 31st of February for the 3rd of March.
  if (!exists(written)) return null;
  const time = new Date(`${written}${fraction.slice(0, 4)}${zone?.toUpperCase() ?? ""}`).getTime();
  return Number.isNaN(time) ? null : time;
}

function exists(written: string): boolean {
  const date = new Date(`${written}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(written);
}
