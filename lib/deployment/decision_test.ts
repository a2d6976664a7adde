import assert from "node:assert/strict";
import type { StorePath } from "../nix/store_path.ts";
import { type Facts, judge } from "./decision.ts";
import type { ActiveVersion } from "./record.ts";

const A = "/nix/store/00000000000000000000000000000000-a" as StorePath;
const B = "/nix/store/00000000000000000000000000000000-b" as StorePath;
const active: ActiveVersion = {
  path: A,
  buildId: 6,
  name: "a",
  since: 0,
  how: "deployed",
  degraded: false,
};
const mark = { path: B, buildId: 7, step: "health", reason: "port 80 refused", at: 0 } as const;

/** At build 6, path A; Hydra names build 7, path B. */
function facts(more: Partial<Facts["record"]> = {}, rest: Partial<Omit<Facts, "record">> = {}): Facts {
  return {
    record: { state: "active", active, bad: [], pause: null, heldSince: null, ...more },
    latest: { id: 7, outPath: B, name: "b", finishedAt: null },
    current: A,
    policy: { onManualChange: "respect", refuseDowngrade: false },
    now: 1_000_000,
    ...rest,
  };
}

const refusal = (of: Facts) => {
  const verdict = judge(of);
  return verdict.do === "refuse" ? verdict.code : verdict.do;
};

Deno.test("judge() deploys a build that is not active", () => {
  assert.equal(refusal(facts()), "deploy");
  assert.equal(refusal(facts({ active: null }, { current: null })), "deploy");
  assert.equal(refusal(facts({ active: null }, { current: B })), "deploy", "it was never activated");
});

Deno.test("judge() has nothing to do where the build is active, whatever else is said", () => {
  const there = { latest: { id: 9, outPath: A, name: "a", finishedAt: null } };
  assert.equal(refusal(facts({}, there)), "nothing");
  const pause = { reason: null, since: 0, until: null };
  assert.equal(refusal(facts({ pause, heldSince: 5, bad: [{ ...mark, path: A }] }, there)), "nothing");
});

Deno.test("judge() leaves what has failed to the next try, where the build is in place", () => {
  const there = { latest: { id: 9, outPath: A, name: "a", finishedAt: null } };
  assert.equal(refusal(facts({ state: "failed", active: null }, there)), "nothing");
  assert.equal(refusal(facts({ state: "failed" })), "deploy", "another build may mend it");
});

Deno.test("judge() refuses while deployments are paused, until the pause has run out", () => {
  const pause = { reason: "audit", since: 0, until: 2_000_000 };
  assert.equal(refusal(facts({ pause })), "paused");
  assert.equal(refusal(facts({ pause }, { now: 2_000_000 })), "deploy");
  const verdict = judge(facts({ pause }));
  assert.equal(
    verdict.do === "refuse" && verdict.why,
    "deployments are paused since 1970-01-01T00:00:00Z until 1970-01-01T00:33:20Z: audit",
  );
});

Deno.test("judge() refuses everything while a change by hand is held", () => {
  assert.equal(refusal(facts({ heldSince: 5 })), "held");
});

Deno.test("judge() refuses a build that is marked bad, and no other", () => {
  assert.equal(refusal(facts({ bad: [mark] })), "marked-bad");
  assert.equal(refusal(facts({ bad: [{ ...mark, path: A }] })), "deploy");
  for (const step of ["operator", "by-hand"] as const) {
    const verdict = judge(facts({ bad: [{ ...mark, step }] }));
    assert.match(verdict.do === "refuse" ? verdict.next : "", /hail retry/);
  }
});

Deno.test("judge() follows a downgrade, unless it was told to refuse them", () => {
  const older = { latest: { id: 5, outPath: B, name: "b", finishedAt: null } };
  assert.equal(refusal(facts({}, older)), "deploy");
  const policy = { onManualChange: "respect", refuseDowngrade: true } as const;
  assert.equal(refusal(facts({}, { ...older, policy })), "downgrade-refused");
  assert.equal(refusal(facts({}, { policy })), "deploy");
  assert.equal(refusal(facts({ active: { ...active, buildId: null } }, { ...older, policy })), "deploy");
});
