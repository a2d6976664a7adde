/** Gates that are open at certain times of the week. */
import { closest } from "../text/closest.ts";
import { Mistake } from "../text/mistake.ts";
import type { Kind } from "./gate.ts";
import {
  DAY,
  type Interval,
  machineZone,
  momentsOf,
  readZone,
  showWallTime,
  type Stretch,
  stretches,
  wallTime,
} from "./zone.ts";

/** A window that opens on certain days of each week. */
export interface WeeklyWindow {
  /** The days on which it opens: 0 is Monday. */
  readonly days: readonly number[];
  /** Minutes on the wall since the midnight before; `to` is more than a day where it closes on the day after. */
  readonly from: number;
  readonly to: number;
}

/** What a gate of the kind `window` has. */
export interface WindowTarget {
  readonly windows: readonly WeeklyWindow[];
  /** The name of the time zone; null for the machine's. */
  readonly zone: string | null;
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
const MINUTE = 60_000;
const DAY_MINUTES = 24 * 60;
const EXAMPLE = 'Write it like: window "Mon-Fri 02:00-04:00, Sat 00:00-24:00, daily 12:00-12:30".';

/** `window "DAYS HH:MM-HH:MM, ..."`: open in any of them. A profile that is deployed for the first time may pass at once. */
export const window: Kind<WindowTarget> = {
  synopsis: 'window "DAYS HH:MM-HH:MM, ..." [zone=ZONE]',
  about: "open in weekly maintenance windows",
  keys: ["zone"],
  read: (text, { zone }) => ({ windows: text.split(",").map(readWindow), zone: readZone(zone) }),
  open({ windows, zone: named }) {
    const zone = named ?? machineZone();
    return {
      limit: 1_000,
      ask({ first }, now) {
        if (first) return Promise.resolve(null);
        const openings = openingsAround(windows, zone, now);
        if (openings.some(({ from, to }) => from <= now && now < to)) return Promise.resolve(null);
        const next = Math.min(...openings.filter(({ from }) => from > now).map(({ from }) => from));
        const wall = wallTime(next, zone);
        const when = `${DAYS[weekday(wall / DAY)]} ${showWallTime(wall).slice(-5)} ${zone}`;
        return Promise.resolve({
          why: `outside of its maintenance windows; the next one opens ${when}`,
          askAgainAt: next,
        });
      },
    };
  },
};

function readWindow(text: string): WeeklyWindow {
  const written = text.trim();
  if (written === "") throw new Mistake("one of its windows is empty", EXAMPLE);
  const [days = "", times, ...rest] = written.split(/ +/);
  if (/^[0-9]/.test(days)) {
    throw new Mistake("a window does not begin with a day", `Did you mean daily ${days.slice(0, 11)}?`);
  }
  const on = readDays(days);
  const [, from, to] = /^([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})$/.exec(times ?? "") ?? [];
  if (from === undefined || to === undefined || rest.length > 0) {
    throw new Mistake("a window is not written as days and times", EXAMPLE);
  }
  const [begin, end] = [readTime(from), readTime(to)];
  if (begin === end || begin === DAY_MINUTES) {
    throw new Mistake("a window is empty", "Write a whole day like daily 00:00-24:00.");
  }
  return { days: on, from: begin, to: end > begin ? end : end + DAY_MINUTES };
}

function readDays(text: string): number[] {
  if (text.toLowerCase() === "daily") return DAYS.map((_, day) => day);
  const [first = "", last = first, ...rest] = text.split("-");
  if (rest.length > 0) throw new Mistake("a window does not begin with a day, or two with a '-'", EXAMPLE);
  const [begin, end] = [readDay(first), readDay(last)];
  const count = (end - begin + DAYS.length) % DAYS.length + 1;
  return Array.from({ length: count }, (_, index) => (begin + index) % DAYS.length).toSorted();
}

function readDay(text: string): number {
  const names = DAYS.map((day) => day.toLowerCase());
  const day = names.indexOf(text.toLowerCase());
  if (day !== -1) return day;
  // Somebody may have written `Monday`, or `Dienstag`.
  const long = names.find((name) => text.toLowerCase().startsWith(name));
  const meant = long ?? closest(text, [...names, "daily"]);
  const shown = DAYS.find((name) => name.toLowerCase() === meant) ?? meant;
  throw new Mistake(
    "a window names no day of the week",
    shown === null ? `Give one of ${DAYS.join(", ")} and daily.` : `Did you mean ${shown}?`,
  );
}

function readTime(text: string): number {
  const [hours = NaN, minutes = NaN] = text.split(":").map(Number);
  const time = hours * 60 + minutes;
  if (minutes < 60 && time <= DAY_MINUTES) return time;
  throw new Mistake("a window has a time that no clock shows", "Give times from 00:00 to 24:00.");
}

/** The day of the week of a day that is counted from 1970-01-01, which was a Thursday. */
function weekday(day: number): number {
  return (Math.floor(day) + 3) % DAYS.length;
}

/**
 * When the windows are open, from some days before a moment to more than a week after it. The clock on the wall decides;
 * only a window all of which it skips opens when it would have opened had the clock not been put forward.
 */
function openingsAround(windows: readonly WeeklyWindow[], zone: string, now: number): Interval[] {
  // A window lasts two days at the most, and a zone has skipped a whole one.
  const even = stretches(zone, now - 5 * DAY, now + 12 * DAY);
  const today = Math.floor(wallTime(now, zone) / DAY);
  const openings: Interval[] = [];
  for (let day = today - 3; day <= today + 9; day++) {
    for (const { days, from, to } of windows) {
      if (!days.includes(weekday(day))) continue;
      const wall = { from: day * DAY + from * MINUTE, to: day * DAY + to * MINUTE };
      const moments = momentsOf(wall, even);
      openings.push(...moments.length > 0 ? moments : [shifted(wall, even)]);
    }
  }
  return openings;
}

/** When a window is open all of which is skipped: as if the clock had not been put forward. */
function shifted(wall: Interval, even: readonly Stretch[]): Interval {
  const before = even.findLast(({ to, offset }) => to + offset <= wall.from);
  const offset = before?.offset ?? 0;
  return { from: wall.from - offset, to: wall.to - offset };
}
