import assert from "node:assert/strict";
import { NoTurn, Turns } from "./turns.ts";
import { VirtualClock } from "./virtual_clock.ts";

const NEVER = new AbortController().signal;
const HOUR = 3_600_000;

/** Turns, and who has one. */
function start(rules: { width?: number; patience?: number; most?: number } = {}) {
  const clock = new VirtualClock();
  const state = { width: rules.width ?? 2 };
  const turns = new Turns(clock, {
    width: () => state.width,
    patience: () => rules.patience ?? 10_000,
    most: rules.most ?? 16,
  });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const take = (name: string, limit = HOUR, signal = NEVER, first = false) =>
    turns.take(limit, signal, first).then((end) => {
      begun.push(name);
      ends.set(name, end);
    });
  return { clock, turns, state, begun, take, end: (name: string) => ends.get(name)?.() };
}

Deno.test("turns: so many at once, the others in the order in which they came", async () => {
  const { clock, begun, take, end } = start();
  for (const name of ["a", "b", "c", "d"]) void take(name);
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "b"]);
  end("b");
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "b", "c"]);
  end("a");
  end("c");
  await clock.advance(0);
  void take("e");
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "b", "c", "d", "e"]);
  assert.deepEqual(clock.sleeps, [], "nothing is left waiting");
});

Deno.test("turns: nobody overtakes those who wait", async () => {
  const { clock, state, begun, take } = start({ width: 1 });
  for (const name of ["a", "b"]) void take(name);
  state.width = 2;
  void take("c");
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "b"]);
  await clock.advance(10_000);
  assert.deepEqual(begun, ["a", "b", "c"]);
});

Deno.test("turns: who comes when one has just ceased to count does not silence the alarm of that", async () => {
  let now = 0;
  const alarms: (() => void)[] = [];
  const clock = {
    now: () => now,
    monotonic: () => now,
    // A busy process hears its timers late.
    sleep: (_duration: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        alarms.push(resolve);
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
  const turns = new Turns(clock, { width: () => 1, patience: () => 10_000, most: 16 });
  const begun: string[] = [];
  for (const name of ["hangs", "b"]) void turns.take(Infinity, NEVER).then(() => begun.push(name));
  now = 10_000;
  void turns.take(Infinity, NEVER).then(() => begun.push("c"));
  for (const ring of alarms.splice(0)) ring();
  for (let tick = 0; tick < 10; tick++) await Promise.resolve();
  assert.deepEqual(begun, ["hangs", "b"]);
  now = 20_000;
  for (const ring of alarms.splice(0)) ring();
  for (let tick = 0; tick < 10; tick++) await Promise.resolve();
  assert.deepEqual(begun, ["hangs", "b", "c"]);
});

Deno.test("turns: what lasts too long does not count any more", async () => {
  const { clock, begun, take } = start();
  for (const name of ["a", "b", "c", "d", "e"]) void take(name);
  await clock.advance(9_999);
  assert.deepEqual(begun, ["a", "b"]);
  await clock.advance(1);
  assert.deepEqual(begun, ["a", "b", "c", "d"]);
  await clock.advance(10_000);
  assert.deepEqual(begun, ["a", "b", "c", "d", "e"]);
});

Deno.test("turns: what could be waited for for a short time only counts for a quarter of it", async () => {
  const { clock, begun, take } = start({ width: 1 });
  for (const name of ["a", "b", "c"]) void take(name, 1_000);
  await clock.advance(249);
  assert.deepEqual(begun, ["a"]);
  await clock.advance(251);
  assert.deepEqual(begun, ["a", "b", "c"]);
});

Deno.test("turns: there are never more than the most, however long they last", async () => {
  const { clock, begun, take, end } = start({ most: 3 });
  for (const name of ["a", "b", "c", "d"]) void take(name);
  await clock.advance(HOUR / 2);
  assert.deepEqual(begun, ["a", "b", "c"]);
  end("a");
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "b", "c", "d"]);
});

Deno.test("turns: who waits may give up, and is passed over", async () => {
  const { clock, begun, take, end } = start({ width: 1 });
  const controller = new AbortController();
  const reason = new Error("told to stop");
  void take("a");
  const given = take("b", HOUR, controller.signal);
  void take("c");
  await clock.advance(0);
  controller.abort(reason);
  await assert.rejects(given, (error) => error === reason);
  end("a");
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "c"]);
  await assert.rejects(take("d", HOUR, controller.signal), (error) => error === reason);
});

Deno.test("turns: who gives up alone leaves no timer behind", async () => {
  const { clock, take } = start({ width: 1 });
  const controller = new AbortController();
  void take("a");
  const given = take("b", HOUR, controller.signal);
  await clock.advance(0);
  assert.equal(clock.sleeps.length, 2);
  controller.abort();
  await assert.rejects(given);
  assert.deepEqual(clock.sleeps, []);
});

Deno.test("turns: waiting has a limit, and says so", async () => {
  const { clock, begun, take, end } = start({ width: 1, patience: Infinity });
  void take("a");
  const late = take("b", 30_000).then(() => null, (error: unknown) => error);
  await clock.advance(30_000);
  const error = await late;
  assert.ok(error instanceof NoTurn);
  assert.equal(error.message, "no turn within 30000 ms");
  void take("c");
  end("a");
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "c"]);
});

Deno.test("turns: what gives up in the moment in which its turn comes ends it like any other", async () => {
  const { clock, begun, take, end } = start({ width: 1 });
  const controller = new AbortController();
  void take("a");
  void take("b", HOUR, controller.signal);
  await clock.advance(0);
  end("a");
  controller.abort();
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "b"]);
});

Deno.test("turns: whoever is first goes before those who wait, and whoever waits for ever leaves no timer", async () => {
  const { clock, turns, begun, take, end } = start({ width: 1, patience: Infinity });
  assert.equal(turns.full, false);
  void take("a", Infinity);
  assert.equal(turns.full, true);
  void take("b", Infinity);
  void take("back", Infinity, NEVER, true);
  await clock.advance(0);
  assert.deepEqual(clock.sleeps, []);
  end("a");
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "back"]);
});

Deno.test("turns: where there may be more, those who wait come in at once", async () => {
  const { clock, turns, state, begun, take } = start({ width: 1 });
  for (const name of ["a", "b", "c"]) void take(name);
  state.width = 3;
  turns.look();
  await clock.advance(0);
  assert.deepEqual(begun, ["a", "b", "c"]);
});

Deno.test("turns: a turn that ceases to count between two looks is not missed by both", async () => {
  // A clock that moves on with each look; each time something wakes it is a little earlier than it was told to.
  let now = 0;
  const alarms: { readonly at: number; readonly wake: () => void }[] = [];
  const clock = {
    now: () => now,
    monotonic: () => now += 0.001,
    sleep: (duration: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        alarms.push({ at: now + duration, wake: resolve });
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
  for (let early = 0; early < 0.02; early += 0.0005) {
    now = 0;
    alarms.length = 0;
    const turns = new Turns(clock, { width: () => 1, patience: () => 1_000, most: 16 });
    const begun: string[] = [];
    for (const name of ["a", "b"]) void turns.take(Infinity, NEVER).then(() => begun.push(name));
    await Promise.resolve();
    for (let wakes = 0; wakes < 20 && begun.length < 2; wakes++) {
      const alarm = alarms.at(-1);
      assert.ok(alarm !== undefined);
      now = Math.max(now, alarm.at - (wakes === 0 ? early : 0));
      alarm.wake();
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
    assert.deepEqual(begun, ["a", "b"], `an alarm that is ${early} ms early`);
  }
});
