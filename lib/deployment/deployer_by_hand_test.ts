/** Somebody else changes the profile. */
import assert from "node:assert/strict";
import { path, world } from "../../tests/support/deployer_world.ts";

Deno.test("Deployer respects a change by hand: the build that was left is not deployed again, another one is", async () => {
  const { state, journal, settled, take, names } = world();
  const deployer = await settled();
  state.current = path("z");
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "marked-bad");
  await deployer.pass(state.stop);
  assert.deepEqual(take(), ["latest", "latest"]);
  assert.deepEqual(names(), ["changed-by-hand", "not-deployed"]);
  assert.equal(journal.record.active?.how, "by-hand");
  assert.equal(journal.history.get(2)?.kind, "by-hand");
  state.latest = 2;
  await deployer.pass(state.stop);
  assert.ok(take().includes("activate b from z build 2"));
});

Deno.test("Deployer notices a change that was made while it did not run, and activates what was chosen", async () => {
  const { state, settled, make, take, names } = world();
  await settled();
  state.current = path("z");
  const deployer = make();
  await deployer.start(state.stop);
  assert.deepEqual(take(), ["release", "activate z from z build -", "verify z", "collect z", "release"]);
  assert.equal(names()[0], "changed-by-hand");
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "marked-bad");
  assert.equal(state.current, path("z"));
});

Deno.test("Deployer holds everything after a change by hand where it was told so, until `resume`", async () => {
  const { state, settled } = world({ onManualChange: "hold" });
  const deployer = await settled();
  state.current = path("z");
  state.latest = 2;
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "held");
  assert.match(deployer.resume().message, /hold .* is over/);
  assert.equal((await deployer.pass(state.stop)).deployed, true);
});

Deno.test("Deployer undoes a change by hand where it was told to ignore it", async () => {
  const { state, settled } = world({ onManualChange: "ignore" });
  const deployer = await settled();
  state.current = path("z");
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.equal(state.current, path("a"));
});

for (const stage of ["activate b from a build 2", "verify b and Hydra"]) {
  Deno.test(`Deployer respects a change by hand during '${stage}'`, async () => {
    const { state, journal, settled, take } = world();
    const deployer = await settled();
    state.latest = 2;
    state.on = (now) => {
      if (now === stage) state.current = path("z");
    };
    await deployer.pass(state.stop);
    assert.equal(state.current, path("z"));
    assert.equal(journal.record.state, "held");
    assert.ok(!take().includes("switch a"), "nothing is rolled back");
    assert.equal(journal.record.active?.path, path("z"));
  });
}

Deno.test("Deployer deploys a newer build although somebody has left the older one while it was being realised", async () => {
  const { state, journal, settled } = world();
  const deployer = await settled();
  state.latest = 2;
  state.on = (now) => {
    if (now !== "realise b") return;
    state.current = path("z");
    state.on = () => {};
  };
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.equal(state.current, path("b"));
  assert.deepEqual(journal.record.bad.map((bad) => bad.path), [path("a")]);
});

Deno.test("Deployer gives up for this time where somebody changes the profile again and again", async () => {
  const { state, settled } = world();
  const deployer = await settled();
  state.latest = 2;
  let times = 0;
  state.on = (now) => {
    if (now === "realise b") state.current = path(`z${times++ % 2}`);
  };
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "held");
  assert.equal(times, 3);
});
