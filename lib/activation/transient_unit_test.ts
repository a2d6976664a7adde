import assert from "node:assert/strict";
import { failedUnit, FakeUnits } from "../../tests/support/fake_units.ts";
import type { Activation } from "../deployment/ports.ts";
import type { StorePath } from "../nix/store_path.ts";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { createUnitActivator } from "./transient_unit.ts";
import { unitNames } from "./unit_name.ts";

const OLD = "/nix/store/00000000000000000000000000000000-web-1" as StorePath;
const NEW = "/nix/store/00000000000000000000000000000000-web-2" as StorePath;
const RUN: Activation = {
  id: "12-1",
  storePath: NEW,
  previous: OLD,
  buildId: 7,
  leader: null,
  onBegin() {},
  onLeader() {},
};
const TIME_LIMIT = 60_000;

/** A profile with programs that are only looked at, and a systemd that plays their part. */
async function scene(programs: readonly string[] = ["activate"], mode = 0o755) {
  const profile = await Deno.makeTempDir({ prefix: "hail-unit-" });
  await Deno.mkdir(`${profile}/bin`);
  for (const name of programs) await Deno.writeTextFile(`${profile}/bin/${name}`, "#!/bin/sh\n", { mode });
  const clock = new VirtualClock();
  const fake = new FakeUnits(clock);
  const events: Event[] = [];
  const gently = new AbortController();
  const stop = { gently: gently.signal, now: new AbortController().signal };
  const activator = createUnitActivator({
    profile,
    jobUri: "http://h/job/a/b/c/latest",
    timeLimit: TIME_LIMIT,
    degradedStatuses: [4, 100],
    environment: { PATH: "/bin", LANG: "C.UTF-8", TZ: "bad\nvalue" },
    run: fake.run,
    clock,
    report: (event) => events.push(event),
  });
  /** Lets time pass until the promise has settled. */
  const passing = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    const settle = () => settled = true;
    promise.then(settle, settle);
    while (!settled) {
      await clock.advance(250);
      // The disk is not virtual.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return await promise;
  };
  const names = unitNames(profile);
  return {
    ...{ profile, clock, fake, events, gently, activator, names, passing },
    unit: names.unit(RUN.id, "activate"),
    description: `hail: run 12-1, ${NEW}`,
    activate: (more: Partial<Activation> = {}) => passing(activator.activate({ ...RUN, ...more }, stop)),
    deactivate: () => passing(activator.deactivate(RUN, stop)),
    /** Waits until the activation is under way. */
    async begun() {
      while (fake.started.length === 0) {
        await clock.advance(10);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
    named: (name: string) => events.filter((event) => event.name === name).map(({ message }) => message),
    [Symbol.asyncDispose]: () => Deno.remove(profile, { recursive: true }),
  };
}

Deno.test("an activation becomes a unit of its own, with limits and variables, and without a shell", async () => {
  await using its = await scene();
  its.fake.plan = { duration: 5_000, lines: ["hello"] };
  assert.equal(its.activator.outlives, true);
  assert.deepEqual(await its.activate(), { degraded: false });
  const command = its.fake.commands.find(([program]) => program === "systemd-run") ?? [];
  const identifier = command.find((arg) => arg.startsWith("--property=SyslogIdentifier=")) ?? "";
  assert.match(identifier, /=activate-hail-[0-9a-f]{8}$/);
  assert.deepEqual(command.filter((arg) => arg !== identifier), [
    ...["systemd-run", "--quiet", "--no-ask-password"],
    ...[`--unit=${its.unit}`, `--description=hail: run 12-1, ${NEW}`],
    ...["--service-type=oneshot", "--remain-after-exit"],
    ...["--property=TimeoutStartSec=60000ms", "--property=TimeoutStopSec=10000ms"],
    "--property=OOMPolicy=continue",
    ...["--property=StandardOutput=journal", "--property=StandardError=journal"],
    "--property=SuccessExitStatus=4 100",
    ...["--setenv=PATH=/bin", "--setenv=LANG=C.UTF-8", `--setenv=HAIL_PROFILE=${its.profile}`],
    ...[`--setenv=HAIL_STORE_PATH=${NEW}`, `--setenv=HAIL_PREVIOUS_STORE_PATH=${OLD}`],
    ...["--setenv=HAIL_BUILD_ID=7", "--setenv=HAIL_JOB_URI=http://h/job/a/b/c/latest"],
    ...["--", `${its.profile}/bin/activate`],
  ]);
  assert.deepEqual(its.named("activate-output"), ["hello"]);
  assert.ok(its.fake.units.has(its.unit), "it is kept until its result is on the disk");
});

Deno.test("a status that stands for degraded is told from one that does not", async () => {
  for (const [status, degraded] of [[0, false], [4, true], [100, true]] as const) {
    await using its = await scene();
    its.fake.plan = { duration: 10, end: { ExecMainStatus: `${status}` } };
    assert.deepEqual(await its.activate(), { degraded });
  }
});

for (
  const [what, end, code, why] of [
    ["fails", failedUnit("exit-code", 1, 5), "activation-failed", /bin\/activate: it ended with status 5$/],
    ["is killed", failedUnit("signal", 2, 9), "activation-failed", /SIGKILL ended it/],
    ["hangs", failedUnit("timeout", 2, 15), "activation-timeout", /longer than its time limit/],
    ["names no interpreter", failedUnit("exit-code", 1, 203), "activate-not-executable", /interpreter/],
  ] as const
) {
  Deno.test(`an activation that ${what} is a failure that names the journal of its unit`, async () => {
    await using its = await scene();
    its.fake.plan = { duration: 10, end };
    await assert.rejects(its.activate(), (error: Error & { code?: string; next?: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, why);
      if (code !== "activate-not-executable") assert.match(error.next ?? "", /journalctl -u activate-hail-/);
      return true;
    });
  });
}

Deno.test("a profile without bin/activate, or with one that is not executable, starts no unit", async () => {
  await using empty = await scene([]);
  await assert.rejects(empty.activate(), { code: "activate-missing" });
  await using plain = await scene(["activate"], 0o644);
  await assert.rejects(plain.activate(), { code: "activate-not-executable" });
  assert.deepEqual([...empty.fake.started, ...plain.fake.started], []);
});

Deno.test("a gentle stop leaves the unit alone, and the next hail waits for it and takes its result", async () => {
  await using its = await scene();
  its.fake.plan = { duration: 30_000, end: { ExecMainStatus: "4" }, lines: ["one"] };
  const reason = new Error("stopped");
  const activating = its.activate();
  await its.begun();
  its.gently.abort(reason);
  await assert.rejects(activating, (error) => error === reason);

  const again = createUnitActivator({
    ...{ profile: its.profile, jobUri: "http://h/job/a/b/c/latest", timeLimit: TIME_LIMIT },
    ...{ degradedStatuses: [4], environment: {}, run: its.fake.run, clock: its.clock },
    report: (event) => its.events.push(event),
  });
  const never = new AbortController().signal;
  assert.deepEqual(await its.passing(again.activate(RUN, { gently: never, now: never })), { degraded: true });
  assert.deepEqual(its.fake.started, [its.unit], "it ran once");
  assert.match(its.named("activation-attached")[0] ?? "", /still runs as activate-hail-.*waiting for it/);
  assert.deepEqual(its.named("activate-output"), ["one"]);
});

Deno.test("a result that nobody has seen yet is taken, and the activation does not run again", async () => {
  await using its = await scene();
  its.fake.begin(its.unit, its.description, "activate-hail-1");
  its.fake.end(its.unit, failedUnit("exit-code", 1, 3));
  await assert.rejects(its.activate(), /ended with status 3/);
  assert.deepEqual(its.fake.started, []);
});

Deno.test("a unit of the same name for another store path is waited for and removed first", async () => {
  await using its = await scene();
  its.fake.begin(its.unit, `hail: run 12-1, ${OLD}`, "activate-hail-1");
  setTimeout(() => its.fake.end(its.unit), 20);
  assert.deepEqual(await its.activate(), { degraded: false });
  assert.deepEqual(its.fake.started, [its.unit]);
  assert.equal(its.fake.units.get(its.unit)?.properties["Description"], its.description);
});

Deno.test("earlier units of the profile are waited for and removed before another one starts", async () => {
  await using its = await scene(["activate", "deactivate"]);
  const running = its.names.unit("11-1", "activate");
  const failed = its.names.unit("10-2", "deactivate");
  its.fake.begin(running, "hail: run 11-1", "activate-hail-1");
  its.fake.begin(failed, "hail: run 10-2", "activate-hail-2");
  its.fake.end(failed, failedUnit("exit-code", 1, 1));
  const activating = its.activate();
  await its.passing(its.clock.sleep(20_000));
  assert.deepEqual(its.fake.started, []);
  its.fake.end(running);
  await activating;
  assert.deepEqual([...its.fake.units.keys()], [its.unit]);
  assert.match(its.named("activation-left")[0] ?? "", /an earlier activation still runs as/);
});

Deno.test("a unit that systemd does not end at its time limit is told to stop", async () => {
  await using its = await scene();
  its.fake.begin(its.unit, its.description, "activate-hail-1");
  await assert.rejects(its.activate(), { code: "activation-timeout" });
  assert.ok(its.clock.monotonic() > TIME_LIMIT + 20_000);
  assert.ok(its.fake.commands.some((command) => command.includes("stop") && command.includes("--no-block")));
});

Deno.test("a systemd that does not answer for a while is asked again", async () => {
  await using its = await scene();
  its.fake.silence = 3;
  assert.deepEqual(await its.activate(), { degraded: false });
});

Deno.test("a systemd that does not start the unit is asked four times, and its words are told", async () => {
  await using its = await scene();
  its.fake.refusal = "Failed to create bus connection: Connection refused";
  await assert.rejects(its.activate(), (error: Error & { code?: string }) => {
    assert.equal(error.code, "activation-not-run");
    assert.match(
      error.message,
      /^systemd: it does not start activate-hail-.*: Failed to create bus connection/,
    );
    return true;
  });
  assert.equal(its.fake.commands.filter(([program]) => program === "systemd-run").length, 4);
});

Deno.test("systemd-run that lost its connection does not run the activation twice", async () => {
  await using its = await scene();
  its.fake.refusal = "Failed to wait for response: Connection reset by peer";
  await assert.rejects(its.activate(), /somebody ended it/);
  assert.equal(its.fake.commands.filter(([program]) => program === "systemd-run").length, 1);
});

Deno.test("a host without systemd-run is a failure that says so", async () => {
  await using its = await scene();
  its.fake.missing.add("systemd-run");
  await assert.rejects(its.activate(), /systemd: systemd-run is not on PATH/);
});

Deno.test("an activation that a shutdown of the host ends is not to blame", async () => {
  await using its = await scene();
  its.fake.plan = { duration: 10, end: failedUnit("signal", 2, 15) };
  its.fake.systemState = "stopping";
  const reason = new Error("stopped");
  const activating = its.activate();
  await its.begun();
  setTimeout(() => its.gently.abort(reason), 20);
  await assert.rejects(activating, (error) => error === reason);
});

Deno.test("an activation that systemd does not start any more in a shutdown is not to blame", async () => {
  await using its = await scene();
  its.fake.refusal = "Failed to start transient service unit: Transaction is destructive.";
  its.fake.systemState = "stopping";
  const reason = new Error("stopped");
  const activating = its.activate();
  setTimeout(() => its.gently.abort(reason), 20);
  await assert.rejects(activating, (error) => error === reason);
});

Deno.test("deactivate does nothing where the profile does not have it", async () => {
  await using its = await scene();
  await its.deactivate();
  assert.deepEqual(its.events, []);
  assert.deepEqual(its.fake.commands, []);
});

Deno.test("deactivate runs as a unit of its own, and only warns when it fails", async () => {
  await using its = await scene(["activate", "deactivate"]);
  its.fake.plan = { duration: 10, end: failedUnit("exit-code", 1, 9), lines: ["bye"] };
  await its.deactivate();
  assert.deepEqual(its.fake.started, [its.names.unit(RUN.id, "deactivate")]);
  assert.deepEqual(its.events.map(({ name, level }) => [name, level]), [
    ["deactivate", "info"],
    ["activate-output", "info"],
    ["deactivate-failed", "warning"],
  ]);
  assert.match(its.named("deactivate-failed")[0] ?? "", /bin\/deactivate: it ended with status 9/);
});

Deno.test("outwait waits for all units of the profile and removes them, and starts none", async () => {
  await using its = await scene(["activate", "deactivate"]);
  const running = its.names.unit("11-1", "activate");
  its.fake.begin(running, "hail: run 11-1", "activate-hail-1");
  its.fake.begin("activate-hail-other-00000000-1-1.service", "hail", "activate-hail-1");
  const never = new AbortController().signal;
  const waiting = its.activator.outwait(null, { gently: never, now: never });
  await its.passing(its.clock.sleep(20_000));
  assert.ok(its.fake.units.has(running));
  its.fake.end(running);
  await its.passing(waiting);
  assert.deepEqual([...its.fake.units.keys()], ["activate-hail-other-00000000-1-1.service"]);
  assert.deepEqual(its.fake.started, []);
  assert.equal(its.named("activation-left").length, 1);
});

Deno.test("outwait gives up at a gentle stop, and leaves the unit running", async () => {
  await using its = await scene();
  its.fake.begin(its.unit, its.description, "activate-hail-1");
  const reason = new Error("stopped");
  const never = new AbortController().signal;
  const waiting = its.activator.outwait(null, { gently: its.gently.signal, now: never });
  setTimeout(() => its.gently.abort(reason), 20);
  await assert.rejects(its.passing(waiting), (error) => error === reason);
  assert.ok(its.fake.units.has(its.unit));
});

Deno.test("tidy removes what has ended, but for one run, and leaves alone what still has processes", async () => {
  await using its = await scene();
  const { fake, names } = its;
  const unit = (id: string) => names.unit(id, "activate");
  for (const id of ["1-1", "2-1", "3-1", "4-1", "5-1", "6-1"]) {
    fake.begin(unit(id), "hail", "activate-hail-1");
  }
  for (const id of ["1-1", "4-1"]) fake.end(unit(id));
  fake.end(unit("2-1"), failedUnit("exit-code", 1, 1));
  for (const id of ["3-1", "6-1"]) fake.end(unit(id), { ControlGroup: "/system.slice/x" });
  fake.trees.set(unit("3-1"), ["             |-12 sh -c x", "             `-13 sleep 9"]);
  fake.begin("activate-hail-other-00000000-1-1.service", "hail", "activate-hail-1");
  await its.activator.tidy("4-1");
  assert.deepEqual([...fake.units.keys()], [
    ...[unit("3-1"), unit("4-1"), unit("5-1")],
    "activate-hail-other-00000000-1-1.service",
  ]);
});

Deno.test("tidy never fails", async () => {
  await using its = await scene();
  its.fake.missing.add("systemctl");
  await its.activator.tidy(null);
  assert.deepEqual(its.events.map(({ name, level }) => [name, level]), [["activation-unit", "debug"]]);
});
