/** Gates that are closed on certain dates. */
import { CalendarDate, parseDate, parseDateTime } from "@internationalized/date";
import { Mistake } from "../text/mistake.ts";
import type { Kind } from "./gate.ts";
import {
  DAY,
  type Interval,
  machineZone,
  momentsOf,
  readZone,
  showWallTime,
  stretches,
  wallTime,
} from "./zone.ts";

/** What a gate of the kind `blackout` has. */
export interface BlackoutTarget {
  /** When it is closed, on the wall: from `from` on, and before `to`. */
  readonly closed: readonly Interval[];
  /** The name of the time zone; null for the machine's. */
  readonly zone: string | null;
}

const EXAMPLE = 'Write it like: blackout "2026-12-20..2027-01-02, 2026-12-24T12:00..2026-12-27T06:00".';

/**
 * `blackout "DATE[..DATE], ..."`: closed on all of these days, or between these times. It holds first deployments as well:
 * nothing is to change then.
 */
export const blackout: Kind<BlackoutTarget> = {
  synopsis: 'blackout "DATE[..DATE], DATETHH:MM..DATETHH:MM, ..." [zone=ZONE]',
  about: "closed on certain dates",
  keys: ["zone"],
  read: (text, { zone }) => ({ closed: text.split(",").map(readInterval), zone: readZone(zone) }),
  open({ closed, zone: named }) {
    const zone = named ?? machineZone();
    let intervals: readonly Interval[] | null = null;
    return {
      limit: 1_000,
      ask(_question, now) {
        intervals ??= closed.map((wall) => momentsFromTo(wall, zone));
        const end = endOf(intervals, now);
        if (end === null) return Promise.resolve(null);
        return Promise.resolve({
          why: `deployments are blacked out until ${showWallTime(wallTime(end, zone))} ${zone}`,
          askAgainAt: end,
        });
      },
    };
  },
};

function readInterval(text: string): Interval {
  const [first = "", last = first, ...rest] = text.trim().split("..").map((side) => side.trim());
  if (first === "" || last === "" || rest.length > 0) {
    throw new Mistake("a part of it is neither a date nor two with '..' between them", EXAMPLE);
  }
  const [begin, end] = [readSide(first), readSide(last)];
  if (first === last && !begin.wholeDay) {
    throw new Mistake("a time alone lasts no time", "Give two, with '..' between them.");
  }
  // A day belongs to it as a whole.
  const interval = { from: begin.wall, to: end.wall + (end.wholeDay ? DAY : 0) };
  if (interval.from < interval.to) return interval;
  throw new Mistake("a part of it ends before it begins", "Give the earlier date first.");
}

function readSide(text: string): { readonly wall: number; readonly wholeDay: boolean } {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2})?$/.test(text)) {
    throw new Mistake(
      "a part of it is no date such as 2026-12-24, and no time such as 2026-12-24T12:00",
      EXAMPLE,
    );
  }
  try {
    const read = text.includes("T") ? parseDateTime(text) : parseDate(text);
    return {
      wall: Date.parse(text.includes("T") ? `${text}Z` : text),
      wholeDay: read instanceof CalendarDate,
    };
  } catch {
    throw new Mistake("there is no such date", "Check the month and the day.");
  }
}

/** From the first to the last moment at which the clock on the wall shows such a time, without a break. */
function momentsFromTo(wall: Interval, zone: string): Interval {
  const near = (time: number) => stretches(zone, time - 3 * DAY, time + 3 * DAY);
  const from = momentsOf({ from: wall.from, to: Infinity }, near(wall.from))[0]?.from ?? wall.from;
  const to = momentsOf({ from: -Infinity, to: wall.to }, near(wall.to)).at(-1)?.to ?? wall.to;
  return { from, to };
}

/** When those that are in force, and those that follow without a break, end; null where none is in force. */
function endOf(intervals: readonly Interval[], now: number): number | null {
  let end = now;
  for (;;) {
    const longer = intervals.filter(({ from, to }) => from <= end && end < to).map(({ to }) => to);
    if (longer.length === 0) return end === now ? null : end;
    end = Math.max(...longer);
  }
}
