/** One agent for many services: from units of their own to the agent, back, and what a change of the agent comes to. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../failure/failure.ts";
import {
  apply,
  assertInLine,
  cutOffAndChanged,
  died,
  killEverywhere,
  machineWith,
  MANAGER,
  original,
  putOriginal,
  TARGET,
  unitText,
  type Wanted,
} from "../../tests/support/apply_runs.ts";
import type { FakeMachine } from "../../tests/support/fake_machine.ts";
import { AGENT, AGENT_BUILD, unitFile } from "./unit_name.ts";

const AGENT_UNIT = unitFile(AGENT);
const SINGLE: Wanted = { db: "1", manager: "1", web: "1" };
const MANY: Wanted = { [AGENT]: "1 c1 db manager web" };

/** The invocation of the unit that keeps the manager, which would start a run; empty if it does not run. */
function callerOf(machine: FakeMachine): string {
  const unit = machine.keepers.get("manager");
  return unit === undefined || machine.running(unit) === null ? "" : machine.invocation(unit);
}

/** Each profile is kept, by the unit that is to keep it. */
function assertKept(machine: FakeMachine, wanted: Wanted) {
  for (const service of AGENT in wanted ? ["db", "manager", "web"] : Object.keys(wanted)) {
    const unit = machine.keepers.get(service) ?? "";
    assert.equal(unit, unitFile(AGENT in wanted ? AGENT : service));
    assert.notEqual(machine.running(unit), null);
  }
}

/** What was done, without files. */
const jobsIn = (log: readonly string[]) =>
  log.filter((entry) => /^(start|stop|restart|reload|hand)/.test(entry));

for (const caller of ["the manager", "hand"]) {
  const invocation = (machine: FakeMachine) => caller === "hand" ? "" : callerOf(machine);

  Deno.test(`agent: by ${caller}, it is up before the units go that it takes over from`, async () => {
    const machine = await machineWith(SINGLE);
    const { status, events } = await apply(machine, MANY, { caller: invocation(machine) });
    assert.equal(status, 0);
    const stops = ["db", "manager", "web"].filter((name) => caller === "hand" || name !== "manager");
    assert.deepEqual(jobsIn(machine.log), [
      `restart ${AGENT_UNIT}`,
      ...stops.map((name) => `stop hail-${name}.service`),
      ...(caller === "hand" ? [] : [`stop ${MANAGER}`]),
    ]);
    machine.settle();
    assertInLine(machine, MANY);
    assertKept(machine, MANY);
    assert.deepEqual(events.map((event) => event.message).sort(), [
      "1 unit of namespace ns: in line, 4 changed",
      "hail-db.service: removed",
      caller === "hand"
        ? "hail-manager.service: removed"
        : "hail-manager.service: removed, and takes effect when the running activation is over",
      "hail-web.service: removed",
      "hail.service: installed",
    ]);
  });

  Deno.test(`agent: by ${caller}, units of their own start when it has stopped`, async () => {
    const machine = await machineWith(MANY);
    assertKept(machine, MANY);
    const { status } = await apply(machine, SINGLE, { caller: invocation(machine) });
    assert.equal(status, 0);
    assert.deepEqual(jobsIn(machine.log), [
      `hand over from ${AGENT_UNIT} to hail-db.service, hail-manager.service, hail-web.service`,
    ]);
    if (caller !== "hand") assert.equal(machine.running("hail-web.service"), null);
    machine.settle();
    assertInLine(machine, SINGLE);
    assertKept(machine, SINGLE);
  });
}

Deno.test("agent: if it does not come up, the units stay that it was to take over from, and are told so", async () => {
  const machine = await machineWith({ ...SINGLE, gone: "1" });
  const before = ["db", "manager", "web"].map((name) => machine.invocation(`hail-${name}.service`));
  machine.broken.add(unitText(MANY[AGENT] ?? ""));
  const { status, events } = await apply(machine, MANY, { caller: callerOf(machine) });
  assert.equal(status, 14);
  machine.settle();
  assert.deepEqual(
    ["db", "manager", "web"].map((name) => machine.invocation(`hail-${name}.service`)),
    before,
  );
  for (const name of ["db", "manager", "web"]) assert.ok(machine.running(`hail-${name}.service`) !== null);
  assert.ok(MANAGER in machine.folder(`/units/${TARGET}.wants`));
  // What nobody is to take over goes as it would anyway.
  assert.equal(machine.running("hail-gone.service"), null);
  assert.ok(
    events.some(({ message, level }) =>
      level === "warning" &&
      message ===
        "hail-manager.service: stays as it is, since hail.service is not up to take over from it"
    ),
  );
  // The manager goes back.
  assert.equal((await apply(machine, SINGLE, { caller: callerOf(machine) })).status, 0);
  assertInLine(machine, SINGLE);
});

Deno.test("agent: a change of its configuration alone is a reload", async () => {
  for (const called of [true, false]) {
    const machine = await machineWith(MANY);
    const invocation = machine.invocation(AGENT_UNIT);
    const next = { [AGENT]: "1 c2 db manager" };
    const { status, events } = await apply(machine, next, { caller: called ? callerOf(machine) : "" });
    assert.equal(status, 0);
    assert.deepEqual(jobsIn(machine.log), [`reload-or-restart ${AGENT_UNIT}`]);
    machine.settle();
    assertInLine(machine, next);
    assert.equal(machine.invocation(AGENT_UNIT), invocation);
    const later = called ? ", and takes effect when the running activation is over" : "";
    assert.equal(events[0]?.message, `hail.service: reloaded${later}`);
    machine.revive();
    await apply(machine, next);
    assert.deepEqual(machine.log, []);
  }
});

Deno.test("agent: the caller's reload comes last", async () => {
  const machine = await machineWith(MANY);
  const next = { [AGENT]: "1 c2 db manager", extra: "1" };
  assert.equal((await apply(machine, next, { caller: callerOf(machine) })).status, 0);
  assert.deepEqual(jobsIn(machine.log), ["restart hail-extra.service", `reload-or-restart ${AGENT_UNIT}`]);
});

Deno.test("agent: another program is a restart, whatever its configuration", async () => {
  for (const next of [{ [AGENT]: "2 c1 db manager web" }, { [AGENT]: "2 c2 db" }]) {
    const machine = await machineWith(MANY);
    await apply(machine, next, { caller: callerOf(machine) });
    assert.deepEqual(jobsIn(machine.log), [`restart ${AGENT_UNIT}`]);
    machine.settle();
    assertInLine(machine, next);
  }
});

Deno.test("agent: one that does not run is started with its new configuration", async () => {
  const machine = await machineWith(MANY);
  machine.set(AGENT_UNIT, "down");
  await apply(machine, { [AGENT]: "1 c2 db manager web" });
  assert.deepEqual(jobsIn(machine.log), [`restart ${AGENT_UNIT}`]);
});

Deno.test("agent: a reload that was cut off ends as a restart, since nobody knows what runs", async () => {
  const machine = await machineWith(MANY);
  const next = { [AGENT]: "1 c2 db manager web" };
  machine.revive(5);
  await assert.rejects(apply(machine, next), died);
  machine.revive();
  await apply(machine, next);
  assert.deepEqual(jobsIn(machine.log), [`restart ${AGENT_UNIT}`]);
  assertInLine(machine, next);
});

Deno.test("agent: it is removed with the last service, and everything with it", async () => {
  const machine = await machineWith(MANY);
  assert.equal((await apply(machine, {}, { caller: callerOf(machine) })).status, 0);
  assert.deepEqual(jobsIn(machine.log), [`stop ${AGENT_UNIT}`]);
  machine.settle();
  assertInLine(machine, {});
});

Deno.test("agent: if it ends while it waits to be removed, the others start all the same", async () => {
  const machine = await machineWith({ ...MANY, extra: "1" });
  const caller = callerOf(machine);
  machine.onFinish = () => {
    machine.onFinish = () => {};
    machine.set(AGENT_UNIT, "down");
  };
  assert.equal((await apply(machine, { ...SINGLE, extra: "2" }, { caller })).status, 0);
  machine.settle();
  assertInLine(machine, { ...SINGLE, extra: "2" });
});

Deno.test("agent: hails of the original that keep its services are replaced by it; others stay", async () => {
  for (const called of [true, false]) {
    const machine = await machineWith({});
    for (const service of ["manager", "web", "other"]) putOriginal(machine, service);
    assert.equal((await apply(machine, MANY, { caller: called ? callerOf(machine) : "" })).status, 0);
    machine.settle();
    assert.deepEqual(machine.folder("/units"), {
      [AGENT_UNIT]: unitText(MANY[AGENT] ?? ""),
      "hail-other.service": original("other"),
    });
    assertKept(machine, MANY);
    machine.revive();
    await apply(machine, MANY);
    assert.deepEqual(machine.log, []);
  }
});

Deno.test("agent: a unit of that name that is somebody else's is refused before anything changes", async () => {
  const machine = await machineWith(SINGLE);
  for (const text of ["[Service]\nExecStart=/bin/true\n", unitText("1 c1 web", "another")]) {
    machine.put(`/units/${AGENT_UNIT}`, { kind: "file", text });
    await assert.rejects(apply(machine, MANY), (error) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /^hail\.service: a unit of that name is there already/);
      assert.match(error.next, /without agent/);
      return true;
    });
    assert.deepEqual(machine.log, []);
  }
  // It is no concern of those with units of their own.
  assert.equal((await apply(machine, SINGLE)).status, 0);
});

Deno.test("agent: what it says that it keeps is believed only of names", async () => {
  const machine = await machineWith({ web: "1" });
  assert.equal((await apply(machine, { [AGENT]: "1 c1 ../web -web w/eb" })).status, 0);
  assert.equal(machine.running("hail-web.service"), null);
  assert.deepEqual(jobsIn(machine.log), [`stop hail-web.service`, `restart ${AGENT_UNIT}`].sort());
});

Deno.test("agent: killed at every operation of the way to it, the next run ends where it should", async () => {
  await killEverywhere(SINGLE, MANY, callerOf);
});

Deno.test("agent: killed at every operation of the way back, the next run ends where it should", async () => {
  await killEverywhere(MANY, SINGLE, callerOf);
});

Deno.test("agent: killed at every operation of a reload or a restart, the next run ends where it should", async () => {
  await killEverywhere(MANY, { [AGENT]: "1 c2 db manager web" }, callerOf);
  await killEverywhere(MANY, { [AGENT]: "2 c2 db manager web" }, callerOf);
});

Deno.test("agent: killed at every operation of taking over from the original, the next run ends where it should", async () => {
  await killEverywhere({ db: "1" }, MANY, callerOf, ["manager", "web"]);
});

Deno.test("agent: killed on any way, a host is never left without what keeps the manager", async () => {
  for (const [from, to] of [[SINGLE, MANY], [MANY, SINGLE]] as const) {
    const whole = await machineWith(from);
    await apply(whole, to, { caller: callerOf(whole) });
    for (let budget = 0; budget < whole.log.length; budget++) {
      for (const aftermath of ["kill", "power cut"]) {
        const machine = await machineWith(from);
        machine.revive(budget);
        await assert.rejects(apply(machine, to, { caller: callerOf(machine) }), died);
        machine.revive();
        if (aftermath === "kill") machine.settle();
        else machine.powerCut(TARGET);
        const label = `${aftermath} at ${budget}: ${whole.log[budget]}`;
        assert.notEqual(callerOf(machine), "", label);
        // Nor without what it takes to start the agent once more.
        const isAgent = machine.keepers.get("manager") === AGENT_UNIT;
        assert.ok(!isAgent || machine.nodes.has(AGENT_BUILD), label);
      }
    }
  }
});

Deno.test("agent: any set after any set, to and fro, killed anywhere in between, ends where it should", async () => {
  const names = fc.subarray(["db", "queue", "web"]).map((names) => ["manager", ...names]);
  const program = fc.constantFrom("1", "2");
  const single = fc.tuple(names, program).map(([names, program]): Wanted =>
    Object.fromEntries(names.map((name) => [name, program]))
  );
  const many = fc.tuple(names, program).map(([names, program]): Wanted => ({
    [AGENT]: [program, `c${names.length}`, ...names].join(" "),
  }));
  const sets = fc.oneof(single, many);
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(sets, sets, sets),
      fc.nat(60),
      fc.boolean(),
      fc.boolean(),
      async (sets, budget, called, cut) => {
        await cutOffAndChanged({
          ...{ sets, budget },
          callerOf: (machine) => called ? callerOf(machine) : "",
          aftermath: (machine) => cut ? machine.powerCut(TARGET) : machine.settle(),
        });
      },
    ),
    { numRuns: 300 },
  );
});
