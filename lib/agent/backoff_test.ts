import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BASE_DELAY,
  LONGEST_DELAY,
  LONGEST_RETRY_AFTER,
  nextDelay,
  SHORTEST_DELAY,
  untilRetry,
} from "./backoff.ts";

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

const FIVE_MINUTES = 5 * 60_000;
const now = fc.integer({ min: 0, max: 1e13 });

/** The polls of a host that fails from `from` on, in milliseconds from then. */
function pollsOf(times: number, facts: Partial<Parameters<typeof untilRetry>[0]>, from = 1e12): number[] {
  const polls = [0];
  for (let failures = 1; failures <= times; failures++) {
    const elapsed = polls.at(-1) ?? 0;
    const more = { failures, now: from + elapsed, period: FIVE_MINUTES, phase: 0, random: 0.5 };
    polls.push(elapsed + untilRetry({ hydraIsDown: true, ...more, ...facts }));
  }
  return polls;
}

Deno.test("retry: a poll that Hydra fails is tried again once, and then at the host's turns", () => {
  const phase = 123_456;
  const begun = 4_000 * FIVE_MINUTES + phase;
  assert.deepEqual(pollsOf(4, { phase }, begun), [
    0,
    BASE_DELAY * 0.75,
    FIVE_MINUTES,
    2 * FIVE_MINUTES,
    3 * FIVE_MINUTES,
  ]);
});

Deno.test("retry: a host whose period is long asks a Hydra that is down at its turn within a quarter of an hour", () => {
  const phase = 3 * LONGEST_DELAY + 61_234;
  const polls = pollsOf(4, { phase, period: DAY }, 1_000 * DAY);
  assert.deepEqual(polls.slice(2), [61_234, 61_234 + LONGEST_DELAY, 61_234 + 2 * LONGEST_DELAY]);
});

Deno.test("retry: hosts that are evenly spread over a long period are so over the turns of an outage", () => {
  const MINUTE = 60_000;
  for (const period of [16, 20, 31, 59, 1_440].map((minutes) => minutes * MINUTE)) {
    const turns = Math.ceil(period / LONGEST_DELAY);
    const turn = period / turns;
    const tenths = new Array<number>(10).fill(0);
    const hosts = 1_000 * turns;
    for (let host = 0; host < hosts; host++) {
      const phase = (host + 0.5) / hosts * period;
      const now = 1_000 * DAY;
      const next = now + untilRetry({ failures: 9, period, phase, now, random: 0.5, hydraIsDown: true });
      const tenth = Math.floor(next % turn / turn * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) {
      assert(Math.abs(count - hosts / 10) <= hosts / 500, `${period / MINUTE}: ${tenths}`);
    }
  }
});

Deno.test("retry: whatever else fails is tried again soon, and at the host's turns in the end", () => {
  const phase = 200_000;
  const polls = pollsOf(9, { phase, hydraIsDown: false, random: 1 - Number.EPSILON }, 4_000 * FIVE_MINUTES);
  assert.deepEqual(polls.slice(0, 7), [0, 5_000, 15_000, 35_000, 75_000, 155_000, 315_000]);
  assert.deepEqual(polls.slice(7), [500_000, 800_000, 1_100_000]);
});

Deno.test("retry: after a Retry-After that names one moment for all, each host comes at its own turn", () => {
  const moment = 1e12 + 20 * 60_000;
  fc.assert(
    fc.property(fc.nat(FIVE_MINUTES - 1), fc.nat(19 * 60_000), failures, (phase, before, failures) => {
      const now = 1e12 + before;
      const retryAfter = moment - now;
      const facts = { failures, period: FIVE_MINUTES, phase, now, retryAfter, random: 0, hydraIsDown: true };
      const next = now + untilRetry(facts);
      assert(next >= moment && next < moment + FIVE_MINUTES);
      assert.equal(next % FIVE_MINUTES, phase);
    }),
  );
});

Deno.test("retry: the delay lies between its bounds whatever happens", () => {
  fc.assert(
    fc.property(
      fc.tuple(failures, period, now, fc.nat()),
      retryAfter,
      random,
      fc.boolean(),
      ([failures, period, now, any], retryAfter, random, hydraIsDown) => {
        const phase = any % period;
        const delay = untilRetry({ failures, period, phase, now, retryAfter, random, hydraIsDown });
        assert(Number.isSafeInteger(delay));
        assert(delay >= SHORTEST_DELAY, "it never spins");
        const asked = Math.min(Math.max(retryAfter ?? 0, 0), LONGEST_RETRY_AFTER);
        assert(delay >= asked, "it honours Retry-After");
        const most = Math.max(asked, SHORTEST_DELAY) + 1.5 * Math.min(period, LONGEST_DELAY);
        assert(delay <= most + 1, `${delay} > ${most}`);
      },
    ),
  );
});

Deno.test("retry: from its turn on no host asks a Hydra that is down more than twice within a period", () => {
  fc.assert(
    fc.property(fc.nat(FIVE_MINUTES - 1), random, (phase, random) => {
      const polls = pollsOf(12, { phase, random }, 4_000 * FIVE_MINUTES + phase);
      for (const [index, at] of polls.entries()) {
        const within = polls.slice(index).filter((other) => other < at + FIVE_MINUTES).length;
        assert(within <= 2, polls.join());
      }
      assert(polls.length === 13);
    }),
  );
});
