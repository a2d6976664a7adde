import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../failure/failure.ts";
import { formatDuration, parseDuration } from "./period.ts";

const DAY = 24 * 60 * 60_000;
const minutes = (text: string) => parseDuration(text, { bareUnit: "m" });

function refusal(text: string): Failure {
  try {
    parseDuration(text, { bareUnit: "m", what: "--poll-period" });
  } catch (error) {
    assert(error instanceof Failure && error.code === "usage", String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${JSON.stringify(text)}` });
}

Deno.test("duration: numbers with units are read", () => {
  const rows: [text: string, milliseconds: number][] = [
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["2d", 2 * DAY],
    ["7d", 7 * DAY],
    ["1500ms", 1_500],
    ["1s", 1_000],
    ["0.5h", 1_800_000],
    ["12.3s", 12_300],
    ["1h30m", 5_400_000],
    ["1d2h3m4s5ms", DAY + 7_384_005],
    ["1m1.5s", 61_500],
    ["0h5m", 300_000],
    ["1m0s", 60_000],
    ["007m", 420_000],
  ];
  for (const [text, expected] of rows) assert.equal(minutes(text), expected, text);
});

Deno.test("duration: a bare number has the unit that the caller says", () => {
  assert.equal(minutes("5"), 300_000);
  assert.equal(minutes("0.5"), 30_000);
  assert.equal(parseDuration("5", { bareUnit: "s" }), 5_000);
  assert.equal(parseDuration("5m", { bareUnit: "s" }), 300_000);
});

Deno.test("duration: what it writes it reads back as the same", () => {
  fc.assert(fc.property(fc.integer({ min: 1_000, max: 7 * DAY }), (duration) => {
    assert.equal(minutes(formatDuration(duration)), duration);
  }));
});

Deno.test("duration: any text gives a usable number of milliseconds or is wrong use", () => {
  const likely = fc.array(fc.constantFrom(..."0123459.-+eE smhdx", "ms", "\n"), { maxLength: 8 }).map((all) =>
    all.join("")
  );
  fc.assert(
    fc.property(fc.oneof(likely, fc.string()), fc.constantFrom("m", "s"), (text, bareUnit) => {
      let duration;
      try {
        duration = parseDuration(text, { bareUnit });
      } catch (error) {
        assert(error instanceof Failure && error.code === "usage", String(error));
        assert.match(error.message + error.next, /^[\x20-\x7e]+$/);
        return;
      }
      assert(
        Number.isSafeInteger(duration) && duration >= 1_000 && duration <= 7 * DAY,
        `${text}: ${duration}`,
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("duration: what is not a duration is refused with a hint", () => {
  const rows: [text: string, why: RegExp, next: RegExp][] = [
    ["", /not a duration/, /Write it like 30s, 5m/],
    ["abc", /not a duration/, /a bare number is minutes/],
    ["-5", /not a duration/, /Write it like/],
    ["+5", /not a duration/, /Write it like/],
    ["-5m", /not a duration/, /Write it like/],
    ["NaN", /not a duration/, /Write it like/],
    ["Infinity", /not a duration/, /Write it like/],
    ["1e3", /not a duration/, /Write it like/],
    ["0x10", /not a duration/, /Write it like/],
    ["1_000", /not a duration/, /Write it like/],
    ["1,5m", /not a duration/, /Write it like/],
    [".5", /not a duration/, /Write it like/],
    ["5.", /not a duration/, /Write it like/],
    ["\u0665m", /not a duration/, /Write it like/],
    ["30m1h", /not a duration/, /Write it like/],
    ["1m1m", /not a duration/, /Write it like/],
    ["1.5h30m", /not a duration/, /Write it like/],
    ["1h30", /not a duration/, /Write it like/],
    ["5w", /not a duration/, /Write it like/],
    ["5 m", /not a duration/, /Did you mean 5m\?/],
    ["5m\n", /not a duration/, /Did you mean 5m\?/],
    [" 5", /not a duration/, /Did you mean 5m\?/],
    ["5min", /not a duration/, /Did you mean 5m\?/],
    ["90 Seconds", /not a duration/, /Did you mean 90s\?/],
    ["1H", /not a duration/, /Did you mean 1h\?/],
    ["0", /zero/, /at least 1s/],
    ["0.0", /zero/, /at least 1s/],
    ["0s", /zero/, /at least 1s/],
    ["999ms", /shorter than 1 second/, /at least 1s/],
    ["0.01", /shorter than 1 second/, /at least 1s/],
    ["999.9ms", /shorter than 1 second/, /at least 1s/],
    ["7d1ms", /7 days/, /at most 7d/],
    ["10081", /7 days/, /at most 7d/],
    ["9".repeat(400), /7 days/, /at most 7d/],
  ];
  for (const [text, why, next] of rows) {
    const failure = refusal(text);
    assert.match(failure.why, why, JSON.stringify(text));
    assert.match(failure.next, next, JSON.stringify(text));
    assert(failure.message.startsWith("--poll-period '"), failure.message);
    assert(failure.message.length < 150, failure.message);
  }
});

Deno.test("duration: it is written short, and whatever the number is", () => {
  const rows: [milliseconds: number, text: string][] = [
    [300_000, "5m"],
    [5_400_000, "1h30m"],
    [500, "500ms"],
    [12_300, "12.3s"],
    [1_001, "1.001s"],
    [DAY, "1d"],
    [DAY + 1, "1d0.001s"],
    [36 * 3_600_000, "1d12h"],
    [0, "0s"],
    [0.4, "0s"],
    [999.6, "1s"],
    [59_999.7, "1m"],
    [-90_000, "-1m30s"],
    [NaN, "NaN"],
    [Infinity, "Infinity"],
  ];
  for (const [duration, text] of rows) assert.equal(formatDuration(duration), text);
});
