import assert from "node:assert/strict";
import { planOf } from "./plan.ts";

Deno.test("random plan: the same seed gives the same plan, another seed another one", () => {
  assert.deepEqual(planOf(7, 3, 50), planOf(7, 3, 50));
  assert.notDeepEqual(planOf(7, 3, 50), planOf(8, 3, 50));
});

Deno.test("random plan: a longer run begins as a shorter one with the same seed", () => {
  const short = planOf(7, 3, 30);
  const long = planOf(7, 3, 90);
  for (const [lane, rounds] of short.entries()) {
    assert.deepEqual(
      long[lane]?.slice(0, rounds.length).map(({ kind }) => kind),
      rounds.map(({ kind }) => kind),
    );
  }
});

Deno.test("random plan: all rounds are dealt out, and every kind of build and act occurs", () => {
  const plan = planOf(1, 3, 200);
  assert.deepEqual(plan.map((rounds) => rounds.length), [67, 67, 66]);
  const rounds = plan.flat();
  assert.deepEqual([...new Set(rounds.map(({ kind }) => kind))].toSorted(), [
    "checked",
    "fails-early",
    "fails-late",
    "hangs",
    "sound",
    "unhealthy",
  ]);
  assert.deepEqual([...new Set(rounds.flatMap(({ acts }) => acts.map(({ name }) => name)))].toSorted(), [
    "by-hand",
    "collect-garbage",
    "hydra-down",
    "kill",
    "pause",
    "power-cut",
    "reboot",
    "restart",
    "retry",
    "rollback",
    "rollback-to",
  ]);
  assert.ok(rounds.some(({ cachedAfter }) => cachedAfter !== null));
  assert.ok(rounds.some(({ backwards }) => backwards !== null));
});

Deno.test("random plan: with one agent, it is reloaded, and services are taken out, in addition", () => {
  const names = (keeping: "units" | "agent") =>
    new Set(planOf(1, 20, 400, keeping).flat().flatMap(({ acts }) => acts.map(({ name }) => name)));
  const more = names("agent").difference(names("units"));
  assert.deepEqual([...more].toSorted(), ["look", "reload", "reload-bad", "take-out"]);
  assert.ok(names("units").isSubsetOf(names("agent")));
});
