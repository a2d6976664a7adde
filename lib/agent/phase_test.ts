import assert from "node:assert/strict";
import fc from "fast-check";
import { phaseOf, untilNextPoll, untilTurn } from "./phase.ts";

const FIVE_MINUTES = 5 * 60_000;
const MACHINE = "0123456789abcdef0123456789abcdef";
const period = fc.integer({ min: 1_000, max: 7 * 24 * 60 * 60_000 });
const now = fc.integer({ min: -1e12, max: 1e13 });
const number = fc.option(fc.integer({ min: 0, max: 999_999_999 }));

const ofMachine = (machineId: string, profile: string, period: number) =>
  phaseOf({ machineId, number: null }, profile, period);
const ofNumber = (number: number, profile = "web", period = FIVE_MINUTES) =>
  phaseOf({ machineId: MACHINE, number }, profile, period);

Deno.test("phase: it is a whole number of milliseconds within the period, and always the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), number, fc.string(), period, async (machineId, number, profile, period) => {
      const phase = await phaseOf({ machineId, number }, profile, period);
      assert(Number.isSafeInteger(phase) && phase >= 0 && phase < period);
      assert.equal(await phaseOf({ machineId, number }, profile, period), phase);
    }),
  );
});

Deno.test("phase: a new version of hail must not move it", async () => {
  assert.equal(await ofMachine(MACHINE, "web", FIVE_MINUTES), 99_602);
  assert.equal(await ofMachine(MACHINE, "hail-profiles/web", FIVE_MINUTES), 108_602);
  assert.equal(await ofMachine("", "", 60_000), 32_511);
  assert.equal(await ofNumber(0), 240_000);
  assert.equal(await ofNumber(1), 125_410);
  assert.equal(await ofNumber(999_999_999), 279_558);
});

Deno.test("phase: machine id and profile cannot be mistaken for one another", async () => {
  assert.notEqual(await ofMachine("a", "bc", 1e9), await ofMachine("ab", "c", 1e9));
  assert.notEqual(await ofMachine("a", "", 1e9), await ofMachine("", "a", 1e9));
});

for (
  const [subject, phaseNumber] of [
    ["machines", (i: number) => ofMachine(i.toString(16).padStart(32, "0"), "web", FIVE_MINUTES)],
    [
      "profiles of one machine",
      (i: number) => ofMachine(MACHINE, `hail-profiles/service-${i}`, FIVE_MINUTES),
    ],
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

Deno.test("phase: hosts that are numbered are spread more evenly than chance would, however many there are", async () => {
  for (const hosts of [10, 77, 1_000, 3_000]) {
    const bins = hosts / 10;
    const counts = new Array<number>(Math.ceil(bins)).fill(0);
    for (let i = 0; i < hosts; i++) {
      const bin = Math.floor(await ofNumber(i) / FIVE_MINUTES * bins);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    // By chance the fullest of 300 bins has 20 and more.
    assert(Math.max(...counts) <= 13, `${hosts} hosts, 10 in a bin: ${Math.max(...counts)} in the fullest`);
  }
});

Deno.test("phase: the number of a host is all that tells it from others, and its profiles keep their distance", async () => {
  assert.equal(
    await phaseOf({ machineId: "a", number: 7 }, "web", FIVE_MINUTES),
    await phaseOf({ machineId: "b", number: 7 }, "web", FIVE_MINUTES),
  );
  const apart = async (number: number) =>
    (await ofNumber(number, "web") - await ofNumber(number, "db") + FIVE_MINUTES) % FIVE_MINUTES;
  assert.equal(await apart(1), await apart(2));
});

Deno.test("phase: the profiles of a machine are polled together, once a second at most", async () => {
  const phases = await Promise.all(
    Array.from({ length: 500 }, (_, i) => ofMachine(MACHINE, `hail-profiles/service-${i}`, FIVE_MINUTES)),
  );
  assert.equal(new Set(phases.map((phase) => phase % 1_000)).size, 1);
});

Deno.test("phase: in a short period they are together in a sixtieth of it", async () => {
  const phases = await Promise.all(
    Array.from({ length: 500 }, (_, i) => ofMachine(MACHINE, `hail-profiles/service-${i}`, 6_000)),
  );
  assert.equal(new Set(phases.map((phase) => phase % 100)).size, 1);
});

Deno.test("phase: within the second, machines are spread evenly", async () => {
  const counts = new Array<number>(20).fill(0);
  for (let i = 0; i < 2_000; i++) {
    const phase = await ofMachine(i.toString(16).padStart(32, "0"), "web", FIVE_MINUTES);
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
