import assert from "node:assert/strict";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { GRACE, makesProgress, startWatchdog, watchdogInterval } from "./watchdog.ts";

const environment = (values: Record<string, string>) => ({ get: (name: string) => values[name] });

Deno.test("watchdog: the interval is WATCHDOG_USEC, if it is meant for this process", () => {
  const interval = (usec?: string, pid?: string) =>
    watchdogInterval(
      environment({
        ...(usec === undefined ? {} : { WATCHDOG_USEC: usec }),
        ...(pid === undefined ? {} : { WATCHDOG_PID: pid }),
      }),
      42,
    );
  assert.equal(interval("120000000", "42"), 120_000);
  assert.equal(interval("120000000"), 120_000);
  assert.equal(interval("120000000", "43"), null);
  assert.equal(interval("120000000", ""), null);
  for (
    const none of [
      undefined,
      "",
      "0",
      "-1",
      "1e6",
      " 1000000",
      "18446744073709551615",
      "99999999999999999999",
    ]
  ) {
    assert.equal(interval(none, "42"), null, none);
  }
});

Deno.test("watchdog: a stage may be late by the grace and no more", () => {
  assert.equal(makesProgress(1_000, 1_000, 10), true);
  assert.equal(makesProgress(1_010, 1_000, 10), true);
  assert.equal(makesProgress(1_011, 1_000, 10), false);
  assert.equal(makesProgress(Number.MAX_VALUE, Infinity), true);
});

function watched(interval: number) {
  const clock = new VirtualClock();
  const pings: number[] = [];
  const events: Event[] = [];
  const watchdog = startWatchdog(interval, {
    clock,
    manager: {
      watchdog: () => {
        pings.push(clock.monotonic());
        return Promise.resolve();
      },
    },
    report: (event) => events.push(event),
  });
  return { clock, pings, events, watchdog };
}

Deno.test("watchdog: it pings at once and then at half of the interval", async () => {
  const { clock, pings, watchdog } = watched(20_000);
  watchdog.enter("poll", 60_000);
  await clock.advance(45_000);
  assert.deepEqual(pings, [0, 10_000, 20_000, 30_000, 40_000]);
  await watchdog.stop();
});

Deno.test("watchdog: a stage beyond its limit and grace ends the pings, and is reported once", async () => {
  const { clock, pings, events, watchdog } = watched(20_000);
  await clock.advance(5_000);
  watchdog.enter("realise", 60_000);
  await clock.advance(500_000);
  assert.equal(pings.at(-1), 90_000);
  assert.ok(90_000 <= 5_000 + 60_000 + GRACE);
  assert.deepEqual(events.map(({ name, level, fields }) => [name, level, fields]), [
    ["stuck", "error", { stage: "realise" }],
  ]);
  await watchdog.stop();
});

Deno.test("watchdog: a loop that never enters its first stage counts as stuck as well", async () => {
  const { clock, pings, watchdog } = watched(20_000);
  await clock.advance(500_000);
  assert.equal(pings.at(-1), 20_000 + GRACE);
  await watchdog.stop();
});

Deno.test("watchdog: a stage that ends after all brings the pings back", async () => {
  const { clock, pings, watchdog } = watched(20_000);
  watchdog.enter("realise", 1_000);
  await clock.advance(60_000);
  const before = pings.length;
  watchdog.enter("poll", 60_000);
  await clock.advance(10_000);
  assert.equal(pings.length, before + 1);
  await watchdog.stop();
});

Deno.test("watchdog: stages one after the other are each measured by their own limit", async () => {
  const { clock, pings, events, watchdog } = watched(20_000);
  for (let minute = 0; minute < 60; minute++) {
    watchdog.enter("poll", 61_000);
    await clock.advance(60_000);
  }
  assert.equal(pings.length, 60 * 6 + 1);
  assert.deepEqual(events, []);
  await watchdog.stop();
});

Deno.test("watchdog: a jump of the wall clock changes nothing", async () => {
  const { clock, pings, watchdog } = watched(20_000);
  watchdog.enter("poll", 60_000);
  clock.jump(86_400_000);
  await clock.advance(20_000);
  assert.equal(pings.length, 3);
  await watchdog.stop();
});

Deno.test("watchdog: once stopped it pings no more and leaves no timer", async () => {
  const { clock, pings, watchdog } = watched(20_000);
  await watchdog.stop();
  await clock.advance(100_000);
  assert.deepEqual(pings, [0]);
  assert.deepEqual(clock.sleeps, []);
});
