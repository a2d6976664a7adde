import assert from "node:assert/strict";
import fc from "fast-check";
import { Sleepers } from "./sleepers.ts";

Deno.test("sleepers wake in order whatever comes and goes between", () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat(9) }),
    fc.record({ remove: fc.nat(30) }),
    fc.constant("wake" as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const sleepers = new Sleepers();
      let model: { at: number; name: number }[] = [];
      const removals: (() => void)[] = [];
      let woken = -1;
      const take = (name: number) => model = model.filter((other) => other.name !== name);
      for (const step of steps) {
        if (step === "wake") {
          const expected = model[0];
          woken = -1;
          sleepers.first?.wake();
          assert.equal(woken, expected?.name ?? -1);
          if (expected === undefined) continue;
          removals[expected.name]?.();
          take(expected.name);
        } else if ("add" in step) {
          const name = removals.length;
          removals.push(sleepers.add({ at: step.add, wake: () => woken = name }));
          const later = model.findIndex(({ at }) => at > step.add);
          model.splice(later === -1 ? model.length : later, 0, { at: step.add, name });
        } else {
          removals[step.remove]?.();
          take(step.remove);
        }
        assert.deepEqual(sleepers.all().map(({ at }) => at), model.map(({ at }) => at));
      }
    }),
  );
});
