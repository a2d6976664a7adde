import assert from "node:assert/strict";
import { asker, gateWorld, question } from "../../tests/support/gate_world.ts";
import { warinessOf } from "./delay.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 5, 1);

Deno.test("delay: a build that is old enough passes, to the millisecond", async () => {
  const ask = asker("delay 2h");
  const asked = question({ finishedAt: NOW, knownSince: NOW + 60_000 });
  assert.deepEqual(await ask(NOW + 12 * 60_000 + 5_000, asked), {
    why: "it is 12m old, and must be 2h old",
    askAgainAt: NOW + 2 * HOUR,
  });
  assert.notEqual(await ask(NOW + 2 * HOUR - 1, asked), null);
  assert.equal(await ask(NOW + 2 * HOUR, asked), null);
});

Deno.test("delay: the age counts from when it was finished, or from when it was seen where that cannot be", async () => {
  const rows: [finishedAt: number | null, knownSince: number, askAgainAt: number][] = [
    [NOW - HOUR, NOW, NOW + HOUR],
    // The host's clock was behind, by an hour or since its battery is empty, when the build was seen.
    [NOW, NOW - HOUR, NOW + 2 * HOUR],
    [NOW, 86_400_000, NOW + 2 * HOUR],
    [null, NOW - HOUR, NOW + HOUR],
    // Hydra's clock is ahead.
    [NOW + 48 * HOUR, NOW - HOUR, NOW + HOUR],
    // The host's was ahead, when the build was seen.
    [NOW - HOUR, NOW + 48 * HOUR, NOW + HOUR],
  ];
  for (const [finishedAt, knownSince, askAgainAt] of rows) {
    assert.equal(
      (await asker("delay 2h")(NOW, question({ finishedAt, knownSince })))?.askAgainAt,
      askAgainAt,
    );
  }
});

Deno.test("delay: a clock that was ahead is not waited for", async () => {
  const ask = asker("delay 2h");
  const asked = question({ finishedAt: NOW + 48 * HOUR, knownSince: NOW + 48 * HOUR });
  assert.equal((await ask(NOW, asked))?.askAgainAt, NOW + 2 * HOUR);
  assert.equal(
    (await ask(NOW + HOUR, asked))?.askAgainAt,
    NOW + 2 * HOUR,
    "it counts from the first question",
  );
  assert.equal((await ask(NOW - HOUR, asked))?.askAgainAt, NOW + HOUR, "the clock went back once more");
  assert.equal(await ask(NOW + HOUR, asked), null);
});

Deno.test("delay: a clock that was behind at the first question lets no fresh build pass", async () => {
  const ask = asker("delay 2h");
  const asked = question({ finishedAt: NOW, knownSince: 86_400_000 });
  assert.equal((await ask(86_400_000, asked))?.askAgainAt, 86_400_000 + 2 * HOUR);
  assert.equal((await ask(NOW + HOUR, asked))?.askAgainAt, NOW + 2 * HOUR, "the clock is right now");
  assert.equal(await ask(NOW + 2 * HOUR, asked), null);
});

Deno.test("delay: a host comes at its share of the rollout", async () => {
  const asked = question({ knownSince: NOW });
  assert.deepEqual(await asker("delay 2h rollout=10h wariness=0.25")(NOW + 1_500, asked), {
    why: "it is 1s old, and this host comes at 4h30m (wariness 0.25)",
    askAgainAt: NOW + 4.5 * HOUR,
  });
  assert.equal(await asker("delay 0 rollout=10h wariness=0")(NOW, asked), null, "a canary");
  const last = await asker("delay 0 rollout=10h wariness=1")(NOW, asked);
  assert.equal(last?.askAgainAt, NOW + 10 * HOUR);
});

Deno.test("delay: the share is the host's, and is the same for all of its services", async () => {
  const asked = question({ knownSince: NOW });
  const at = async (id: string, profile: string) => {
    const world = gateWorld({ machineId: () => Promise.resolve(id), profile });
    return ((await asker("delay 0 rollout=10h", world)(NOW, asked))?.askAgainAt ?? NOW) - NOW;
  };
  const [a, b] = ["0".repeat(32), "1".repeat(32)];
  assert.equal(await at(a, "/a"), await at(a, "/b"));
  assert.equal(await at(a, "/a"), Math.round(10 * HOUR * await warinessOf(a)));
  assert.notEqual(await at(a, "/a"), await at(b, "/a"));
});

Deno.test("delay: the shares of 10,000 hosts are evenly spread, and stay as they are", async () => {
  assert.equal((await warinessOf("0123456789abcdef0123456789abcdef")).toFixed(6), "0.663262");
  const tenths = new Array<number>(10).fill(0);
  for (let host = 0; host < 10_000; host++) {
    const share = await warinessOf(host.toString(16).padStart(32, "0"));
    assert(share >= 0 && share < 1);
    const tenth = Math.floor(share * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // Chi-squared with 9 degrees of freedom: above 27.9 once in a thousand.
  const squared = tenths.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
  assert(squared < 27.9, `${squared}: ${tenths}`);
});

Deno.test("delay: a first deployment passes, and the machine id is read only where it counts", async () => {
  const world = gateWorld({ machineId: () => assert.fail("it is not needed") });
  assert.equal(
    await asker("delay 2h rollout=1h", world)(NOW, question({ knownSince: NOW, first: true })),
    null,
  );
  assert.notEqual(await asker("delay 2h", world)(NOW, question({ knownSince: NOW })), null);
  assert.notEqual(
    await asker("delay 2h rollout=1h wariness=1", world)(NOW, question({ knownSince: NOW })),
    null,
  );
});
