import assert from "node:assert/strict";
import fc from "fast-check";
import type { StorePath } from "../nix/store_path.ts";
import { type Facts, nextStep } from "./decision.ts";

const A = "/nix/store/00000000000000000000000000000000-a" as StorePath;
const B = "/nix/store/11111111111111111111111111111111-b" as StorePath;
const build = { id: 7, outPath: A, name: "a", finishedAt: null };
const facts = (more: Partial<Facts>): Facts => ({
  latest: 7,
  build,
  current: null,
  activated: null,
  settled: null,
  ...more,
});

Deno.test("nextStep fetches a build that it does not know, whichever way the id moved", () => {
  assert.deepEqual(nextStep(facts({ build: null })), { do: "fetch" });
  assert.deepEqual(nextStep(facts({ latest: 8, settled: 7, current: A })), { do: "fetch" });
  assert.deepEqual(nextStep(facts({ latest: 6, settled: 7, current: A })), { do: "fetch" });
});

Deno.test("nextStep deploys when the profile points elsewhere or nowhere", () => {
  assert.deepEqual(nextStep(facts({})), { do: "deploy", build });
  assert.deepEqual(nextStep(facts({ current: B, activated: B, settled: 6 })), { do: "deploy", build });
});

Deno.test("nextStep activates a path that the profile points at but whose activation has not succeeded", () => {
  assert.deepEqual(nextStep(facts({ current: A })), { do: "activate", build });
  assert.deepEqual(nextStep(facts({ current: A, activated: B })), { do: "activate", build });
});

Deno.test("nextStep settles a new build with the path that is active already", () => {
  assert.deepEqual(nextStep(facts({ current: A, activated: A, settled: 3 })), { do: "settle", build });
});

Deno.test("nextStep leaves a settled profile alone, also where somebody else has changed it", () => {
  const settled = { activated: A, settled: 7 } as const;
  assert.deepEqual(nextStep(facts({ ...settled, current: A })), { do: "nothing", build, changed: false });
  assert.deepEqual(nextStep(facts({ ...settled, current: B })), { do: "nothing", build, changed: true });
  assert.deepEqual(nextStep(facts({ ...settled, current: null })), { do: "nothing", build, changed: true });
});

Deno.test("nextStep leads from any facts to a settled host when every step succeeds", () => {
  const path = fc.constantFrom(A, B, null);
  const id = fc.constantFrom(6, 7, 8);
  fc.assert(fc.property(
    fc.record({ latest: id, current: path, activated: path, settled: fc.option(id) }),
    fc.option(id),
    (start, known) => {
      let now: Facts = { ...start, build: known === null ? null : { ...build, id: known } };
      for (let steps = 0; steps < 5; steps++) {
        const step = nextStep(now);
        if (step.do === "nothing") {
          assert.equal(now.settled, now.latest);
          assert.equal(step.changed, now.current !== A);
          return;
        }
        if (step.do === "fetch") now = { ...now, build: { ...build, id: now.latest } };
        else if (step.do === "settle") now = { ...now, settled: now.latest };
        else now = { ...now, current: A, activated: A };
      }
      assert.fail("still not settled after five steps");
    },
  ));
});
