import assert from "node:assert/strict";
import fc from "fast-check";
import { VirtualClock } from "./virtual_clock.ts";

Deno.test("virtual clock: sleepers wake in order, each at its own moment", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: -5, max: 50 }), { maxLength: 8 }), async (durations) => {
      const clock = new VirtualClock();
      const woken: { duration: number; at: number }[] = [];
      for (const duration of durations) {
        clock.sleep(duration).then(() => woken.push({ duration, at: clock.monotonic() }));
      }
      await clock.advance(40);
      assert.equal(clock.monotonic(), 40);
      const expected = durations.map((duration) => Math.max(0, duration)).sort((a, b) => a - b);
      assert.deepEqual(woken.map(({ at }) => at), expected.filter((at) => at <= 40));
      assert(woken.every(({ duration, at }) => at === Math.max(0, duration)));
      assert.deepEqual(clock.sleeps, expected.filter((at) => at > 40).map((at) => at - 40));
    }),
  );
});

Deno.test("virtual clock: what follows from a wake-up settles before the next", async () => {
  const clock = new VirtualClock(0);
  const seen: string[] = [];
  const loop = async (name: string, period: number) => {
    for (let i = 0; i < 3; i++) {
      await clock.sleep(period);
      for (let chain = 0; chain < 20; chain++) await Promise.resolve();
      seen.push(`${name} ${clock.now()}`);
    }
  };
  const loops = [loop("slow", 30), loop("fast", 20)];
  await clock.advance(100);
  await Promise.all(loops);
  assert.deepEqual(seen, ["fast 20", "slow 30", "fast 40", "slow 60", "fast 60", "slow 90"]);
});

Deno.test("virtual clock: a signal ends a sleep at once, without error", async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const asleep = clock.sleep(1_000, controller.signal);
  controller.abort();
  await asleep;
  await clock.sleep(1_000, controller.signal);
  assert.deepEqual(clock.sleeps, []);
  assert.equal(clock.monotonic(), 0);
});

Deno.test("virtual clock: a jump moves the wall clock alone and wakes nobody", async () => {
  const clock = new VirtualClock(1_000);
  let awake = false;
  const asleep = clock.sleep(50).then(() => awake = true);
  clock.jump(3_600_000);
  await clock.advance(49);
  assert.equal(clock.now(), 3_601_049);
  assert.equal(clock.monotonic(), 49);
  assert.equal(awake, false);
  clock.jump(-3_600_000);
  await clock.advance(1);
  await asleep;
  assert.equal(clock.now(), 1_050);
});

Deno.test("virtual clock: a loop that spins is caught", async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const spin = (async () => {
    while (!controller.signal.aborted) await clock.sleep(0, controller.signal);
  })();
  await assert.rejects(clock.advance(1), /no time has passed/);
  controller.abort();
  await spin;
});

Deno.test("virtual clock: time neither goes back nor is it no number", async () => {
  const clock = new VirtualClock();
  await assert.rejects(clock.advance(-1), RangeError);
  await assert.rejects(clock.advance(NaN), RangeError);
  assert.throws(() => clock.sleep(NaN), RangeError);
});
