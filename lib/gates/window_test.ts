import assert from "node:assert/strict";
import fc from "fast-check";
import { asker, question } from "../../tests/support/gate_world.ts";

const MINUTE = 60_000;
const HALF_HOUR = 30 * MINUTE;
const DAY = 24 * 60 * MINUTE;
const NAMES = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const iso = (time: number | null | undefined) =>
  time === null || time === undefined ? time : new Date(time).toISOString().replace(":00.000Z", "Z");

/** `open`, or when the gate opens next. */
async function look(text: string, at: string): Promise<string> {
  const shut = await asker(text)(at);
  return shut === null ? "open" : String(iso(shut.askAgainAt));
}

Deno.test("window: it is open from its first minute until before its last, on its days", async () => {
  // 2026-06-01 is a Monday.
  const rows: [text: string, at: string, expected: string][] = [
    ['window "Mon 02:00-04:00" zone=UTC', "2026-06-01T01:59:59.999Z", "2026-06-01T02:00Z"],
    ['window "Mon 02:00-04:00" zone=UTC', "2026-06-01T02:00:00Z", "open"],
    ['window "Mon 02:00-04:00" zone=UTC', "2026-06-01T03:59:59.999Z", "open"],
    ['window "Mon 02:00-04:00" zone=UTC', "2026-06-01T04:00:00Z", "2026-06-08T02:00Z"],
    ['window "Mon-Fri 02:00-04:00" zone=UTC', "2026-06-05T04:00:00Z", "2026-06-08T02:00Z"],
    ['window "Sat-Mon 02:00-04:00" zone=UTC', "2026-06-01T03:00:00Z", "open"],
    ['window "Sat-Mon 02:00-04:00" zone=UTC', "2026-06-02T03:00:00Z", "2026-06-06T02:00Z"],
    ['window "Fri 22:00-02:00" zone=UTC', "2026-06-06T01:59:00Z", "open"],
    ['window "Fri 22:00-02:00" zone=UTC', "2026-06-05T01:59:00Z", "2026-06-05T22:00Z"],
    ['window "Fri 22:00-00:00" zone=UTC', "2026-06-05T23:59:00Z", "open"],
    ['window "Fri 22:00-00:00" zone=UTC', "2026-06-06T00:00:00Z", "2026-06-12T22:00Z"],
    ['window "Sat 00:00-24:00" zone=UTC', "2026-06-06T23:59:00Z", "open"],
    ['window "Sat 00:00-24:00" zone=UTC', "2026-06-07T00:00:00Z", "2026-06-13T00:00Z"],
    ['window "Mon 02:00-04:00, daily 12:00-12:30" zone=UTC', "2026-06-01T11:00:00Z", "2026-06-01T12:00Z"],
    ['window "mon 02:00-04:00,DAILY 12:00-12:30" zone=utc', "2026-06-01T12:29:00Z", "open"],
    ['window "daily 00:00-24:00" zone=UTC', "2026-06-03T00:00:00Z", "open"],
    ['window "Mon 02:00-04:00" zone=Europe/Berlin', "2026-06-01T00:00:00Z", "open"],
    ['window "Mon 02:00-04:00" zone=America/New_York', "2026-06-01T05:59:00Z", "2026-06-01T06:00Z"],
    // In Apia it is Monday while it is Sunday in Greenwich.
    ['window "Mon 02:00-04:00" zone=Pacific/Apia', "2026-05-31T13:00:00Z", "open"],
  ];
  for (const [text, at, expected] of rows) assert.equal(await look(text, at), expected, `${text} at ${at}`);
});

Deno.test("window: where clocks are put forward or back, the clock on the wall decides", async () => {
  const rows: [text: string, at: string, expected: string][] = [
    // Berlin skips 02:00 to 03:00 on 2026-03-29, at 01:00Z.
    ['window "Sun 01:00-02:30" zone=Europe/Berlin', "2026-03-29T00:59:00Z", "open"],
    ['window "Sun 01:00-02:30" zone=Europe/Berlin', "2026-03-29T01:00:00Z", "2026-04-04T23:00Z"],
    ['window "Sun 02:30-04:00" zone=Europe/Berlin', "2026-03-29T00:59:00Z", "2026-03-29T01:00Z"],
    ['window "Sun 02:30-04:00" zone=Europe/Berlin', "2026-03-29T02:00:00Z", "2026-04-05T00:30Z"],
    // All of it is skipped: it opens when it would have without the change, which is an hour later on the wall.
    ['window "Sun 02:15-02:45" zone=Europe/Berlin', "2026-03-29T00:00:00Z", "2026-03-29T01:15Z"],
    ['window "Sun 02:15-02:45" zone=Europe/Berlin', "2026-03-29T01:44:00Z", "open"],
    ['window "Sun 02:15-02:45" zone=Europe/Berlin', "2026-03-29T01:45:00Z", "2026-04-05T00:15Z"],
    ['window "Sun 02:00-03:00" zone=Europe/Berlin', "2026-03-29T00:00:00Z", "2026-03-29T01:00Z"],
    ['window "Sun 02:00-03:00" zone=Europe/Berlin', "2026-03-29T01:59:00Z", "open"],
    // 02:00 to 03:00 comes twice on 2026-10-25, at 00:00Z and at 01:00Z.
    ['window "Sun 02:00-03:00" zone=Europe/Berlin', "2026-10-25T00:00:00Z", "open"],
    ['window "Sun 02:00-03:00" zone=Europe/Berlin', "2026-10-25T01:59:00Z", "open"],
    ['window "Sun 02:00-02:30" zone=Europe/Berlin', "2026-10-25T00:30:00Z", "2026-10-25T01:00Z"],
    ['window "Sun 02:00-02:30" zone=Europe/Berlin', "2026-10-25T01:29:00Z", "open"],
    ['window "Sun 02:30-04:00" zone=Europe/Berlin', "2026-10-25T01:00:00Z", "2026-10-25T01:30Z"],
    // New York: 02:00 to 03:00 is skipped on 2026-03-08 at 07:00Z, 01:00 to 02:00 comes twice on 2026-11-01 from 05:00Z on.
    ['window "Sun 02:00-03:00" zone=America/New_York', "2026-03-08T06:00:00Z", "2026-03-08T07:00Z"],
    ['window "Sun 01:00-01:30" zone=America/New_York', "2026-11-01T05:30:00Z", "2026-11-01T06:00Z"],
    // Lord Howe has half an hour: 02:00 to 02:30 is skipped on 2026-10-04 at 15:30Z, 01:30 to 02:00 comes twice on 2026-04-05.
    ['window "Sun 02:00-02:20" zone=Australia/Lord_Howe', "2026-10-03T15:00:00Z", "2026-10-03T15:30Z"],
    ['window "Sun 02:00-02:20" zone=Australia/Lord_Howe', "2026-10-03T15:50:00Z", "2026-10-10T15:00Z"],
    ['window "Sun 01:30-01:40" zone=Australia/Lord_Howe', "2026-04-04T14:40:00Z", "2026-04-04T15:00Z"],
    // Samoa had no 2011-12-30.
    ['window "Fri 02:00-04:00" zone=Pacific/Apia', "2011-12-30T09:59:00Z", "2011-12-30T12:00Z"],
    ['window "Thu 22:00-02:00" zone=Pacific/Apia', "2011-12-30T10:00:00Z", "2012-01-05T08:00Z"],
  ];
  for (const [text, at, expected] of rows) assert.equal(await look(text, at), expected, `${text} at ${at}`);
});

Deno.test("window: the reason says when the next one opens, and where that time is shown", async () => {
  const shut = await asker('window "Mon-Fri 02:00-04:00" zone=Europe/Berlin')("2026-06-05T12:00:00Z");
  assert.equal(shut?.why, "outside of its maintenance windows; the next one opens Mon 02:00 Europe/Berlin");
});

Deno.test("window: a first deployment passes", async () => {
  const ask = asker('window "Mon 02:00-04:00" zone=UTC');
  assert.equal(await ask("2026-06-05T12:00:00Z", question({ first: true })), null);
});

/**
 * What a clock on the wall shows at each minute of some days: asked of `Intl` itself, and not as the gate does. All zones
 * of these tests change their clocks at a full or a half hour.
 */
function wallClock(zone: string, from: number, to: number): (minute: number) => number {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" },
    hourCycle: "h23",
  });
  const shown = new Map<number, number>();
  for (let moment = from; moment < to; moment += HALF_HOUR) {
    const parts = Object.fromEntries(
      format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = NaN, month = NaN, day = NaN, hour = NaN, minute = NaN } = parts;
    shown.set(moment, Date.UTC(year, month - 1, day, hour, minute));
  }
  return (minute) => (shown.get(minute - minute % HALF_HOUR) ?? NaN) + minute % HALF_HOUR;
}

/** When the clocks of a zone are changed, somewhat before it, and one week without a change. */
const WEEKS: readonly [zone: string, around: string][] = [
  ["Europe/Berlin", "2026-03-29T01:00Z"],
  ["Europe/Berlin", "2026-10-25T01:00Z"],
  ["America/New_York", "2026-03-08T07:00Z"],
  ["America/New_York", "2026-11-01T06:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00Z"],
  ["America/Santiago", "2026-09-06T04:00Z"],
  ["UTC", "2026-06-01T00:00Z"],
];

interface Written {
  readonly first: number;
  readonly count: number;
  readonly from: number;
  readonly length: number;
}

const time = (minutes: number) =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

const write = ({ first, count, from, length }: Written) =>
  `${NAMES[first]}-${NAMES[(first + count - 1) % 7]} ${time(from)}-${time((from + length) % (24 * 60))}`;

/** The weeks with their clocks. */
const CLOCKS = WEEKS.map(([zone, around]) => {
  const change = Date.parse(around);
  const [from, to] = [change - 3 * DAY, change + 10 * DAY];
  return { zone, change, from, to, wallTime: wallClock(zone, from - HALF_HOUR, to + 3 * DAY) };
});

Deno.test("window: it is as a walk through all minutes says, and opens when it says", async () => {
  const written = fc.record({
    first: fc.integer({ min: 0, max: 6 }),
    count: fc.integer({ min: 1, max: 7 }),
    // Mostly about when clocks are changed, and often exactly then.
    from: fc.oneof(
      fc.integer({ min: 0, max: 8 }).map((halfHours) => halfHours * 30),
      fc.integer({ min: 0, max: 4 * 60 }),
      fc.integer({ min: 0, max: 24 * 60 - 1 }),
    ),
    length: fc.oneof(
      fc.constantFrom(30, 60),
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 1, max: 24 * 60 - 1 }),
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...CLOCKS),
      fc.array(written, { minLength: 1, maxLength: 2 }),
      fc.array(fc.integer({ min: -36 * 60, max: 36 * 60 }), { minLength: 5, maxLength: 5 }),
      async ({ zone, change, from, to, wallTime }, windows, offsets) => {
        const open = walk(wallTime, windows, from, to);
        const ask = asker(`window "${windows.map(write).join(", ")}" zone=${zone}`);
        for (const offset of offsets) {
          const now = change + offset * MINUTE;
          const shut = await ask(now);
          assert.equal(shut === null, open.has(now), `${zone} ${windows.map(write)} at ${iso(now)}`);
          if (shut === null) continue;
          const next = [...open].find((minute) => minute > now);
          assert.equal(iso(shut.askAgainAt), iso(next), `${zone} ${windows.map(write)} from ${iso(now)}`);
        }
      },
    ),
    { numRuns: 100 },
  );
});

/** The minutes at which windows are open, one after the other. */
function walk(wallTime: (moment: number) => number, windows: readonly Written[], from: number, to: number) {
  const open = new Set<number>();
  // For each window of each day, whether any of its minutes came.
  const occurred = new Set<string>();
  const occurrence = (wall: number, { from, length, first, count }: Written, day: number): string | null => {
    const begin = day * DAY + from * MINUTE;
    const weekday = (day + 3) % 7;
    if ((weekday - first + 7) % 7 >= count) return null;
    return wall >= begin && wall < begin + length * MINUTE ? String(begin) : null;
  };
  const shifts: { at: number; gap: number }[] = [];
  for (let minute = from; minute < to; minute += MINUTE) {
    const wall = wallTime(minute);
    const jump = wall - wallTime(minute - MINUTE) - MINUTE;
    if (jump > 0) shifts.push({ at: minute, gap: jump });
    for (const [index, window] of windows.entries()) {
      for (const day of [Math.floor(wall / DAY), Math.floor(wall / DAY) - 1]) {
        const found = occurrence(wall, window, day);
        if (found === null) continue;
        open.add(minute);
        occurred.add(`${index} ${found}`);
      }
    }
  }
  // What was skipped as a whole comes as if the clock had not been changed.
  for (const { at, gap } of shifts) {
    for (let minute = at; minute < at + gap + DAY; minute += MINUTE) {
      const wall = wallTime(minute) - gap;
      for (const [index, window] of windows.entries()) {
        for (const day of [Math.floor(wall / DAY), Math.floor(wall / DAY) - 1]) {
          const found = occurrence(wall, window, day);
          if (found === null || Number(found) < wallTime(at) - gap) continue;
          if (!occurred.has(`${index} ${found}`)) open.add(minute);
        }
      }
    }
  }
  return new Set([...open].toSorted((a, b) => a - b));
}
