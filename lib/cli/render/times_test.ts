import assert from "node:assert/strict";
import { distance, jsonTime, minuteOf, moment, shortSpan, spanOf } from "./times.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

Deno.test("times: a moment is written in the time zone of the machine, and in JSON in UTC", () => {
  const time = new Date(2026, 0, 5, 8, 4, 3).getTime();
  assert.equal(moment(time), "2026-01-05 08:04:03");
  assert.equal(minuteOf(time), "2026-01-05 08:04");
  assert.equal(jsonTime(Date.UTC(2026, 0, 5, 8, 4, 3, 20)), "2026-01-05T08:04:03.020Z");
  assert.equal(jsonTime(null), null);
});

Deno.test("times: a time that is none does not stop anything", () => {
  assert.match(moment(9e15), /an unknown time/);
  assert.equal(jsonTime(9e15), null);
});

Deno.test("times: a distance is in the past, now or to come", () => {
  assert.equal(distance(1_000_000, 1_000_000 + 3 * MINUTE), "3 min ago");
  assert.equal(distance(1_000_000, 1_000_400), "now");
  assert.equal(distance(1_000_000, 1_000_000 - 2 * HOUR - 5 * MINUTE), "in 2 h 5 min");
});

for (
  const [span, long, short] of [
    [0, "0 ms", "0ms"],
    [850, "850 ms", "850ms"],
    [999.9, "1000 ms", "1000ms"],
    [45 * SECOND, "45 s", "45s"],
    [3 * MINUTE + 12 * SECOND, "3 min", "3m12s"],
    [59.9 * SECOND, "60 s", "1m00s"],
    [HOUR, "1 h", "1h00m"],
    [2 * HOUR + 5 * MINUTE, "2 h 5 min", "2h05m"],
    [DAY + HOUR, "1 day 1 h", "1d01h"],
    [3 * DAY + 4 * HOUR, "3 days 4 h", "3d04h"],
    [400 * DAY, "400 days", "400d00h"],
  ] as const
) {
  Deno.test(`times: a span of ${span} ms is ${long}, in a table ${short}`, () => {
    assert.equal(spanOf(span), long);
    assert.equal(shortSpan(span), short);
  });
}
