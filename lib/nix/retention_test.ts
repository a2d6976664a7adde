import assert from "node:assert/strict";
import fc from "fast-check";
import type { Generation } from "./generations.ts";
import { generationsToRemove, type Retention } from "./retention.ts";
import type { StorePath } from "./store_path.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);

const pathOf = (name: number) => `/nix/store/${"0".repeat(32)}-web-${name}` as StorePath;

/** Generations 1 to `count`, one a day, the last one of today. */
function generationsOf(count: number, current = count): Generation[] {
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    path: pathOf(index + 1),
    madeAt: NOW - (count - index - 1) * DAY,
    current: index + 1 === current,
  }));
}

const plan = (
  generations: readonly Generation[],
  retention: Partial<Retention>,
  { keep = [pathOf(99)], pinned = [], now = NOW }: {
    keep?: readonly StorePath[];
    pinned?: readonly number[];
    now?: number;
  } = {},
) =>
  generationsToRemove({ generations, keep, pinned: new Set(pinned), now }, {
    generations: null,
    days: null,
    ...retention,
  });

Deno.test("retention: without a bound nothing is removed", () => {
  assert.deepEqual(plan(generationsOf(50), {}), []);
});

Deno.test("retention: so many of the newest generations stay", () => {
  assert.deepEqual(plan(generationsOf(6), { generations: 4 }), [1, 2]);
  assert.deepEqual(plan(generationsOf(6), { generations: 6 }), []);
  assert.deepEqual(plan(generationsOf(6), { generations: 100 }), []);
  assert.deepEqual(plan(generationsOf(6, 2), { generations: 1 }), [1, 3, 4, 5], "the current one stays");
});

Deno.test("retention: what is younger than so many days stays", () => {
  assert.deepEqual(plan(generationsOf(6), { days: 3 }), [1, 2]);
  assert.deepEqual(plan(generationsOf(6), { days: 0 }), [1, 2, 3, 4, 5]);
});

Deno.test("retention: with both bounds a generation goes only if both allow it", () => {
  assert.deepEqual(plan(generationsOf(10), { generations: 3, days: 8 }), [1]);
  assert.deepEqual(plan(generationsOf(10), { generations: 9, days: 1 }), [1]);
});

Deno.test("retention: the active version, the one before it, and what another link leads to stay", () => {
  const options = { keep: [pathOf(1), pathOf(3)], pinned: [2] };
  assert.deepEqual(plan(generationsOf(6), { generations: 1 }, options), [4, 5]);
});

Deno.test("retention: where the version before the active one is not known, the generation before stays", () => {
  assert.deepEqual(plan(generationsOf(6), { generations: 1 }, { keep: [pathOf(6)] }), [1, 2, 3, 4]);
  assert.deepEqual(plan(generationsOf(6, 4), { generations: 1 }, { keep: [pathOf(4)] }), [1, 2, 5]);
  const again = generationsOf(6).map((one) => one.number === 5 ? { ...one, path: pathOf(6) } : one);
  assert.deepEqual(plan(again, { generations: 1 }, { keep: [] }), [1, 2, 3, 5]);
});

Deno.test("retention: nothing goes where the profile points at no generation", () => {
  assert.deepEqual(plan(generationsOf(6, 0), { generations: 1, days: 0 }), []);
});

Deno.test("retention: a clock that jumped lets nothing go by days", () => {
  assert.deepEqual(plan(generationsOf(6), { days: 1 }, { now: NOW - 400 * DAY }), []);
  const wrong = generationsOf(6).map((one) => one.number === 2 ? { ...one, madeAt: NOW + 3_600_000 } : one);
  assert.deepEqual(plan(wrong, { days: 1 }), [1, 3, 4]);
});

Deno.test("retention: whatever is asked for, what must stay does", () => {
  const generation = fc.record({
    number: fc.integer({ min: 1, max: 60 }),
    path: fc.integer({ min: 1, max: 8 }).map(pathOf),
    madeAt: fc.integer({ min: NOW - 90 * DAY, max: NOW + 9 * DAY }),
  });
  const bound = fc.option(fc.integer({ min: 0, max: 40 }));
  fc.assert(fc.property(
    fc.uniqueArray(generation, { selector: ({ number }) => number, maxLength: 30 }),
    fc.nat(),
    fc.record({ generations: bound, days: bound }),
    fc.array(fc.integer({ min: 1, max: 8 }).map(pathOf), { maxLength: 2 }),
    fc.uniqueArray(fc.integer({ min: 1, max: 60 })),
    (all, current, retention, keep, pinned) => {
      const generations = all.map((one, index) => ({ ...one, current: index === current % all.length }));
      const removed = plan(generations, retention, { keep, pinned });
      const left = generations.filter(({ number }) => !removed.includes(number));
      const gone = generations.filter(({ number }) => removed.includes(number));
      assert.equal(gone.length, removed.length, "only what is there, and each once");
      assert.ok(
        !gone.some(({ current, path, number }) => current || keep.includes(path) || pinned.includes(number)),
      );
      if (retention.generations !== null) {
        assert.ok(left.length >= Math.min(retention.generations, generations.length));
      }
      if (retention.days !== null) {
        const days = retention.days;
        assert.ok(gone.every(({ madeAt }) => madeAt < NOW - days * DAY));
      }
      const again = plan(left, retention, { keep, pinned });
      assert.deepEqual(again, [], "a second run removes nothing more");
    },
  ));
});
