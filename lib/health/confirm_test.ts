import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { confirm, type Confirmation } from "./confirm.ts";

const S = 1_000;
const unreachable = new Failure("hydra-unreachable", { what: "http://h", why: "no route", next: "Wait." });

function start(clock: VirtualClock, ask: Confirmation["ask"]) {
  const events: Event[] = [];
  const stop = new AbortController();
  const result: { at?: number; error?: unknown } = {};
  const ports = { clock, report: (event: Event) => void events.push(event) };
  void confirm({ timeLimit: 60 * S, ask }, ports, stop.signal).then(
    () => Object.assign(result, { at: clock.monotonic() / S }),
    (error) => Object.assign(result, { error, at: clock.monotonic() / S }),
  );
  return { events, result, stop };
}

Deno.test("confirm: an answer is enough", async () => {
  const clock = new VirtualClock();
  const { result, events } = start(clock, () => Promise.resolve());
  await clock.advance(0);
  assert.deepEqual(result, { at: 0 });
  assert.deepEqual(events.map(({ name, level }) => `${level} ${name}`), ["info confirmed"]);
  assert.deepEqual(clock.sleeps, []);
});

Deno.test("confirm: Hydra is asked again until it answers", async () => {
  const clock = new VirtualClock();
  let tries = 0;
  const { result, events } = start(
    clock,
    () => ++tries < 4 ? Promise.reject(unreachable) : Promise.resolve(),
  );
  await clock.advance(60 * S);
  assert.deepEqual([result, tries], [{ at: 15 }, 4]);
  assert.equal(events.filter(({ level }) => level !== "debug").length, 1);
});

Deno.test("confirm: no answer within the time limit is a failure with the last reason", async () => {
  const clock = new VirtualClock();
  const { result } = start(clock, () => Promise.reject(unreachable));
  await clock.advance(60 * S);
  assert.equal(result.at, 60);
  assert(result.error instanceof Failure && result.error.code === "confirmation-failed");
  assert.match(
    result.error.message,
    /^Hydra: it answered before .* not within 1m after it; last: http:\/\/h: no route/,
  );
  assert.deepEqual(clock.sleeps, []);
});

Deno.test("confirm: a poll that never ends is no answer, even if it does not heed its signal", async () => {
  const clock = new VirtualClock();
  let signal: AbortSignal | undefined;
  const { result } = start(clock, (its) => {
    signal = its;
    return new Promise(() => {});
  });
  await clock.advance(60 * S);
  assert(result.error instanceof Failure && result.error.code === "confirmation-failed");
  assert.equal(signal?.aborted, true);
});

Deno.test("confirm: it can be given up, with the reason as it is", async () => {
  const clock = new VirtualClock();
  const reason = new Error("stop");
  for (const ask of [() => Promise.reject(unreachable), () => new Promise<void>(() => {})]) {
    const { result, stop } = start(clock, ask);
    await clock.advance(1 * S);
    stop.abort(reason);
    await clock.advance(0);
    assert.equal(result.error, reason);
  }
});

Deno.test("confirm: a fault of hail itself is thrown as it is", async () => {
  const clock = new VirtualClock();
  const fault = new TypeError("odd");
  const { result } = start(clock, () => Promise.reject(fault));
  await clock.advance(0);
  assert.equal(result.error, fault);
});
