import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { parsePointInTime } from "./point_in_time.ts";

// In the time zone of the machine, whatever that is.
const NOW = new Date(2026, 10, 22, 16, 40, 3).getTime();

for (
  const [text, time] of [
    ["18:30", new Date(2026, 10, 22, 18, 30)],
    ["16:41", new Date(2026, 10, 22, 16, 41)],
    ["16:40", new Date(2026, 10, 23, 16, 40)],
    ["8:05", new Date(2026, 10, 23, 8, 5)],
    ["00:00", new Date(2026, 10, 23)],
    ["2026-12-24 18:00", new Date(2026, 11, 24, 18)],
    ["2026-12-24T18:00", new Date(2026, 11, 24, 18)],
    ["2026-12-24 18:00:30", new Date(2026, 11, 24, 18, 0, 30)],
    ["2026-12-24T18:00:00Z", new Date(Date.UTC(2026, 11, 24, 18))],
    ["2026-12-24t18:00:00.5z", new Date(Date.UTC(2026, 11, 24, 18, 0, 0, 500))],
    ["2026-12-24 18:00:00+01:00", new Date(Date.UTC(2026, 11, 24, 17))],
    ["2026-12-24T18:00:00.123456-05:30", new Date(Date.UTC(2026, 11, 24, 23, 30, 0, 123))],
    ["2028-02-29 12:00", new Date(2028, 1, 29, 12)],
  ] as const
) {
  Deno.test(`time: ${text} is understood`, () => assert.equal(parsePointInTime(text, NOW), time.getTime()));
}

for (
  const [text, says] of [
    ["", /no point in time/],
    ["now", /no point in time/],
    ["24:00", /no point in time/],
    ["12:60", /no point in time/],
    ["12:3", /no point in time/],
    ["2026-12-24", /no point in time/],
    ["2026-02-29 12:00", /no point in time/],
    ["2026-13-01 12:00", /no point in time/],
    ["2026-12-24 25:00", /no point in time/],
    ["2026-12-24 18:00 CET", /no point in time/],
    ["1767225600", /no point in time/],
    ["2026-11-22 16:40", /it has passed/],
    ["2020-01-01T00:00:00Z", /it has passed/],
  ] as const
) {
  Deno.test(`time: '${text}' is refused`, () => {
    assert.throws(
      () => parsePointInTime(text, NOW),
      (error) => error instanceof Failure && error.code === "usage" && says.test(error.message),
    );
  });
}
