/** Points in time and durations as people read them. Times are milliseconds since 1970-01-01T00:00:00Z. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A point in time in the time zone of the machine: `2026-11-22 16:40:03`. */
export function moment(time: number): string {
  return `${minuteOf(time)}:${two(new Date(time).getSeconds())}`;
}

/** A point in time without seconds: `2026-11-22 16:40`. */
export function minuteOf(time: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "an unknown time";
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** How far away a point in time is: `3 min ago`, `in 2 h 5 min`, `now`. */
export function distance(time: number, now: number): string {
  const span = time - now;
  if (Math.abs(span) < SECOND) return "now";
  return span < 0 ? `${spanOf(-span)} ago` : `in ${spanOf(span)}`;
}

/** A point in time with its distance: `2026-11-22 16:40:03 (3 min ago)`. */
export function momentAndDistance(time: number, now: number): string {
  return `${moment(time)} (${distance(time, now)})`;
}

/** A span of time in its two greatest units: `45 s`, `3 min`, `2 h 5 min`, `3 days 4 h`. */
export function spanOf(span: number): string {
  if (span < SECOND) return `${Math.round(span)} ms`;
  if (span < MINUTE) return `${Math.round(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
  if (span < DAY) return pair(span, HOUR, "h", MINUTE, "min");
  const days = Math.floor(span / DAY);
  return days < 14 ? pair(span, DAY, days === 1 ? "day" : "days", HOUR, "h") : `${days} days`;
}

/** A span of time in a table: `850ms`, `45s`, `3m12s`, `2h05m`, `3d04h`. */
export function shortSpan(span: number): string {
  const rounded = span < SECOND ? span : Math.round(span / SECOND) * SECOND;
  if (rounded < SECOND) return `${Math.max(0, Math.round(rounded))}ms`;
  if (rounded < MINUTE) return `${rounded / SECOND}s`;
  if (rounded < HOUR) return `${Math.floor(rounded / MINUTE)}m${two((rounded % MINUTE) / SECOND)}s`;
  if (rounded < DAY) return `${Math.floor(rounded / HOUR)}h${two(Math.floor((rounded % HOUR) / MINUTE))}m`;
  return `${Math.floor(rounded / DAY)}d${two(Math.floor((rounded % DAY) / HOUR))}h`;
}

/** A point in time in JSON: RFC 3339, UTC, milliseconds. */
export function jsonTime(time: number): string;
export function jsonTime(time: number | null): string | null;
export function jsonTime(time: number | null): string | null {
  if (time === null) return null;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

function pair(span: number, greater: number, name: string, lesser: number, lesserName: string): string {
  const rest = Math.floor((span % greater) / lesser);
  return `${Math.floor(span / greater)} ${name}${rest === 0 ? "" : ` ${rest} ${lesserName}`}`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
