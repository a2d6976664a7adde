import assert from "node:assert/strict";
import { deploymentOf } from "../../tests/support/journal_samples.ts";
import type { Transition } from "../deployment/record.ts";
import { Pending } from "./pending.ts";

const transition = (at: number): Transition => ({
  deploymentId: null,
  at,
  from: "idle",
  event: "build-found",
  to: "idle",
});

const stamp = (revision: number, writer = "me") => ({ writer, revision });

function pendingOf(count: number): Pending {
  const pending = new Pending();
  for (let at = 1; at <= count; at++) pending.add({ transition: transition(at), deployments: [] });
  return pending;
}

const times = (pending: Pending) => pending.transitions.map(({ at }) => at);

Deno.test("what a commit has written that seemed to fail is not written again", () => {
  const pending = pendingOf(3);
  pending.attempt(stamp(5));
  pending.add({ transition: transition(4), deployments: [] });
  assert.equal(pending.wasDone(stamp(5, "another")), false);
  assert.equal(pending.wasDone(stamp(4)), false);
  assert.deepEqual(times(pending), [1, 2, 3, 4]);
  assert.equal(pending.wasDone(stamp(5)), true);
  assert.deepEqual(times(pending), [4]);
  assert.equal(pending.wasDone(stamp(5)), false);
});

Deno.test("what was given up meanwhile is not taken for what was written", () => {
  const pending = pendingOf(600);
  pending.attempt(stamp(5));
  for (let at = 601; at <= 1_500; at++) pending.add({ transition: transition(at), deployments: [] });
  pending.limit();
  assert.equal(pending.lost, 500);
  assert.equal(pending.wasDone(stamp(5)), true);
  assert.deepEqual([times(pending)[0], times(pending).length], [601, 900]);
});

Deno.test("of deployments, the newest 1,000 wait, each as it is now", () => {
  const pending = new Pending();
  for (let id = 1_200; id >= 1; id--) pending.addDeployment(deploymentOf(id));
  pending.addDeployment(deploymentOf(1_200, { runs: 9 }));
  pending.limit();
  const { deployments } = pending;
  assert.equal(deployments.length, 1_000);
  assert.equal(Math.min(...deployments.map(({ id }) => id)), 201);
  assert.equal(deployments.find(({ id }) => id === 1_200)?.runs, 9);
});

Deno.test("nothing waits when everything was written", () => {
  const pending = pendingOf(1_300);
  pending.limit();
  pending.attempt(stamp(1));
  pending.clear();
  assert.deepEqual([times(pending), pending.deployments, pending.lost, pending.wasDone(stamp(1))], [
    [],
    [],
    0,
    false,
  ]);
});
