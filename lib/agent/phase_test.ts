import assert from "node:assert/strict";
import fc from "fast-check";
import { phaseOf, untilNextPoll, untilTurn } from "./phase.ts";

const FIVE_MINUTES = 5 * 60_000;
const MACHINE = "0123456789abcdef0123456789abcdef";
const period = fc.integer({ min: 1_000, max: 7 * 24 * 60 * 60_000 });
const now = fc.integer({ min: -1e12, max: 1e13 });

Deno.test("phase: it is a whole number of milliseconds within the period, and always the same", async () => {
  await fc.assert(fc.asyncProperty(fc.string(), fc.string(), period, async (machine, profile, period) => {
    const phase = await phaseOf(machine, profile, period);
    assert(Number.isSafeInteger(phase) && phase >= 0 && phase < period);
    assert.equal(await phaseOf(machine, profile, period), phase);
  }));
});

Deno.test("phase: a new version of hail must not move it", async () => {
  assert.equal(await phaseOf(MACHINE, "web", FIVE_MINUTES), 279_753);
  assert.equal(await phaseOf(MACHINE, "hail-profiles/web", FIVE_MINUTES), 234_753);
  assert.equal(await phaseOf("", "", 60_000), 53_024);
});

Deno.test("phase: machine id and profile cannot be mistaken for one another", async () => {
  assert.notEqual(await phaseOf("a", "bc", 1e9), await phaseOf("ab", "c", 1e9));
  assert.notEqual(await phaseOf("a", "", 1e9), await phaseOf("", "a", 1e9));
});

for (
  const [subject, phaseNumber] of [
    ["machines", (i: number) => phaseOf(i.toString(16).padStart(32, "0"), "web", FIVE_MINUTES)],
    ["profiles of one machine", (i: number) => phaseOf(MACHINE, `hail-profiles/service-${i}`, FIVE_MINUTES)],
  ] as const
) {
  Deno.test(`phase: many ${subject} are spread evenly over the period`, async () => {
    const hosts = 2_000;
    const counts = new Array<number>(20).fill(0);
    for (let i = 0; i < hosts; i++) {
      const bucket = Math.floor(await phaseNumber(i) / FIVE_MINUTES * counts.length);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    const even = hosts / counts.length;
    const chiSquare = counts.reduce((sum, count) => sum + (count - even) ** 2 / even, 0);
    assert(chiSquare < 43.8, `chi-square of 19 degrees is above its 99.9 % mark: ${chiSquare}`);
  });
}

Deno.test("phase: the profiles of a machine are polled together, once a second at most", async () => {
  const phases = await Promise.all(
    Array.from({ length: 500 }, (_, i) => phaseOf(MACHINE, `hail-profiles/service-${i}`, FIVE_MINUTES)),
  );
  assert.deepEqual(new Set(phases.map((phase) => phase % 1_000)), new Set([753]));
  const hour = await phaseOf(MACHINE, "web", 12 * FIVE_MINUTES);
  assert.equal(hour % 1_000, 753, "also with another period");
});

Deno.test("phase: in a short period they are together in a sixtieth of it", async () => {
  const phases = await Promise.all(
    Array.from({ length: 500 }, (_, i) => phaseOf(MACHINE, `hail-profiles/service-${i}`, 6_000)),
  );
  assert.deepEqual(new Set(phases.map((phase) => phase % 100)), new Set([75]));
});

Deno.test("phase: within the second, machines are spread evenly", async () => {
  const counts = new Array<number>(20).fill(0);
  for (let i = 0; i < 2_000; i++) {
    const phase = await phaseOf(i.toString(16).padStart(32, "0"), "web", FIVE_MINUTES);
    const bucket = Math.floor(phase % 1_000 / 50);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  const chiSquare = counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
  assert(chiSquare < 43.8, `chi-square of 19 degrees is above its 99.9 % mark: ${chiSquare}`);
});

Deno.test("next poll: it lies on the phase, between half a period and one and a half away", () => {
  fc.assert(fc.property(now, period, fc.nat(), (now, period, any) => {
    const phase = any % period;
    const wait = untilNextPoll({ now, period, phase });
    assert(wait >= period / 2, `${wait}`);
    assert(wait < period * 1.5 + 1, `${wait}`);
    assert.equal((((now + wait) % period) + period) % period, phase);
  }));
});

Deno.test("next poll: from the second wait on, polls are a period apart", () => {
  fc.assert(fc.property(now, period, fc.nat(), (now, period, any) => {
    const phase = any % period;
    const first = now + untilNextPoll({ now, period, phase });
    assert.equal(untilNextPoll({ now: first, period, phase }), period);
  }));
});

Deno.test("next poll: a poll that takes a while does not move the ones after it", () => {
  fc.assert(
    fc.property(
      now,
      period,
      fc.nat(),
      fc.double({ min: 0, max: 0.49, noNaN: true }),
      (now, period, any, share) => {
        const phase = any % period;
        const first = now + untilNextPoll({ now, period, phase });
        const late = first + Math.floor(share * period);
        assert.equal(late + untilNextPoll({ now: late, period, phase }), first + period);
      },
    ),
  );
});

Deno.test("turn: it is the first moment on the phase that is not too soon", () => {
  fc.assert(fc.property(now, period, fc.nat(), fc.nat(10 * 60_000), (now, period, any, soonest) => {
    const phase = any % period;
    const wait = untilTurn({ now, period, phase }, soonest);
    assert(wait >= soonest && wait < soonest + period, `${wait}`);
    assert.equal((((now + wait) % period) + period) % period, phase);
  }));
});
