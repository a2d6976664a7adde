import assert from "node:assert/strict";
import fc from "fast-check";
import { BASE_DELAY, LONGEST_DELAY, LONGEST_RETRY_AFTER, nextDelay, SHORTEST_DELAY } from "./backoff.ts";

const DAY = 24 * 60 * 60_000;
const failures = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.constantFrom(1_000, 1e9, Number.MAX_SAFE_INTEGER),
);
const period = fc.integer({ min: 1_000, max: 7 * DAY });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const retryAfter = fc.option(fc.oneof(fc.integer({ min: -DAY, max: 7 * DAY }), fc.constant(Infinity)), {
  nil: undefined,
});

Deno.test("back-off: the delay lies between its bounds whatever happens", () => {
  fc.assert(fc.property(failures, period, retryAfter, random, (failures, period, retryAfter, random) => {
    const delay = nextDelay({ failures, period, retryAfter, random });
    assert(Number.isSafeInteger(delay));
    assert(delay >= SHORTEST_DELAY, "it never spins");
    assert(delay >= Math.min(retryAfter ?? 0, LONGEST_RETRY_AFTER), "it honours Retry-After");
    const most = Math.max(
      SHORTEST_DELAY,
      Math.min(period, LONGEST_DELAY),
      Math.min(retryAfter ?? 0, LONGEST_RETRY_AFTER),
    );
    assert(delay <= most, `${delay} > ${most}`);
  }));
});

Deno.test("back-off: one more failure never shortens the delay", () => {
  fc.assert(fc.property(failures, period, retryAfter, random, (failures, period, retryAfter, random) => {
    const facts = { failures, period, retryAfter, random };
    assert(nextDelay({ ...facts, failures: failures + 1 }) >= nextDelay(facts));
  }));
});

Deno.test("back-off: enough failures bring the delay to the cap, and it stays there", () => {
  fc.assert(fc.property(period, (period) => {
    const random = 1 - Number.EPSILON;
    assert.equal(nextDelay({ failures: 30, period, random }), Math.min(period, LONGEST_DELAY));
    assert.equal(nextDelay({ failures: 5_000, period, random }), Math.min(period, LONGEST_DELAY));
  }));
});

Deno.test("back-off: without jitter the delay doubles from its base", () => {
  const aims = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((failures) =>
    nextDelay({ failures, period: DAY, random: 1 - Number.EPSILON })
  );
  assert.deepEqual(aims, [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 900_000]);
});

Deno.test("back-off: the jitter takes up to half of the delay away, evenly", () => {
  const delays = Array.from(
    { length: 1_000 },
    (_, i) => nextDelay({ failures: 1, period: DAY, random: i / 1_000 }),
  );
  assert.equal(delays[0], BASE_DELAY / 2);
  const mean = delays.reduce((sum, delay) => sum + delay) / delays.length;
  assert(Math.abs(mean - BASE_DELAY * 0.75) < 5, `${mean}`);
});

Deno.test("back-off: a short period is its own cap", () => {
  assert.equal(nextDelay({ failures: 9, period: 3_000, random: 0 }), 1_500);
  assert.equal(nextDelay({ failures: 1, period: 1_000, random: 0 }), SHORTEST_DELAY);
});

Deno.test("back-off: Retry-After wins over a shorter period, up to an hour", () => {
  assert.equal(nextDelay({ failures: 1, period: 30_000, retryAfter: 120_000, random: 0.5 }), 120_000);
  assert.equal(
    nextDelay({ failures: 1, period: 30_000, retryAfter: 7 * DAY, random: 0.5 }),
    LONGEST_RETRY_AFTER,
  );
  assert.equal(nextDelay({ failures: 1, period: DAY, retryAfter: NaN, random: 0 }), BASE_DELAY / 2);
  assert.equal(nextDelay({ failures: 8, period: DAY, retryAfter: 1, random: 0 }), 320_000);
});
