/** What operators ask for. */
import assert from "node:assert/strict";
import { failure, path, world } from "../../tests/support/deployer_world.ts";

Deno.test("Deployer goes back one version, not two, when it is told to while it goes back by itself", async () => {
  const { state, journal, settled } = world();
  const deployer = await settled();
  state.latest = 4;
  await deployer.pass(state.stop);
  state.latest = 2;
  state.fail.set("activate b", failure("activation-failed"));
  let order: Promise<unknown> = Promise.resolve();
  state.on = (now) => {
    if (now.startsWith("activate b")) order = deployer.rollback(null, state.stop);
  };
  await assert.rejects(deployer.pass(state.stop), { code: "activation-failed" });
  assert.match((await order as { message: string }).message, /has gone back to .*-c already/);
  assert.equal(state.current, path("c"));
  assert.deepEqual(journal.record.bad.map((bad) => bad.path), [path("b")]);
});

Deno.test("Deployer deploys nothing while it is paused, and goes on when the pause runs out", async () => {
  const { state, settled, take } = world();
  const deployer = await settled();
  deployer.pause("the auditors are here", state.clock.now() + 60_000);
  state.latest = 2;
  const { refusal } = await deployer.pass(state.stop);
  assert.match(refusal?.why ?? "", /until .*: the auditors are here$/);
  assert.ok(!take().includes("realise b"));
  await state.clock.advance(60_000);
  assert.equal((await deployer.pass(state.stop)).deployed, true);
});

Deno.test("Deployer does not switch to what was realised while it was being paused", async () => {
  const { state, journal, settled } = world();
  const deployer = await settled();
  state.latest = 2;
  state.on = (stage) => {
    if (stage === "realise b") deployer.pause(null, null);
  };
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "paused");
  assert.equal(state.current, path("a"));
  state.on = () => {};
  deployer.resume();
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.equal(journal.record.work?.id, 2, "it is the same deployment");
});

Deno.test("Deployer rolls back when the operator says so, and deploys that build again only after `retry`", async () => {
  const { state, journal, settled, take } = world();
  const deployer = await settled();
  state.latest = 2;
  await deployer.pass(state.stop);
  take();
  const { message } = await deployer.rollback(null, state.stop);
  assert.match(message, /back at .*-a; build 2 is marked bad/);
  assert.deepEqual(take(), ["protect a", "switch a", "activate a from b build 1", "verify a", "release"]);
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "marked-bad");
  assert.match(deployer.retry().message, /build 2 is not marked bad any more/);
  assert.match(deployer.retry().message, /no mark stands against the latest build, and nothing has failed/);
  journal.note({ failures: 2 });
  assert.match(deployer.retry().message, /what has failed is tried again/);
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.equal(journal.record.active?.path, path("b"));
});

Deno.test("Deployer says that there is nothing to roll back to", async () => {
  const { state, settled } = world();
  const deployer = await settled();
  await assert.rejects(deployer.rollback(null, state.stop), { code: "usage" });
});

for (const stage of ["realise b", "verify b and Hydra"]) {
  Deno.test(`Deployer lets the operator roll back in the middle of '${stage}'`, async () => {
    const { state, journal, settled } = world();
    const deployer = await settled();
    state.latest = 4;
    await deployer.pass(state.stop);
    state.latest = 2;
    state.builds.set(2, "b");
    let rollback: Promise<unknown> = Promise.resolve();
    let once = true;
    state.on = (now) => {
      if (now !== stage || !once) return;
      once = false;
      rollback = deployer.rollback(null, state.stop);
    };
    await deployer.pass(state.stop);
    await rollback;
    // From a version that is being tried back to what was active; from a realisation to what was active before that.
    assert.equal(state.current, path(stage.startsWith("realise") ? "a" : "c"));
    assert.equal(journal.record.state, "rolled-back");
  });
}
