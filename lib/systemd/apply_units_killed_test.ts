/** A run is cut off, and another one comes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  AFTERMATHS,
  apply,
  cutOffAndChanged,
  died,
  INITIAL,
  killEverywhere,
  machineWith,
  MANAGER,
  NEXT,
  original,
  putOriginal,
} from "../../tests/support/apply_runs.ts";
import type { FakeMachine } from "../../tests/support/fake_machine.ts";

Deno.test("apply-units: killed at every operation, by signal or power cut, the next run ends where it should", async () => {
  await killEverywhere(
    INITIAL,
    NEXT,
    (machine) => machine.running(MANAGER) === null ? "" : machine.invocation(MANAGER),
  );
});

Deno.test("apply-units: killed at every operation of a first installation, the next run ends where it should", async () => {
  await killEverywhere({}, NEXT, () => "");
});

Deno.test("apply-units: killed at every operation of a removal of all, the next run ends where it should", async () => {
  await killEverywhere(
    INITIAL,
    {},
    (machine) => machine.running(MANAGER) === null ? "" : machine.invocation(MANAGER),
  );
});

Deno.test("apply-units: killed at every operation of an adoption, the next run ends where it should", async () => {
  await killEverywhere(
    { kept: "1", removed: "1" },
    NEXT,
    (machine) => machine.running(MANAGER) === null ? "" : machine.invocation(MANAGER),
    ["changed", "manager"],
  );
});

Deno.test("apply-units: an adoption that was killed and is no longer wanted is all or nothing", async () => {
  const before = async () => {
    const machine = await machineWith({});
    putOriginal(machine, "old");
    return machine;
  };
  const whole = await before();
  await apply(whole, { old: "1" });
  const operations = whole.log.length;
  const outcomes = new Set<boolean>();
  for (const [name, aftermath] of Object.entries(AFTERMATHS)) {
    for (let budget = 0; budget < operations; budget++) {
      const label = `${name}, operation ${budget} (${whole.log[budget]})`;
      const machine = await before();
      machine.revive(budget);
      await assert.rejects(apply(machine, { old: "1" }), died, label);
      machine.revive();
      aftermath(machine);
      const untouched = machine.folder("/units")["hail-old.service"] === original("old");
      outcomes.add(untouched);
      assert.equal((await apply(machine, {})).status, 0, label);
      machine.settle();
      assert.deepEqual(
        machine.folder("/units"),
        untouched ? { "hail-old.service": original("old") } : {},
        label,
      );
      assert.equal(machine.running("hail-old.service"), untouched ? original("old") : null, label);
      machine.revive();
      await apply(machine, {});
      assert.deepEqual(machine.log, [], label);
    }
  }
  assert.deepEqual(outcomes, new Set([true, false]));
});

Deno.test("apply-units: any set after any set, killed anywhere in between and changed again, ends where it should", async () => {
  const sets = fc.dictionary(fc.constantFrom("a", "b", "c", "manager"), fc.constantFrom("1", "2"), {
    noNullPrototype: true,
  });
  const aftermaths = fc.constantFrom(...Object.values(AFTERMATHS));
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(sets, sets, sets),
      fc.nat(60),
      aftermaths,
      fc.boolean(),
      async (sets, budget, aftermath, called) => {
        const callerOf = (machine: FakeMachine) =>
          called && machine.running(MANAGER) !== null ? machine.invocation(MANAGER) : "";
        await cutOffAndChanged({ sets, budget, callerOf, aftermath });
      },
    ),
    { numRuns: 300 },
  );
});
