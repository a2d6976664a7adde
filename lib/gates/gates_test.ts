import assert from "node:assert/strict";
import { gateWorld, question } from "../../tests/support/gate_world.ts";
import { Failure } from "../failure/failure.ts";
import type { Command } from "../process/run_command.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { createGates, gatesInForce } from "./gates.ts";
import { parseGate } from "./spec.ts";

const NEVER = new AbortController().signal;

/** A world in which the program `/bin/N` ends with status N. */
function programs(asked: string[]) {
  return gateWorld({
    run({ program }: Command) {
      asked.push(program);
      return Promise.resolve({
        status: Number(program.slice("/bin/".length)),
        signal: null,
        ended: null,
        output: [],
      });
    },
  });
}

/** Names a folder that is not there, in place of the usual one, which a machine that runs this may have. */
const NOTHING = "inhibit /no/such/folder";

Deno.test("gates: what costs less is asked first, and a folder that can inhibit is always looked into", () => {
  const names = (...texts: string[]) => gatesInForce(texts.map(parseGate)).map(({ name }) => name);
  assert.deepEqual(names(), ["inhibit /run/hail/inhibit.d"]);
  assert.deepEqual(names("inhibit /b", "inhibit /a"), ["inhibit /b", "inhibit /a"]);
  const texts = [
    ...["exec /bin/b", "exec /bin/a", "jobset evaluation", "delay 1h"],
    ...['window "daily 02:00-04:00"', "blackout 2026-12-24"],
  ];
  assert.deepEqual(names(...texts), [
    "inhibit /run/hail/inhibit.d",
    "blackout 2026-12-24",
    "window daily 02:00-04:00",
    "delay 1h",
    "jobset evaluation",
    "exec /bin/b",
    "exec /bin/a",
  ]);
});

Deno.test("gates: all of them open is open, and each is asked", async () => {
  const asked: string[] = [];
  const specs = [NOTHING, "exec /bin/0", "delay 0", "exec /bin/00"].map(parseGate);
  assert.equal(await createGates(specs, programs(asked)).ask(question(), NEVER), null);
  assert.deepEqual(asked, ["/bin/0", "/bin/00"]);
});

Deno.test("gates: the first one that is closed answers for all", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const inhibit = `inhibit ${folder}`;
    const asked: string[] = [];
    const gates = createGates(
      ["exec /bin/75", "exec /bin/0", "delay 1h", inhibit].map(parseGate),
      programs(asked),
    );
    const young = question({ knownSince: new VirtualClock().now() });
    await Deno.writeTextFile(`${folder}/a`, "busy");
    assert.deepEqual(await gates.ask(young, NEVER), { gate: inhibit, why: "busy (a)", askAgainAt: null });
    await Deno.remove(`${folder}/a`);
    assert.equal((await gates.ask(young, NEVER))?.gate, "delay 1h");
    assert.deepEqual(asked, []);
    assert.equal((await gates.ask(question(), NEVER))?.gate, "exec /bin/75");
    assert.deepEqual(asked, ["/bin/75"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("gates: the time that they take is that of all", () => {
  const limits = (...texts: string[]) => createGates(texts.map(parseGate), gateWorld()).limit;
  const [none, one] = [limits(), limits("exec /bin/0 timeout=30s")];
  assert(none > 0, "the usual folder is looked into");
  assert(one > none + 30_000);
  assert.equal(limits("exec /bin/0 timeout=30s", "exec /bin/1 timeout=30s") - one, one - none);
  assert.equal(limits("inhibit /etc/hold"), none, "a folder that is named is looked into instead");
});

Deno.test("gates: one of which it cannot be known is named in the failure", async () => {
  await assert.rejects(
    createGates([NOTHING, "exec /bin/3"].map(parseGate), programs([])).ask(question(), NEVER),
    (error) => {
      assert(error instanceof Failure);
      assert.equal(error.code, "gate-failed");
      assert.equal(error.exitStatus, 18);
      assert.equal(error.message, "gate 'exec /bin/3': it ended with status 3");
      assert.notEqual(error.next, "");
      return true;
    },
  );
});

Deno.test("gates: one that does not answer in its time is not waited for, and is told to give up", async () => {
  const clock = new VirtualClock();
  let given: AbortSignal | undefined;
  const world = gateWorld({
    clock,
    run({ signal }) {
      given = signal;
      return new Promise(() => {});
    },
  });
  const gates = createGates(
    [NOTHING, "exec /bin/0 timeout=1s"].map(parseGate),
    world,
  );
  const answer = assert.rejects(gates.ask(question(), NEVER), {
    code: "gate-failed",
    why: /did not answer within 16s/,
  });
  while (given === undefined) await new Promise((resolve) => setTimeout(resolve));
  await clock.advance(gates.limit);
  await answer;
  assert(given.aborted);
  assert.deepEqual(clock.sleeps, []);
});

Deno.test("gates: who gives up gets the reason as it is, and no gate after that is asked", async () => {
  const stop = new AbortController();
  const reason = new Error("stop");
  const asked: string[] = [];
  const world = gateWorld({
    run({ program }) {
      asked.push(program);
      stop.abort(reason);
      return Promise.resolve({ status: 143, signal: "SIGTERM", ended: "aborted" as const, output: [] });
    },
  });
  const gates = createGates([NOTHING, "exec /bin/1", "exec /bin/2"].map(parseGate), world);
  await assert.rejects(gates.ask(question(), stop.signal), (error) => error === reason);
  assert.deepEqual(asked, ["/bin/1"]);
  await assert.rejects(gates.ask(question(), stop.signal), (error) => error === reason);
  assert.deepEqual(asked, ["/bin/1"]);
});

Deno.test("gates: a fault of hail's own is not taken for one of the gate's", async () => {
  const fault = new TypeError("x is not a function");
  const world = gateWorld({ machineId: () => Promise.reject(fault) });
  const gates = createGates([NOTHING, "delay 1h rollout=1h"].map(parseGate), world);
  await assert.rejects(gates.ask(question(), NEVER), (error) => error === fault);
});
