import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../failure/failure.ts";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import type { Bounds, Probe } from "./kind.ts";
import { watch } from "./watch.ts";

const S = 1_000;

/** A check that does what a function says at each look. */
function scripted(
  clock: VirtualClock,
  answer: (look: number, signal: AbortSignal) => string | null | Promise<string | null>,
  more: Partial<Bounds> = {},
) {
  const looks: number[] = [];
  let open = 0;
  const probe: Probe = {
    async look(signal) {
      looks.push(clock.monotonic() / S);
      assert.equal(++open, 1, "two looks at once");
      try {
        return await answer(looks.length - 1, signal);
      } finally {
        open--;
      }
    },
  };
  const check = { name: "web", interval: 2 * S, timeout: 10 * S, threshold: 3, required: true, ...more };
  return { watched: { check, probe }, looks, isOpen: () => open > 0 };
}

/** A look that never ends by itself, and so long after it was told to. */
function hang(clock: VirtualClock, ending = 0) {
  return (_look: number, signal: AbortSignal) =>
    new Promise<string | null>((resolve) =>
      signal.addEventListener("abort", () => void clock.sleep(ending).then(() => resolve(null)), {
        once: true,
      })
    );
}

function start(
  clock: VirtualClock,
  scripts: readonly ReturnType<typeof scripted>[],
  rule = { timeLimit: 60 * S, soak: 30 * S },
) {
  const events: Event[] = [];
  const stop = new AbortController();
  const result: { at?: number; value?: unknown; error?: unknown } = {};
  const ports = { clock, report: (event: Event) => void events.push(event) };
  void watch(scripts.map(({ watched }) => watched), rule, ports, stop.signal).then(
    (value) => Object.assign(result, { value, at: clock.monotonic() / S }),
    (error) => Object.assign(result, { error, at: clock.monotonic() / S }),
  );
  const told = () =>
    events.filter(({ level }) => level !== "debug").map(({ name, level }) => `${level} ${name}`);
  return { events, result, stop, told };
}

function assertUnhealthy(result: { error?: unknown }, message: RegExp) {
  assert(result.error instanceof Failure && result.error.code === "health-failed", String(result.error));
  assert.match(result.error.message, message);
}

Deno.test("watch: what passes at once is healthy after the soak time, and nothing is left running", async () => {
  const clock = new VirtualClock();
  const web = scripted(clock, () => null);
  const { result, told } = start(clock, [web]);
  await clock.advance(29 * S);
  assert.equal(result.at, undefined);
  await clock.advance(1 * S);
  assert.deepEqual(result, { at: 30, value: { healthyAfter: 0, held: 30 * S } });
  assert.deepEqual(web.looks.slice(0, 3), [0, 2, 4]);
  assert.deepEqual(told(), []);
  assert.deepEqual(clock.sleeps, []);
});

Deno.test("watch: a service that needs a while is awaited", async () => {
  const clock = new VirtualClock();
  const web = scripted(clock, (look) => look < 10 ? "the connection was refused" : null);
  const { result, told } = start(clock, [web]);
  await clock.advance(100 * S);
  assert.deepEqual(result, { at: 50, value: { healthyAfter: 20 * S, held: 30 * S } });
  assert.deepEqual(told(), []);
});

Deno.test("watch: what never passes fails at the time limit, with the last reason made fit for a log", async () => {
  const clock = new VirtualClock();
  const web = scripted(clock, () => `\u001b[31mno\n\u202e to http://u:secret@h/ ${"x".repeat(1_000)}`);
  const { result, events } = start(clock, [web]);
  await clock.advance(60 * S);
  assert.equal(result.at, 60);
  assertUnhealthy(
    result,
    /it never passed, and failed 3\d times within 1m; last: no +to http:\/\/h\/ x+\.\.\.$/,
  );
  assert(String(result.error).length < 600);
  assert(events.every(({ fields }) => !JSON.stringify(fields).includes("secret")));
});

Deno.test("watch: failures in a row after a pass end it at once", async () => {
  const clock = new VirtualClock();
  const { result, told } = start(clock, [scripted(clock, (look) => look < 2 ? null : "gone")]);
  await clock.advance(100 * S);
  assert.equal(result.at, 8);
  assertUnhealthy(result, /failed after it had passed, 3 times in a row; last: gone/);
  assert.deepEqual(told(), ["warning health-check-failing"]);
});

Deno.test("watch: what flaps is warned of once and fails at the time limit", async () => {
  const clock = new VirtualClock();
  const { result, told } = start(clock, [scripted(clock, (look) => look % 2 === 0 ? null : "gone")]);
  await clock.advance(100 * S);
  assert(result.at !== undefined && result.at >= 60 && result.at <= 62, String(result.at));
  assertUnhealthy(result, /flapped \(passed 1\d times, failed 1\d times\)/);
  assert.deepEqual(told(), ["warning health-check-failing", "info health-check-recovered"]);
});

Deno.test("watch: one failure in the soak time begins it anew", async () => {
  const clock = new VirtualClock();
  const { result, told } = start(clock, [scripted(clock, (look) => look === 5 ? "hiccup" : null)]);
  await clock.advance(100 * S);
  assert.deepEqual(result, { at: 42, value: { healthyAfter: 12 * S, held: 30 * S } });
  assert.deepEqual(told(), ["warning health-check-failing", "info health-check-recovered"]);
});

Deno.test("watch: a look that hangs counts as failed at its timeout, and holds no other up", async () => {
  const clock = new VirtualClock();
  const slow = scripted(clock, hang(clock, 5 * S), { name: "slow", timeout: 10 * S });
  const web = scripted(clock, () => null);
  const { result, events } = start(clock, [slow, web]);
  await clock.advance(44 * S);
  assert.deepEqual(slow.looks, [0, 15, 30]);
  assert.deepEqual(web.looks.length, 23);
  const failed = events.filter(({ fields }) => fields?.["passed"] === false);
  assert.deepEqual(failed.map(({ fields }) => [fields?.["took_ms"], fields?.["why"]]), [
    [10 * S, "it had no result after 10s"],
    [10 * S, "it had no result after 10s"],
    [10 * S, "it had no result after 10s"],
  ]);
  await clock.advance(60 * S);
  assert.equal(result.at, 60);
  assertUnhealthy(result, /'slow': it never passed, and failed 4 times/);
  assert.equal(slow.isOpen(), false);
});

Deno.test("watch: it returns only when what it had to end has ended, and waits no longer than a while", async () => {
  const clock = new VirtualClock();
  const never = scripted(clock, () => new Promise(() => {}), { required: false, timeout: 60 * S });
  const slow = scripted(clock, hang(clock, 3 * S), { required: false, timeout: 60 * S });
  const one = start(clock, [scripted(clock, () => null), slow]);
  await clock.advance(32 * S);
  assert.equal(one.result.at, undefined);
  await clock.advance(1 * S);
  assert.equal(one.result.at, 33);
  const other = start(clock, [scripted(clock, () => null), never]);
  await clock.advance(42 * S);
  assert.equal(other.result.at, 33 + 42);
});

Deno.test("watch: a long interval hides nothing, since all are looked at again at the end", async () => {
  const clock = new VirtualClock();
  const hourly = scripted(clock, (look) => look === 0 ? null : "gone", { interval: 3_600 * S, threshold: 1 });
  const { result } = start(clock, [hourly]);
  await clock.advance(100 * S);
  assert.deepEqual(hourly.looks, [0, 30]);
  assertUnhealthy(result, /failed after it had passed, once; last: gone/);
});

Deno.test("watch: a look under way at the end of the soak time is waited for", async () => {
  const clock = new VirtualClock();
  const web = scripted(clock, async (look) => {
    if (look > 0) await clock.sleep(8 * S);
    return null;
  }, { interval: 29 * S });
  const { result } = start(clock, [web]);
  await clock.advance(36 * S);
  assert.equal(result.at, undefined);
  await clock.advance(1 * S);
  assert.deepEqual(result, { at: 37, value: { healthyAfter: 0, held: 37 * S } });
  assert.deepEqual(web.looks, [0, 29]);
});

Deno.test("watch: an advisory check is warned of and decides nothing", async () => {
  const clock = new VirtualClock();
  const disk = scripted(clock, () => "full", { name: "disk", required: false });
  const { result, events, told } = start(clock, [scripted(clock, () => null), disk]);
  await clock.advance(31 * S);
  assert.equal(result.at, 30);
  assert.deepEqual(told(), ["warning health-check-failing"]);
  assert(events.some(({ message }) => message === "advisory health check 'disk' fails: full"));
});

Deno.test("watch: a wall clock that jumps changes nothing", async () => {
  const clock = new VirtualClock();
  const { result } = start(clock, [scripted(clock, () => null)]);
  await clock.advance(10 * S);
  clock.jump(3_600 * S);
  await clock.advance(10 * S);
  clock.jump(-7_200 * S);
  await clock.advance(9 * S);
  assert.equal(result.at, undefined);
  await clock.advance(1 * S);
  assert.equal(result.at, 30);
});

Deno.test("watch: it can be given up, with the reason as it is", async () => {
  const clock = new VirtualClock();
  const reason = new Error("stop");
  const web = scripted(clock, hang(clock, 1 * S));
  const { result, stop } = start(clock, [web]);
  await clock.advance(3 * S);
  stop.abort(reason);
  await clock.advance(1 * S);
  assert.deepEqual(result, { at: 4, error: reason });
  assert.equal(web.isOpen(), false);
  assert.deepEqual(clock.sleeps, []);
});

Deno.test("watch: a check that throws has failed, and says what it threw", async () => {
  const clock = new VirtualClock();
  const { result } = start(clock, [scripted(clock, () => Promise.reject(new TypeError("odd")))]);
  await clock.advance(60 * S);
  assertUnhealthy(result, /last: it cannot be run \(TypeError: odd\)/);
});

Deno.test("watch: however long looks take and whatever comes of them, it ends in time and never heals what fails", async () => {
  const answers = fc.array(
    fc.record({ takes: fc.integer({ min: 0, max: 14 }), passes: fc.boolean() }),
    { minLength: 1, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(answers, answers, fc.integer({ min: 0, max: 20 }), async (one, other, soak) => {
      const clock = new VirtualClock();
      const failedAt: number[] = [];
      const follow = (script: typeof one) => async (look: number) => {
        const { takes = 0, passes = true } = script[look] ?? script.at(-1) ?? {};
        const begun = clock.monotonic();
        await clock.sleep(takes * S);
        if (!passes || takes > 10) failedAt.push(Math.min(clock.monotonic(), begun + 10 * S));
        return passes ? null : "no";
      };
      const scripts = [scripted(clock, follow(one)), scripted(clock, follow(other))];
      const { result } = start(clock, scripts, { timeLimit: 30 * S, soak: soak * S });
      await clock.advance((30 + soak + 10 + 12) * S);
      assert(result.at !== undefined);
      if (result.error !== undefined) return assertUnhealthy(result, /health check/);
      const { healthyAfter, held } = result.value as { healthyAfter: number; held: number };
      assert(held >= soak * S && healthyAfter <= 30 * S);
      assert(!failedAt.some((at) => at > healthyAfter && at < healthyAfter + held), `${failedAt}`);
    }),
    { numRuns: 30 },
  );
});
