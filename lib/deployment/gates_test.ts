import assert from "node:assert/strict";
import { failure, path, world } from "../../tests/support/deployer_world.ts";
import type { Closed } from "./record.ts";

const HOUR = 3_600_000;
const closed = (parts: Partial<Closed> = {}): Closed => ({
  gate: "window nightly",
  why: "not now",
  askAgainAt: null,
  ...parts,
});

Deno.test("Deployer realises nothing while a gate is closed, says so, and deploys when it opens", async () => {
  const { state, journal, settled, take, names } = world();
  const deployer = await settled();
  state.latest = 2;
  state.closed = closed({ askAgainAt: state.clock.now() + HOUR });
  const result = await deployer.pass(state.stop);
  assert.equal(result.deployed, false);
  assert.deepEqual(result.refusal, {
    code: "gate-closed",
    why: "the gate 'window nightly' is closed: not now",
    next: "hail asks again after 2026-01-01T01:00:00Z.",
    askAgainAt: state.clock.now() + HOUR,
  });
  assert.deepEqual(take(), ["latest", "build 2", "ask b"]);
  assert.equal(journal.record.state, "held");
  assert.deepEqual(journal.record.closed, state.closed);
  assert.equal(deployer.failures, 0, "a closed gate is no failure");
  assert.deepEqual(names(), ["build-found", "not-deployed"]);
  state.closed = null;
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.deepEqual(take().slice(0, 3), ["latest", "realise b", "protect a"]);
  assert.equal(journal.record.active?.buildId, 2);
  assert.equal(journal.record.closed, null);
});

Deno.test("Deployer tells of a closed gate once, whatever it says from poll to poll, and of another one anew", async () => {
  const { state, journal, settled, names } = world();
  const deployer = await settled();
  state.latest = 2;
  for (const why of ["3 builds are missing", "2 builds are missing"]) {
    state.closed = closed({ gate: "jobset all", why });
    await deployer.pass(state.stop);
    assert.equal(journal.record.closed?.why, why, "the status has the newest");
  }
  assert.deepEqual(names(), ["build-found", "not-deployed"]);
  state.closed = closed();
  await deployer.pass(state.stop);
  assert.deepEqual(names(), ["not-deployed"]);
  state.latest = 4;
  await deployer.pass(state.stop);
  assert.deepEqual(names(), ["build-found", "not-deployed"], "and of another build");
});

Deno.test("Deployer tells a closed gate at the level of information", async () => {
  const { state, settled } = world();
  const deployer = await settled();
  state.latest = 2;
  state.closed = closed();
  await deployer.pass(state.stop);
  const event = state.events.find(({ name }) => name === "not-deployed");
  assert.equal(event?.level, "info");
  assert.equal(
    event?.message,
    "build 2 (b) is not deployed: the gate 'window nightly' is closed: not now. hail asks again at each poll.",
  );
});

Deno.test("Deployer asks no gate about what is deployed already, and forgets one that is of no account any more", async () => {
  const { state, journal, settled, take } = world();
  const deployer = await settled();
  state.latest = 2;
  state.closed = closed();
  await deployer.pass(state.stop);
  take();
  // Hydra goes back to what is active.
  state.latest = 1;
  assert.equal((await deployer.pass(state.stop)).refusal, null);
  assert.deepEqual(take(), ["latest", "build 1", "release"]);
  assert.equal(journal.record.state, "active");
  assert.equal(journal.record.closed, null);
});

Deno.test("Deployer tells the gates of a first deployment, and since when a build is known", async () => {
  const { state, make, take } = world();
  const deployer = make();
  const begin = state.clock.now();
  state.closed = closed();
  await deployer.start(state.stop);
  await deployer.pass(state.stop);
  assert.deepEqual(take().slice(-1), ["ask a first"]);
  await state.clock.advance(HOUR);
  await deployer.pass(state.stop);
  assert.deepEqual(take(), ["latest", "ask a first"]);
  assert.equal(state.knownSince, begin);
  state.closed = null;
  await deployer.pass(state.stop);
  state.latest = 2;
  state.closed = closed();
  take();
  await deployer.pass(state.stop);
  assert.deepEqual(take(), ["latest", "build 2", "ask b"]);
  assert.equal(state.knownSince, begin + HOUR);
  // Another hail asks with what this one knows.
  await state.clock.advance(HOUR);
  const next = make();
  await next.start(state.stop);
  await next.pass(state.stop);
  assert.equal(state.knownSince, begin + HOUR);
});

Deno.test("Deployer lets a build be known from the first question on where nobody wrote down since when", async () => {
  const { state, journal, settled } = world();
  const deployer = await settled();
  state.latest = 2;
  state.closed = closed();
  await deployer.pass(state.stop);
  journal.note({ latestSince: null });
  const begin = state.clock.now();
  for (let poll = 0; poll < 2; poll++) {
    await deployer.pass(state.stop);
    assert.equal(state.knownSince, begin);
    await state.clock.advance(HOUR);
  }
});

Deno.test("Deployer does not switch to what was realised when a gate has closed meanwhile", async () => {
  const { state, journal, settled, take, names } = world();
  const deployer = await settled();
  state.latest = 2;
  state.on = (stage) => {
    if (stage === "realise b") state.closed = closed();
  };
  const result = await deployer.pass(state.stop);
  assert.equal(result.refusal?.code, "gate-closed");
  assert.equal(result.deployed, false);
  assert.deepEqual(take(), ["latest", "build 2", "realise b", "ask b", "release"], "it is asked once");
  assert.equal(journal.record.state, "held");
  assert.equal(state.current, path("a"));
  assert.deepEqual(names(), ["build-found", "realise", "not-deployed"]);
  state.on = () => {};
  state.closed = null;
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.equal(state.current, path("b"));
  assert.equal(journal.record.work?.id, 2, "it is the same deployment");
});

Deno.test("Deployer does not know whether a gate is open: the pass fails, and the next one asks again", async () => {
  const { state, journal, settled, take } = world();
  const deployer = await settled();
  state.latest = 2;
  state.closed = closed();
  state.fail.set("ask", failure("gate-failed"));
  await assert.rejects(deployer.pass(state.stop), { code: "gate-failed" });
  assert.equal(deployer.failures, 1);
  assert.equal(journal.record.state, "active", "nothing was begun");
  assert.equal(journal.record.lastFailure?.code, "gate-failed");
  assert.deepEqual(take(), ["latest", "build 2", "ask b"]);
  state.fail.clear();
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "gate-closed");
  assert.equal(deployer.failures, 0);
});

Deno.test("Deployer waits where it cannot be known before the switch whether a gate is open", async () => {
  const { state, journal, settled, take } = world();
  const deployer = await settled();
  state.latest = 2;
  state.on = (stage) => {
    if (stage === "realise b") state.closed = closed();
  };
  state.fail.set("ask", failure("gate-failed"));
  await assert.rejects(deployer.pass(state.stop), { code: "gate-failed" });
  assert.equal(journal.record.state, "waiting");
  assert.equal(state.current, path("a"));
  assert.deepEqual(journal.record.bad, [], "that is not the build's fault");
  take();
  state.on = () => {};
  state.fail.clear();
  state.closed = null;
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.equal(journal.record.work?.id, 2, "it is the same deployment");
});

for (const about of ["before the realisation", "before the switch"]) {
  Deno.test(`Deployer lets the operator roll back while a gate is asked ${about}`, async () => {
    const { state, journal, settled, take } = world();
    const deployer = await settled();
    state.latest = 2;
    await deployer.pass(state.stop);
    state.latest = 4;
    let asked = 0;
    let back: Promise<unknown> = Promise.resolve();
    state.on = (stage) => {
      if (stage !== "ask c" || ++asked < (about === "before the switch" ? 2 : 1)) return;
      back = deployer.rollback(null, state.stop);
    };
    take();
    const result = await deployer.pass(state.stop);
    assert.deepEqual([result.deployed, result.refusal?.why], [false, "the operator rolls back"]);
    await back;
    assert(!take().includes("switch c"));
    assert.equal(state.current, path("a"));
    assert.equal(journal.record.active?.buildId, 1);
    state.on = () => {};
    assert.equal((await deployer.pass(state.stop)).deployed, true, "a newer build comes after that");
    assert.equal(state.current, path("c"));
  });

  Deno.test(`Deployer heeds a pause that comes while a gate is asked ${about}`, async () => {
    const { state, journal, settled, take } = world();
    const deployer = await settled();
    state.latest = 2;
    let asked = 0;
    state.on = (stage) => {
      if (stage === "ask b" && ++asked === (about === "before the switch" ? 2 : 1)) {
        deployer.pause("wait", null);
      }
    };
    const result = await deployer.pass(state.stop);
    assert.equal(result.refusal?.code, "paused");
    assert.equal(take().includes("realise b"), about === "before the switch");
    assert.equal(state.current, path("a"));
    assert.equal(journal.record.state, "held");
    deployer.resume();
    assert.equal((await deployer.pass(state.stop)).deployed, true);
  });

  Deno.test(`Deployer can be stopped while a gate is asked ${about}`, async () => {
    const { state, journal, settled, make } = world();
    const deployer = await settled();
    state.latest = 2;
    let asked = 0;
    state.on = (stage) => {
      if (stage === "ask b" && ++asked === (about === "before the switch" ? 2 : 1)) {
        state.gently.abort(new Error("stop"));
      }
    };
    await assert.rejects(deployer.pass(state.stop), (error) => error === state.gently.signal.reason);
    assert.equal(deployer.failures, 0);
    assert.equal(state.current, path("a"));
    // The next hail asks anew.
    state.on = () => {};
    state.closed = closed();
    const stop = { gently: new AbortController().signal, now: state.stop.now };
    const next = make();
    await next.start(stop);
    assert.equal((await next.pass(stop)).refusal?.code, "gate-closed");
    assert.equal(state.current, path("a"));
    assert.equal(journal.record.state, "held");
  });
}

Deno.test("Deployer tells of a service that is not well rather than of a gate that keeps what may mend it away", async () => {
  const { state, journal, settled, take } = world();
  const deployer = await settled();
  state.latest = 2;
  state.fail.set("verify", failure("health-failed"));
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  state.latest = 4;
  state.closed = closed();
  take();
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  assert(take().includes("ask c"));
  assert.deepEqual(journal.record.closed, state.closed, "the status shows both");
  assert.equal(journal.record.state, "failed");
  state.fail.set("ask", failure("gate-failed"));
  await assert.rejects(deployer.pass(state.stop), { code: "rollback-failed" });
  assert(state.events.some(({ fields }) => fields?.["code"] === "gate-failed"), "but it is in the log");
  state.fail.clear();
  state.closed = null;
  await deployer.pass(state.stop);
  assert.equal(journal.record.active?.buildId, 4);
});

Deno.test("Deployer passes the gates once, before the realisation and before the switch, when the operator says so", async () => {
  const { state, journal, settled, take } = world();
  const deployer = await settled();
  state.latest = 2;
  state.closed = closed();
  await deployer.pass(state.stop);
  take();
  deployer.letPass();
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert(!take().some((stage) => stage.startsWith("ask")));
  assert.equal(journal.record.closed, null);
  state.latest = 4;
  assert.equal(
    (await deployer.pass(state.stop)).refusal?.code,
    "gate-closed",
    "the next time they are asked",
  );
});

Deno.test("Deployer keeps to a pause although the operator has let a build pass the gates", async () => {
  const { state, settled } = world();
  const deployer = await settled();
  state.latest = 2;
  state.closed = closed();
  deployer.pause(null, null);
  deployer.letPass();
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "paused");
  deployer.resume();
  assert.equal((await deployer.pass(state.stop)).refusal?.code, "gate-closed", "the word was for one poll");
});

Deno.test("Deployer goes back to a version without asking a gate", async () => {
  const { state, settled, take } = world();
  const deployer = await settled();
  state.latest = 2;
  state.fail.set("verify b", failure("health-failed"));
  state.on = (stage) => {
    if (stage.startsWith("activate")) state.closed = closed();
  };
  await assert.rejects(deployer.pass(state.stop), { code: "health-failed" });
  assert.equal(state.current, path("a"));
  assert(!take().some((stage) => stage.startsWith("ask")));
});

Deno.test("Deployer gives what a gate says to who asked for one pass", async () => {
  const { state, make } = world();
  state.closed = closed({ why: "the batch runs" });
  const deployer = make();
  await deployer.start(state.stop);
  const { deployed, refusal, build } = await deployer.pass(state.stop);
  assert.deepEqual([deployed, refusal?.code, build.id], [false, "gate-closed", 1]);
  assert.equal(refusal?.askAgainAt, undefined);
  assert.equal(state.current, null);
});
