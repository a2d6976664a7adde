import assert from "node:assert/strict";
import { failure, path, world } from "../../tests/support/deployer_world.ts";
import type { Failure } from "../failure/failure.ts";

Deno.test("Deployer deploys the first build of a profile that does not exist yet", async () => {
  const { state, journal, make, take, names } = world();
  const deployer = make();
  await deployer.start(state.stop);
  assert.deepEqual(take(), ["release"], "there is nothing to activate");
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.deepEqual(take(), [
    "latest",
    "build 1",
    "realise a",
    "switch a",
    "activate a from - build 1",
    "verify a and Hydra",
    "collect a",
    "release",
  ]);
  assert.deepEqual(names(), ["build-found", "realise", "switch", "activate", "activated"]);
  assert.deepEqual(journal.transitions.map(({ event }) => event), [
    "build-found",
    "admitted",
    "realised",
    "switched",
    "activated",
    "verified",
  ]);
  assert.equal(journal.record.active?.buildId, 1);
  assert.equal(journal.record.work?.outcome, "active");
});

Deno.test("Deployer asks one question when nothing is new, and deploys what is", async () => {
  const { state, settled, take } = world();
  const deployer = await settled();
  assert.equal((await deployer.pass(state.stop)).deployed, false);
  assert.deepEqual(take(), ["latest"]);
  state.latest = 2;
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.deepEqual(take().slice(1), [
    "build 2",
    "realise b",
    "protect a",
    "switch b",
    "activate b from a build 2",
    "verify b and Hydra",
    "collect b,a",
    "release",
  ]);
});

Deno.test("Deployer activates an existing profile at the start, and not again when it is the latest", async () => {
  const { state, journal, make, take } = world();
  state.current = path("a");
  const deployer = make();
  await deployer.start(state.stop);
  assert.deepEqual(take(), ["release", "activate a from a build -", "verify a", "collect a", "release"]);
  assert.equal(journal.record.active?.how, "found");
  assert.equal((await deployer.pass(state.stop)).deployed, false);
  assert.deepEqual(take(), ["latest", "build 1"]);
  assert.equal(journal.record.active?.buildId, 1, "now it is known which build it is");
});

Deno.test("Deployer reports a failed activation at the start, and the next build still comes", async () => {
  const { state, journal, make, take, names } = world();
  state.current = path("a");
  state.latest = 2;
  state.fail.set("activate", failure("activation-failed"));
  const deployer = make();
  await deployer.start(state.stop);
  assert.deepEqual(names(), ["activate", "failure"]);
  assert.equal(journal.record.state, "failed");
  assert.deepEqual(journal.record.bad, [], "what the host ran before is not marked bad");
  state.fail.clear();
  take();
  await deployer.pass(state.stop);
  assert.deepEqual(take(), [
    "latest",
    "build 2",
    "realise b",
    "protect a",
    "switch b",
    "activate b from a build 2",
    "verify b and Hydra",
    "collect b",
    "release",
  ]);
});

Deno.test("Deployer fails with the activation of the start when that path is the latest, and then runs it again", async () => {
  const { state, make, take } = world();
  state.current = path("a");
  state.fail.set("activate", failure("activation-failed"));
  const deployer = make();
  await deployer.start(state.stop);
  take();
  await assert.rejects(deployer.pass(state.stop), { code: "activation-failed" });
  assert.deepEqual(take(), ["latest", "build 1"], "it is not run twice in a row");
  state.fail.clear();
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.deepEqual(take().slice(0, 2), ["activate a from a build -", "verify a"]);
});

for (const stage of ["realise", "switch"] as const) {
  Deno.test(`Deployer tries again after a ${stage} that failed, and holds nothing against the build`, async () => {
    const { state, journal, settled, take } = world();
    const deployer = await settled();
    state.latest = 2;
    state.fail.set(stage, failure("cache-unreachable"));
    await assert.rejects(deployer.pass(state.stop), { code: "cache-unreachable" });
    await assert.rejects(deployer.pass(state.stop), { code: "cache-unreachable" });
    assert.equal(journal.record.state, "waiting");
    assert.equal(deployer.failures, 2);
    assert.deepEqual(journal.record.bad, []);
    assert.ok(!take().some((done) => done.startsWith("activate")), "the old version runs on undisturbed");
    state.fail.clear();
    assert.equal((await deployer.pass(state.stop)).deployed, true);
    assert.equal(journal.record.work?.id, 2, "many tries are one deployment");
    assert.equal(deployer.failures, 0);
  });
}

const BROKEN = {
  activate: ["activation-failed", "activation"],
  verify: ["health-failed", "health"],
} as const;

for (const stage of ["activate", "verify"] as const) {
  const [code, step] = BROKEN[stage];

  Deno.test(`Deployer goes back to what was active when ${stage} fails, and does not try that build again`, async () => {
    const { state, journal, settled, take, names } = world();
    const deployer = await settled();
    state.latest = 2;
    state.fail.set(`${stage} b`, failure(code));
    await assert.rejects(deployer.pass(state.stop), (error: Failure) => {
      assert.equal(error.code, code);
      assert.match(error.message, /^build 2: .*broken; rolled back to .*-a$/);
      return true;
    });
    assert.deepEqual(take().slice(-4), ["switch a", "activate a from b build 1", "verify a", "release"]);
    assert.equal(state.current, path("a"));
    assert.equal(journal.record.state, "rolled-back");
    assert.equal(journal.record.active?.path, path("a"));
    assert.deepEqual(journal.record.bad.map((bad) => [bad.path, bad.buildId, bad.step]), [[
      path("b"),
      2,
      step,
    ]]);
    assert.ok(names().includes("rolled-back"));

    const { refusal } = await deployer.pass(state.stop);
    assert.equal(refusal?.code, "marked-bad");
    await deployer.pass(state.stop);
    assert.deepEqual(names(), ["not-deployed"], "it is said once");
    assert.deepEqual(take(), ["latest", "latest"]);

    state.latest = 4;
    assert.equal((await deployer.pass(state.stop)).deployed, true);
    assert.equal(state.current, path("c"));
  });

  Deno.test(`Deployer takes a first deployment back when ${stage} fails`, async () => {
    const { state, journal, make, take } = world();
    const deployer = make();
    await deployer.start(state.stop);
    state.fail.set(stage, failure(code));
    await assert.rejects(deployer.pass(state.stop), { code });
    assert.deepEqual(take().slice(-3), ["deactivate a", "remove a", "release"]);
    assert.equal(state.current, null);
    assert.equal(journal.record.state, "rolled-back");
    assert.equal(journal.record.active, null);
    assert.equal((await deployer.pass(state.stop)).refusal?.code, "marked-bad");
  });
}

Deno.test("Deployer is loud about a roll-back that fails, retries only that, and never the build", async () => {
  const { state, journal, settled, take } = world();
  const deployer = await settled();
  state.latest = 2;
  state.fail.set("activate", failure("activation-failed"));
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed", exitStatus: 17 });
  take();
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  assert.deepEqual(take(), ["switch a", "activate a from b build 1", "release", "latest"]);
  assert.equal(journal.record.state, "failed");
  state.fail.clear();
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "marked-bad");
  assert.equal(journal.record.state, "rolled-back");
  assert.equal(journal.record.deployments, 2, "it is one deployment all along");
});

Deno.test("Deployer lets a newer build mend a roll-back that fails", async () => {
  const { state, journal, settled } = world();
  const deployer = await settled();
  state.latest = 2;
  state.fail.set("activate a", failure("activation-failed"));
  state.fail.set("activate b", failure("activation-failed"));
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  state.latest = 4;
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.equal(journal.record.active?.path, path("c"));
});

Deno.test("Deployer records a degraded activation and goes on", async () => {
  const { state, journal, make } = world();
  state.degraded = true;
  await make().pass(state.stop);
  assert.equal(journal.record.active?.degraded, true);
  assert.equal(state.events.find(({ name }) => name === "activated")?.level, "warning");
});

Deno.test("Deployer neither switches nor activates again for a new build with the old path", async () => {
  const { state, journal, settled, take } = world();
  const deployer = await settled();
  state.latest = 3;
  assert.equal((await deployer.pass(state.stop)).deployed, false);
  assert.deepEqual(take(), ["latest", "build 3"]);
  assert.equal(journal.record.active?.buildId, 3);
});

Deno.test("Deployer follows Hydra backwards, with a warning, unless it was told not to", async () => {
  for (const refuseDowngrade of [false, true]) {
    const { state, make } = world({ refuseDowngrade });
    const deployer = make();
    state.latest = 2;
    await deployer.pass(state.stop);
    state.latest = 1;
    const { refusal } = await deployer.pass(state.stop);
    assert.equal(refusal?.code, refuseDowngrade ? "downgrade-refused" : undefined);
    assert.equal(state.current, path(refuseDowngrade ? "b" : "a"));
    const found = state.events.filter(({ name }) => name === "build-found").at(-1);
    assert.equal(found?.level, "warning");
    assert.match(found?.message ?? "", /back from 2 to 1/);
  }
});

Deno.test("Deployer tries on to go back while a newer build cannot be realised, and never settles at the bad one", async () => {
  const { state, journal, settled, make, take } = world();
  const deployer = await settled();
  state.latest = 2;
  state.fail.set("activate b", failure("activation-failed"));
  state.fail.set("switch a", failure("switch-failed"));
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  assert.equal(state.current, path("b"));
  state.latest = 4;
  state.fail.set("realise c", failure("path-unavailable"));
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  assert.equal(journal.record.state, "failed");
  assert.equal(journal.record.work?.kind, "rescue");
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  assert.equal(journal.record.deployments, 3, "the tries are one deployment");
  take();
  // It is so after a restart, too, and as soon as the way back is free, it is taken.
  const next = make();
  state.fail.delete("switch a");
  await next.start(state.stop);
  assert.deepEqual(take().slice(0, 3), ["switch a", "activate a from c build 1", "verify a"]);
  assert.equal(journal.record.state, "rolled-back");
  state.fail.delete("realise c");
  assert.equal((await next.pass(state.stop)).deployed, true);
  assert.equal(state.current, path("c"));
});

Deno.test("Deployer tells of a service that is not well rather than of a Hydra that is away", async () => {
  const { state, settled, names } = world();
  const deployer = await settled();
  state.latest = 2;
  state.fail.set("activate", failure("activation-failed"));
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  state.fail.set("latest", failure("hydra-unreachable"));
  names();
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  assert.ok(names().includes("failure"), "Hydra's absence is reported as well");
});

Deno.test("Deployer gives up an activation that takes hail down with it again and again", async () => {
  const { state, journal, settled, make, take } = world();
  await settled();
  state.latest = 2;
  let deployer = make();
  for (let times = 1; times <= 3; times++) {
    state.on = (now) => {
      if (now.startsWith("activate b")) throw new Error("killed");
    };
    if (times > 1) await deployer.start(state.stop);
    else await assert.rejects(deployer.pass(state.stop), /killed/);
    assert.equal(journal.record.state, "activating");
    deployer = make();
  }
  state.on = () => {};
  take();
  await deployer.start(state.stop);
  assert.equal(journal.record.state, "rolled-back");
  assert.equal(state.current, path("a"));
  assert.ok(!take().some((done) => done.startsWith("activate b")));
  assert.match(journal.record.bad[0]?.reason ?? "", /begun 3 times/);
});

Deno.test("Deployer holds nothing against a build whose activation could not be begun", async () => {
  const { state, journal, settled } = world();
  const deployer = await settled();
  state.latest = 2;
  state.fail.set("activate b", failure("activation-not-run"));
  await assert.rejects(deployer.pass(state.stop), { code: "activation-not-run" });
  assert.equal(journal.record.state, "activating");
  state.fail.clear();
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.equal(journal.record.active?.path, path("b"));
});

Deno.test("Deployer goes on from a kill between finding and admitting, whoever comes first", async () => {
  for (const first of ["pass", "rollback"] as const) {
    const { state, journal, settled, make } = world();
    await settled();
    state.latest = 4;
    await make().pass(state.stop);
    journal.record = { ...journal.record, state: "discovered" };
    if (first === "pass") assert.equal((await make().pass(state.stop)).deployed, false);
    else await make().rollback(null, state.stop);
    assert.equal(state.current, path(first === "pass" ? "c" : "a"));
  }
});

Deno.test("Deployer does not begin the next step when it is told to stop, and takes it at the next start", async () => {
  const { state, settled, make, take } = world();
  const deployer = await settled();
  state.latest = 2;
  state.on = (stage) => {
    if (stage === "switch b") state.gently.abort(new Error("stopped"));
  };
  await assert.rejects(deployer.pass(state.stop), /stopped/);
  assert.equal(take().at(-1), "switch b");
  const stop = { gently: new AbortController().signal, now: state.now.signal };
  const next = make();
  await next.start(stop);
  assert.deepEqual(take(), ["activate b from a build 2", "verify b and Hydra", "collect b,a", "release"]);
  assert.equal((await next.pass(stop)).deployed, false);
});

Deno.test("Deployer keeps what it learnt in a journal that outlives it", async () => {
  const { state, settled, make } = world();
  const deployer = await settled();
  state.latest = 2;
  state.fail.set("verify b", failure("health-failed"));
  await assert.rejects(deployer.pass(state.stop));
  const next = make();
  await next.start(state.stop);
  assert.equal((await next.pass(state.stop)).refusal?.code, "marked-bad");
  assert.equal(state.current, path("a"));
});
