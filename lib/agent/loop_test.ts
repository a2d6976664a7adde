import assert from "node:assert/strict";
import type { PassResult } from "../deployment/deployer.ts";
import { Failure } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import type { Event } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Bell } from "./bell.ts";
import { type AgentPorts, runLoop, runOnce } from "./loop.ts";
import type { Plan } from "./plan.ts";
import { Stopped } from "./signals.ts";

const PERIOD = 300_000;
const build = {
  id: 5,
  name: "web",
  outPath: "/nix/store/00000000000000000000000000000000-web" as StorePath,
  finishedAt: null,
};
const nothing: PassResult = { build, deployed: false, refusal: null };
const deployed: PassResult = { build, deployed: true, refusal: null };
const failed = (retryAfter?: number) =>
  new Failure("hydra-failed", {
    what: "Hydra",
    why: "it broke",
    next: "Wait.",
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });

/** A loop with virtual time whose passes give the results in turn, the last one again and again. */
function world(results: readonly (PassResult | Error)[]) {
  const clock = new VirtualClock();
  const polls: number[] = [];
  const wakes: boolean[] = [];
  const events: Event[] = [];
  const stages: string[] = [];
  const gently = new AbortController();
  const now = new AbortController();
  const bell = new Bell();
  const ports: AgentPorts & { deployer: { failures: number } } = {
    deployer: {
      failures: 0,
      planned: () => {},
      pass(_stop, woken) {
        polls.push(clock.monotonic());
        wakes.push(woken ?? false);
        const result = results[Math.min(polls.length, results.length) - 1] ?? nothing;
        this.failures = result instanceof Error ? this.failures + 1 : 0;
        return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
      },
    },
    clock,
    random: () => 0.999,
    stages: { enter: (stage) => stages.push(stage) },
    report: (event) => events.push(event),
    stop: { gently: gently.signal, now: now.signal },
    bell,
  };
  const begun = clock.monotonic();
  const times = () => polls.map((at) => Math.round((at - begun) / 1000));
  return { ports, clock, times, wakes, events, stages, gently, bell };
}

async function during(seconds: number, results: (PassResult | Error)[], period = PERIOD, phase = 0) {
  const its = world(results);
  const loop = runLoop(its.ports, { period, phase });
  await its.clock.advance(seconds * 1000);
  its.gently.abort(new Stopped("SIGTERM"));
  await its.clock.advance(0);
  await loop;
  return its;
}

Deno.test("runLoop polls at once, and then once a period at its phase", async () => {
  const { times } = await during(1300, [nothing]);
  const [first, second = 0, ...rest] = times();
  assert.equal(first, 0);
  assert.ok(second >= 150 && second <= 450, String(second));
  assert.deepEqual(rest.slice(0, 2), [second + 300, second + 600]);
});

Deno.test("runLoop polls again at once after a deployment, and not forever", async () => {
  assert.deepEqual((await during(10, [deployed, nothing])).times(), [0, 0]);
  assert.equal((await during(10, [deployed])).times().length, 5);
});

Deno.test("runLoop backs off after failures, up to the period, and never spins", async () => {
  const switchFailed = new Failure("switch-failed", { what: "nix-env", why: "it broke", next: "Look." });
  const { times, events, stages } = await during(2000, [switchFailed]);
  const gaps = times().slice(1).map((at, index) => at - (times()[index] ?? 0));
  assert.deepEqual(gaps.slice(0, 6), [5, 10, 20, 40, 80, 160]);
  assert.deepEqual(times().slice(7), [600, 900, 1200, 1500, 1800], "in the end it is at its turns");
  const failure = events.find(({ name }) => name === "failure");
  assert.equal(failure?.message, "nix-env: it broke. Look. Next try in 5s.");
  assert.equal(failure?.fields?.["failures"], 1);
  assert.match(stages.at(-1) ?? "", /^failed: nix-env: it broke; next poll at .*Z$/);
});

Deno.test("runLoop tries a Hydra that fails once more soon, and then at its turns", async () => {
  assert.deepEqual((await during(1000, [failed()])).times(), [0, 5, 300, 600, 900]);
  assert.deepEqual((await during(1000, [failed()], PERIOD, 77_000)).times(), [0, 5, 77, 377, 677, 977]);
});

Deno.test("runLoop looks again soon while this host has no network", async () => {
  const why = { what: "Hydra", why: "no network", next: "Look.", unnoticed: true };
  const { times } = await during(100, [new Failure("hydra-unreachable", why)]);
  assert.deepEqual(times(), [0, 5, 15, 35, 75]);
});

Deno.test("runLoop honours Retry-After beyond the period", async () => {
  const { times } = await during(1000, [failed(600_000), nothing], 60_000, 1_000);
  assert.equal(times()[1], 601, "and then its own turn");
});

Deno.test("runLoop goes on after an error that nobody foresaw, and says when all is well again", async () => {
  const { times, events } = await during(20, [new TypeError("bug"), nothing]);
  assert.deepEqual(times(), [0, 5]);
  assert.deepEqual(events.map(({ name }) => name), ["failure", "recovered", "idle"]);
  assert.match(events[0]?.message ?? "", /hail itself is at fault/);
});

Deno.test("runLoop ends at once when it is told to stop while idle", async () => {
  const { times } = await during(0.1, [nothing]);
  assert.deepEqual(times(), [0]);
});

Deno.test("runLoop reports what failed while it was told to stop, and not the stop itself", async () => {
  for (const [error, told] of [[failed(), true], [new TypeError("bug"), true], [null, false]] as const) {
    const its = world([nothing]);
    const pass = () => {
      its.gently.abort(new Stopped("SIGTERM"));
      return Promise.reject(error ?? its.gently.signal.reason);
    };
    await runLoop({ ...its.ports, deployer: { ...its.ports.deployer, pass } }, { period: PERIOD, phase: 0 });
    assert.equal(its.events.some(({ name }) => name === "failure"), told);
  }
});

Deno.test("runLoop polls at once when the bell rings, also when it rang during a pass", async () => {
  const its = world([nothing]);
  const loop = runLoop(its.ports, { period: PERIOD, phase: 0 });
  await its.clock.advance(10_000);
  its.bell.ring();
  await its.clock.advance(0);
  assert.deepEqual(its.times(), [0, 10]);
  its.bell.ring();
  its.bell.ring();
  await its.clock.advance(0);
  assert.deepEqual(its.times(), [0, 10, 10]);
  assert.deepEqual(its.wakes, [false, true, true], "a pass knows that it was asked for");
  its.gently.abort();
  await its.clock.advance(0);
  await loop;
});

Deno.test("runOnce ends with the status of what happened", async () => {
  assert.equal(await runOnce(world([nothing]).ports), 0);
  assert.equal(await runOnce(world([deployed]).ports), 0);
  assert.equal(await runOnce(world([failed()]).ports), 10);
  assert.equal(await runOnce(world([new TypeError("bug")]).ports), 1);
});

Deno.test("runOnce polls no more when it was told to stop during the activation at the start", async () => {
  const its = world([nothing]);
  its.gently.abort(new Stopped("SIGINT"));
  await assert.rejects(runOnce(its.ports), { exitStatus: 130 });
  assert.deepEqual(its.times(), []);
});

Deno.test("runLoop looks again when a gate opens, each host at its own place, and not later than its next poll", async () => {
  const closed = (askAgainAt: number): PassResult => ({
    build,
    deployed: false,
    refusal: { code: "gate-closed", why: "not now", next: "Wait.", askAgainAt },
  });
  const its = world([nothing]);
  const opening = its.clock.now() + 60_000;
  const second = async (results: (PassResult | Error)[], phase: number) =>
    (await during(4000, results, 3_600_000, phase)).times()[1];
  const later = its.clock.now() + 600_000;
  assert.equal(await second([closed(later), nothing], 0), 601);
  assert.equal(await second([closed(later), nothing], 123_000), 601 + 123);
  assert.equal(await second([closed(later), nothing], 323_000), 601 + 23, "spread over five minutes");
  assert.equal(await second([closed(opening), nothing], 123_000), 61 + 1, "and over no more than the wait");
  assert.equal(await second([closed(0), nothing], 2_700), 2, "what has opened meanwhile is asked soon");
});

/** A loop that leaves when it is told to, for another one that takes its plan. */
function leaving(results: readonly (PassResult | Error)[]) {
  const its = world(results);
  let left = false;
  const run = (plan: Plan | null, period = PERIOD, phase = 0) =>
    runLoop({ ...its.ports, leaves: () => left, plan }, { period, phase });
  const leave = async (loop: Promise<Plan>) => {
    left = true;
    its.bell.stir();
    await its.clock.advance(0);
    const plan = await loop;
    left = false;
    return plan;
  };
  const end = async (loop: Promise<Plan>) => {
    its.gently.abort();
    await its.clock.advance(0);
    await loop;
  };
  return { ...its, run, leave, end };
}

Deno.test("runLoop ends when it is to leave, but not before a pass has ended", async () => {
  const its = leaving([nothing]);
  const ended = Promise.withResolvers<PassResult>();
  its.ports.deployer.pass = () => ended.promise;
  const loop = its.run(null);
  await its.clock.advance(1_000);
  let over = false;
  void loop.then(() => over = true);
  const leaves = its.leave(loop);
  await its.clock.advance(1_000);
  assert.equal(over, false);
  ended.resolve(nothing);
  await its.clock.advance(0);
  assert.equal((await leaves).at, its.clock.now() - 2_000 + 300_000, "its next poll is planned");
});

Deno.test("runLoop goes on with what the one before has planned: its turn, a quick retry, a gate that opens", async () => {
  const opens = (its: ReturnType<typeof leaving>): PassResult => ({
    build,
    deployed: false,
    refusal: { code: "gate-closed", why: "not now", next: "", askAgainAt: its.clock.now() + 60_000 },
  });
  for (
    const [first, expected] of [
      [() => nothing, 300],
      [() => failed(), 5],
      [() => failed(600_000), 600],
      [opens, 61],
    ] as const
  ) {
    const results: (PassResult | Error)[] = [];
    const its = leaving(results);
    results.push(first(its), nothing);
    const loop = its.run(null);
    await its.clock.advance(1_000);
    let next = its.run(await its.leave(loop));
    await its.clock.advance(1_000);
    next = its.run(await its.leave(next));
    await its.clock.advance((expected - 3) * 1_000);
    assert.deepEqual(its.times(), [0], `before ${expected} s`);
    await its.clock.advance(1_000);
    assert.deepEqual(its.times(), [0, expected]);
    await its.end(next);
  }
});

Deno.test("runLoop hands on that it was woken, also while it was to leave", async () => {
  for (const during of ["a pass", "the wait", "no loop"] as const) {
    const its = leaving([nothing]);
    const { promise: passes, resolve: endPass } = Promise.withResolvers<void>();
    const { pass } = its.ports.deployer;
    its.ports.deployer.pass = async (stop, woken) => {
      const result = await pass.call(its.ports.deployer, stop, woken);
      if (during === "a pass") await passes;
      return result;
    };
    const loop = its.run(null);
    await its.clock.advance(1_000);
    const left = its.leave(loop);
    if (during !== "no loop") its.bell.ring();
    endPass();
    await its.clock.advance(0);
    const plan = await left;
    if (during === "no loop") its.bell.ring();
    const next = its.run(plan);
    await its.clock.advance(0);
    assert.deepEqual(its.times(), [0, 1], during);
    assert.deepEqual(its.wakes, [false, true], during);
    await its.clock.advance(0);
    assert.equal(its.times().length, 2, "once");
    await its.end(next);
  }
});

Deno.test("runLoop sleeps on where it is stirred and there is nothing else to do", async () => {
  const its = leaving([nothing]);
  const loop = its.run(null);
  await its.clock.advance(1_000);
  its.bell.stir();
  await its.clock.advance(1_000);
  assert.deepEqual(its.times(), [0]);
  await its.end(loop);
});

Deno.test("runLoop takes a ring for answered by a pass that was due anyway", async () => {
  const its = leaving([nothing]);
  its.bell.ring();
  const loop = its.run(null);
  await its.clock.advance(1_000);
  assert.deepEqual(its.times(), [0]);
  assert.deepEqual(its.wakes, [true]);
  await its.end(loop);
});

Deno.test("runLoop hands on that it polls at once after a deployment", async () => {
  const its = leaving([deployed, nothing]);
  let left = false;
  const plan = await runLoop({
    ...its.ports,
    leaves: () => {
      const before = left;
      left = its.times().length > 0;
      return before || left;
    },
  }, { period: PERIOD, phase: 0 });
  assert.deepEqual(its.times(), [0]);
  const next = its.run(plan);
  await its.clock.advance(0);
  assert.deepEqual(its.times(), [0, 0]);
  await its.end(next);
});

Deno.test("runLoop polls at a new turn if that is sooner than what was planned", async () => {
  for (
    const [period, phase, expected] of [[60_000, 7_000, 67], [PERIOD, 200_000, 200], [
      3_600_000,
      0,
      300,
    ]] as const
  ) {
    const its = leaving([nothing]);
    const loop = its.run(null);
    await its.clock.advance(20_000);
    const next = its.run(await its.leave(loop), period, phase);
    await its.clock.advance(400_000);
    assert.equal(its.times()[1], expected);
    await its.end(next);
  }
});

Deno.test("runLoop plans whole moments of the wall clock, so that its turns are what phaseOf says", async () => {
  const its = world([nothing]);
  const planned: number[] = [];
  // As a real clock runs on between two looks.
  const clock: Clock = {
    now: () => its.clock.now() + planned.length + its.times().length,
    monotonic: () => its.clock.monotonic() + 0.3 * its.times().length,
    sleep: (duration, signal) => its.clock.sleep(duration, signal),
  };
  const deployer = { ...its.ports.deployer, planned: (at: number) => planned.push(at) };
  const loop = runLoop({ ...its.ports, clock, deployer }, { period: PERIOD, phase: 77_000 });
  await its.clock.advance(1_000_000);
  its.gently.abort();
  await its.clock.advance(0);
  await loop;
  assert.ok(planned.length >= 3);
  assert.deepEqual([...new Set(planned.map((at) => at % PERIOD))], [77_000]);
});
