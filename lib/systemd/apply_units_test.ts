import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import {
  aborted,
  apply,
  assertInLine,
  INITIAL,
  machineWith,
  MANAGER,
  NAMESPACE,
  NEXT,
  original,
  putOriginal,
  TARGET,
  unitText,
} from "../../tests/support/apply_runs.ts";
import { FakeMachine } from "../../tests/support/fake_machine.ts";
import { applyUnits } from "./apply_units.ts";

Deno.test("apply-units: the first run installs, links and starts everything", async () => {
  const machine = await machineWith(INITIAL);
  assertInLine(machine, INITIAL);
});

Deno.test("apply-units: a second run changes nothing and says so", async () => {
  const machine = await machineWith(INITIAL);
  const { status, events } = await apply(machine, INITIAL);
  assert.equal(status, 0);
  assert.deepEqual(machine.log, []);
  assert.deepEqual(events.map((event) => event.message), [
    "4 units of namespace ns: all as they should be, nothing changed",
  ]);
});

Deno.test("apply-units: a new set restarts what changed and leaves the rest running", async () => {
  const machine = await machineWith(INITIAL);
  const kept = machine.invocation("hail-kept.service");
  const { status, events } = await apply(machine, NEXT);
  assert.equal(status, 0);
  machine.settle();
  assertInLine(machine, NEXT);
  assert.equal(machine.invocation("hail-kept.service"), kept);
  assert.deepEqual(events.map((event) => event.message), [
    "hail-added.service: installed",
    "hail-changed.service: replaced",
    "hail-manager.service: replaced",
    "hail-removed.service: removed",
    "4 units of namespace ns: in line, 4 changed",
  ]);
  assert.equal(machine.log.filter((entry) => entry === "daemon-reload").length, 2);
});

Deno.test("apply-units: the caller's own unit comes last, and nobody waits for it", async () => {
  const machine = await machineWith(INITIAL);
  const waited: string[] = [];
  machine.onFinish = (unit) => void waited.push(unit);
  const { status } = await apply(machine, NEXT, { caller: machine.invocation(MANAGER) });
  assert.equal(status, 0);
  assert.deepEqual(waited, ["hail-added.service", "hail-changed.service", "hail-removed.service"]);
  assert.deepEqual(machine.log.slice(-3), [
    `restart ${MANAGER}`,
    `remove /units/.${MANAGER}.pending`,
    "sync /units",
  ]);
  assert.equal(machine.running(MANAGER), unitText("1"));
  machine.settle();
  assertInLine(machine, NEXT);
});

Deno.test("apply-units: the caller's own unit can be removed: file first, then a stop without waiting", async () => {
  const machine = await machineWith(INITIAL);
  const { status } = await apply(machine, {}, { caller: machine.invocation(MANAGER) });
  assert.equal(status, 0);
  assert.deepEqual(machine.log.slice(-5), [
    `remove /units/${MANAGER}`,
    "sync /units",
    `stop ${MANAGER}`,
    `remove /units/.${MANAGER}.pending`,
    "sync /units",
  ]);
  machine.settle();
  assertInLine(machine, {});
});

Deno.test("apply-units: a caller that is just being stopped is not started again", async () => {
  const machine = await machineWith(INITIAL);
  const caller = machine.invocation(MANAGER);
  await machine.systemd.enqueue("stop", MANAGER);
  machine.revive();
  const { status } = await apply(machine, INITIAL, { caller });
  assert.equal(status, 0);
  assert.deepEqual(machine.log, []);
});

Deno.test("apply-units: a caller that is told to stop meanwhile is replaced, and its stop stands", async () => {
  const machine = await machineWith(INITIAL);
  machine.onFinish = async () => {
    machine.onFinish = () => {};
    await machine.systemd.enqueue("stop", MANAGER);
  };
  assert.equal((await apply(machine, NEXT, { caller: machine.invocation(MANAGER) })).status, 0);
  machine.settle();
  assert.equal(machine.running(MANAGER), null);
  assert.equal(machine.folder("/units")[MANAGER], unitText("2"));
  machine.set(MANAGER, "up");
  assertInLine(machine, NEXT);
});

Deno.test("apply-units: a unit that was stopped by hand is started, without touching any file", async () => {
  const machine = await machineWith(INITIAL);
  machine.set("hail-kept.service", "down");
  await apply(machine, INITIAL);
  assert.deepEqual(machine.log, ["start hail-kept.service"]);
  assertInLine(machine, INITIAL);
});

Deno.test("apply-units: another target moves the links and restarts nothing", async () => {
  const machine = await machineWith(INITIAL);
  const before = machine.invocation("hail-kept.service");
  await apply(machine, INITIAL, { target: "graphical" });
  assertInLine(machine, INITIAL, "graphical.target");
  assert.deepEqual(machine.folder(`/units/${TARGET}.wants`), {});
  assert.equal(machine.invocation("hail-kept.service"), before);
});

Deno.test("apply-units: a link that is missing or leads elsewhere is made anew", async () => {
  const machine = await machineWith(INITIAL);
  machine.nodes.delete(`/units/${TARGET}.wants/hail-kept.service`);
  machine.put(`/units/${TARGET}.wants/hail-changed.service`, { kind: "link", to: "/dev/null" });
  await apply(machine, INITIAL);
  assertInLine(machine, INITIAL);
});

Deno.test("apply-units: what belongs to somebody else is never touched", async () => {
  const machine = await machineWith(INITIAL);
  const others = {
    "hail-foreign.service": unitText("x", "another"),
    "hail-byhand.service": "[Service]\nExecStart=/bin/true\n",
    ".hail-foreign.service.pending": "[X-Hail]\nNamespace=another\n",
    "ssh.service": unitText("x"),
  };
  for (const [name, text] of Object.entries(others)) machine.put(`/units/${name}`, { kind: "file", text });
  machine.put(`/units/${TARGET}.wants/hail-foreign.service`, { kind: "link", to: "../hail-foreign.service" });
  await apply(machine, {});
  assert.deepEqual(machine.folder("/units"), others);
  assert.deepEqual(machine.folder(`/units/${TARGET}.wants`), {
    "hail-foreign.service": "-> ../hail-foreign.service",
  });
});

Deno.test("apply-units: units of the original hail are adopted if they are wanted, the caller's own last", async () => {
  const machine = new FakeMachine();
  for (const service of ["changed", "manager"]) putOriginal(machine, service);
  const { status, events } = await apply(machine, NEXT, { caller: machine.invocation(MANAGER) });
  assert.equal(status, 0);
  assert.deepEqual(machine.log.slice(-3), [
    `restart ${MANAGER}`,
    `remove /units/.${MANAGER}.pending`,
    "sync /units",
  ]);
  assert.equal(machine.running(MANAGER), original("manager"));
  assert.ok(events.some(({ message }) => message === "hail-changed.service: replaced"));
  machine.settle();
  assertInLine(machine, NEXT);
  machine.revive();
  await apply(machine, {});
  machine.settle();
  assertInLine(machine, {});
});

Deno.test("apply-units: a unit of the original hail that is not wanted stays as it is", async () => {
  const machine = await machineWith(INITIAL);
  putOriginal(machine, "old");
  const invocation = machine.invocation("hail-old.service");
  await apply(machine, {});
  machine.settle();
  assert.deepEqual(machine.folder("/units"), { "hail-old.service": original("old") });
  assert.deepEqual(machine.folder(`/units/${TARGET}.wants`), {
    "hail-old.service": "-> ../hail-old.service",
  });
  assert.equal(machine.running("hail-old.service"), original("old"));
  assert.equal(machine.invocation("hail-old.service"), invocation);
});

Deno.test("apply-units: a wanted unit whose file is somebody else's is refused before anything changes", async () => {
  const cases: [(machine: FakeMachine) => void, RegExp][] = [
    [
      (machine) => machine.put("/units/hail-added.service", { kind: "file", text: unitText("x", "another") }),
      /belongs to hail's namespace "another"; nothing has been changed/,
    ],
    [
      (machine) => machine.put("/units/hail-added.service", { kind: "file", text: "[Service]\n" }),
      /it is not one of hail's/,
    ],
    [
      (machine) => machine.put("/units/hail-added.service", { kind: "link", to: "/dev/null" }),
      /it is not a plain file/,
    ],
    [
      (machine) => {
        machine.put("/units/original", { kind: "file", text: original("added") });
        machine.put("/units/hail-added.service", { kind: "link", to: "/units/original" });
      },
      /it is not a plain file/,
    ],
    [
      (machine) => machine.put("/units/hail-added.service", { kind: "file", text: original("other") }),
      /it is not one of hail's/,
    ],
    [
      (machine) =>
        machine.put("/units/hail-added.service", {
          kind: "file",
          text: original("added").replace("/hail ", "/snow "),
        }),
      /it is not one of hail's/,
    ],
    [
      (machine) =>
        machine.put("/units/hail-added.service", {
          kind: "file",
          text: `${original("added")}[X-Hail]\nNamespace=another\n`,
        }),
      /belongs to hail's namespace "another"/,
    ],
    [
      (machine) => machine.put("/lib/hail-added.service", { kind: "file", text: original("added") }),
      /its file is \/lib\/hail-added\.service/,
    ],
    [
      (machine) => machine.put("/lib/hail-added.service", { kind: "file", text: "[Service]\n" }),
      /its file is \/lib\/hail-added\.service/,
    ],
  ];
  for (const [prepare, why] of cases) {
    const machine = await machineWith(INITIAL);
    prepare(machine);
    await assert.rejects(apply(machine, NEXT), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, "activation-failed");
      assert.match(error.message, why);
      return true;
    });
    assert.deepEqual(machine.log, []);
  }
});

Deno.test("apply-units: a unit that does not start is reported, and the others are brought in line", async () => {
  const machine = await machineWith(INITIAL);
  machine.broken.add(unitText("2"));
  const { status, events } = await apply(machine, { ...NEXT, manager: "1" });
  assert.equal(status, 14);
  assert.equal(machine.running("hail-added.service"), unitText("1"));
  assert.equal(machine.running("hail-removed.service"), null);
  assert.deepEqual(
    events.filter((event) => event.level === "error").map((event) => [event.name, event.fields?.["service"]]),
    [["failure", "changed"], ["units", undefined]],
  );
  machine.broken.clear();
  assert.equal((await apply(machine, { ...NEXT, manager: "1" })).status, 0);
  assertInLine(machine, { ...NEXT, manager: "1" });
});

Deno.test("apply-units: a removed unit that does not stop in time keeps its file, and the next run ends it", async () => {
  const machine = await machineWith(INITIAL);
  machine.stuck.add("hail-removed.service");
  assert.equal((await apply(machine, NEXT)).status, 14);
  assert.ok("hail-removed.service" in machine.folder("/units"));
  assert.ok(!("hail-removed.service" in machine.folder(`/units/${TARGET}.wants`)));
  machine.stuck.clear();
  machine.settle();
  assert.equal((await apply(machine, NEXT)).status, 0);
  assertInLine(machine, NEXT);
});

Deno.test("apply-units: a hail that waits for the lock in its activation can still be restarted by the other run", async () => {
  const machine = await machineWith(INITIAL);
  // The manager was started anew, so the first run does not know it as its caller; the manager's own activation
  // applies the old set when it is told to stop, and it stops only when that is over.
  let nested: Promise<{ status: number }> | null = null;
  machine.onFinish = async (unit) => {
    if (unit !== MANAGER || nested !== null) return;
    nested = apply(machine, NEXT, { caller: machine.invocation(MANAGER) });
    assert.equal((await nested).status, 0);
  };
  assert.equal((await apply(machine, NEXT, { caller: "f".repeat(32) })).status, 0);
  assert.ok(nested !== null);
  assertInLine(machine, NEXT);
});

Deno.test("apply-units: a run that was overtaken by another one does not undo its work", async () => {
  const machine = await machineWith(INITIAL);
  let nested = false;
  machine.onFinish = async () => {
    if (nested) return;
    nested = true;
    assert.equal((await apply(machine, INITIAL)).status, 0);
  };
  await apply(machine, NEXT);
  assert.ok(nested);
  assertInLine(machine, INITIAL);
});

Deno.test("apply-units: a caller that has ended meanwhile is removed like any other unit", async () => {
  const machine = await machineWith(INITIAL);
  machine.onFinish = () => machine.set(MANAGER, "down");
  assert.equal((await apply(machine, {}, { caller: machine.invocation(MANAGER) })).status, 0);
  assertInLine(machine, {});
});

Deno.test("apply-units: a caller that another run has taken back into the set is not removed", async () => {
  const machine = await machineWith(INITIAL);
  let nested = false;
  machine.onFinish = async () => {
    if (nested) return;
    nested = true;
    assert.equal((await apply(machine, INITIAL)).status, 0);
  };
  await apply(machine, { kept: "2" }, { caller: machine.invocation(MANAGER) });
  machine.settle();
  assert.ok(nested);
  assertInLine(machine, INITIAL);
});

Deno.test("apply-units: a failed unit that is removed is no longer listed as failed", async () => {
  const machine = await machineWith(INITIAL);
  machine.broken.add(unitText("2"));
  assert.equal((await apply(machine, { ...INITIAL, changed: "2" })).status, 14);
  assert.deepEqual(machine.allFailed(), ["hail-changed.service"]);
  const { changed: _, ...rest } = INITIAL;
  assert.equal((await apply(machine, rest)).status, 0);
  assertInLine(machine, rest);
});

for (const called of [true, false]) {
  const title = called ? "by the manager" : "by hand";
  Deno.test(`apply-units: once a run ${title} is over, a power cut takes nothing back`, async () => {
    const machine = await machineWith(INITIAL);
    const next = called ? NEXT : { ...NEXT, removed: "1" };
    await apply(machine, next, { caller: called ? machine.invocation(MANAGER) : "" });
    machine.powerCut(TARGET);
    assertInLine(machine, next);
    machine.revive();
    await apply(machine, next);
    assert.deepEqual(machine.log, []);
  });
}

Deno.test("apply-units: two runs at once with the same set leave it in line", async () => {
  const machine = await machineWith(INITIAL);
  const results = await Promise.all([apply(machine, NEXT), apply(machine, NEXT)]);
  assert.deepEqual(results.map(({ status }) => status), [0, 0]);
  assertInLine(machine, NEXT);
  machine.revive();
  await apply(machine, NEXT);
  assert.deepEqual(machine.log, []);
});

Deno.test("apply-units: a folder of units that is missing, or of another namespace, is never an empty set", async () => {
  const machine = await machineWith(INITIAL);
  machine.put("/other", { kind: "folder" });
  machine.put("/other/hail-x.service", { kind: "file", text: unitText("1", "another") });
  machine.put("/stray", { kind: "folder" });
  machine.put("/stray/README", { kind: "file", text: "" });
  for (const units of ["/nowhere", "/other", "/stray"]) {
    const run = applyUnits({ namespace: NAMESPACE, units, target: "multi-user", unitFolder: "/units" }, {
      disk: machine.disk,
      systemd: machine.systemd,
      clock: { now: () => 0, monotonic: () => 0, sleep: (_, signal) => aborted(signal) },
      report: () => {},
    });
    await assert.rejects(run, (error) => error instanceof Failure && error.code === "usage");
  }
  assertInLine(machine, INITIAL);
  assert.deepEqual(machine.log, []);
});

Deno.test("apply-units: names and options are checked before anything is read", async () => {
  const good = { namespace: "ns", units: "/profile", target: "multi-user", unitFolder: "/units" };
  const wrong = [
    { namespace: "../x" },
    { target: "a/b" },
    { unitFolder: "units" },
    { callerInvocation: "--user" },
  ];
  const machine = new FakeMachine();
  machine.revive(0);
  for (const option of wrong) {
    const run = applyUnits({ ...good, ...option }, {
      disk: machine.disk,
      systemd: machine.systemd,
      clock: { now: () => 0, monotonic: () => 0, sleep: (_, signal) => aborted(signal) },
      report: () => {},
    });
    await assert.rejects(
      run,
      (error) => error instanceof Failure && error.code === "usage",
      JSON.stringify(option),
    );
  }
});
