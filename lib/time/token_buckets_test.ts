import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenBuckets } from "./token_buckets.ts";

Deno.test("token buckets: a burst, then one at a time, each key by itself", () => {
  const buckets = new TokenBuckets({ burst: 3, perSecond: 0.5 }, 10);
  for (let count = 0; count < 3; count++) {
    assert.equal(buckets.wait("a", 0), 0);
    buckets.take("a", 0);
  }
  assert.equal(buckets.wait("a", 0), 2_000);
  assert.equal(buckets.wait("b", 0), 0);
  assert.equal(buckets.wait("a", 1_500), 500);
  assert.equal(buckets.wait("a", 2_000), 0);
  buckets.take("a", 2_000);
  assert.equal(buckets.wait("a", 2_000), 2_000);
  // It fills up to the burst, and no further.
  for (let count = 0; count < 3; count++) buckets.take("a", 1e9);
  assert.equal(buckets.wait("a", 1e9), 2_000);
});

Deno.test("token buckets: keys for which there is no room share one bucket, and none is forgotten for them", () => {
  const buckets = new TokenBuckets({ burst: 1, perSecond: 1 }, 2);
  buckets.take("a", 0);
  buckets.take("b", 500);
  buckets.take("c", 500);
  assert.equal(buckets.wait("d", 500), 1_000);
  assert.equal(buckets.wait("a", 500), 500);
  // The bucket of a is full again, so there is room.
  buckets.take("d", 1_000);
  assert.equal(buckets.wait("d", 1_000), 1_000);
  assert.equal(buckets.wait("b", 1_000), 500);
});

Deno.test("token buckets: never more than the burst and the rate allow, whatever the keys", () => {
  const step = fc.record({ key: fc.constantFrom("a", "b", "c", "d"), pause: fc.nat(3_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, capacity) => {
      const buckets = new TokenBuckets({ burst: 2, perSecond: 1 }, capacity);
      const taken = new Map<string, number>();
      let now = 0;
      for (const { key, pause } of steps) {
        now += pause;
        const wait = buckets.wait(key, now);
        assert.ok(wait >= 0 && wait <= 1_000);
        if (wait > 0) continue;
        buckets.take(key, now);
        taken.set(key, (taken.get(key) ?? 0) + 1);
        // A key that moves between the shared bucket and its own has at most both.
        assert.ok((taken.get(key) ?? 0) <= 2 * (2 + now / 1_000));
      }
    }),
  );
});
