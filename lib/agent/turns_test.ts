import assert from "node:assert/strict";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Queue } from "./turns.ts";

const MINUTE = 60_000;

function world(limit: number) {
  const clock = new VirtualClock();
  const queue = new Queue(limit, MINUTE, clock);
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const stop = new AbortController();
  const take = (name: string, first = false, signal = stop.signal) =>
    queue.take(signal, () => {
      log.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    }, first);
  const end = async (name: string) => {
    ends.get(name)?.();
    await clock.advance(0);
  };
  return { clock, queue, log, take, end, stop };
}

Deno.test("a queue lets in so many at once, and the others in the order in which they came", async () => {
  const { clock, queue, log, take, end } = world(2);
  const all = ["a", "b", "c", "d", "e"].map((name) => take(name));
  await clock.advance(0);
  assert.deepEqual(log, ["a", "b"]);
  assert.equal(queue.full, true);
  await end("b");
  assert.deepEqual(log, ["a", "b", "c"]);
  await Promise.all([end("a"), end("c")]);
  assert.deepEqual(log, ["a", "b", "c", "d", "e"], "two that end at once let in two, not more");
  await end("d");
  await end("e");
  assert.deepEqual(await Promise.all(all), ["a", "b", "c", "d", "e"]);
  assert.equal(queue.full, false);
});

Deno.test("what hangs counts no longer after a while, and leaves no place twice", async () => {
  const { clock, log, take, end, queue } = world(1);
  const all = ["hangs", "b", "c"].map((name) => take(name));
  await clock.advance(MINUTE - 1);
  assert.deepEqual(log, ["hangs"]);
  await clock.advance(1);
  assert.deepEqual(log, ["hangs", "b"]);
  await end("hangs");
  assert.deepEqual(log, ["hangs", "b"], "its place was given away already");
  await end("b");
  await end("c");
  await Promise.all(all);
  assert.equal(queue.full, false);
});

Deno.test("whoever gives up while waiting leaves no gap, and one that is first goes before the others", async () => {
  const { clock, log, take, end } = world(1);
  const gone = new AbortController();
  const all = [take("a"), take("b"), take("back", true)];
  const given = take("c", true, gone.signal);
  await clock.advance(0);
  const reason = new Error("the operator");
  gone.abort(reason);
  await assert.rejects(given, reason);
  await assert.rejects(take("d", false, gone.signal), reason);
  for (const name of ["a", "back", "b"]) await end(name);
  assert.deepEqual(log, ["a", "back", "b"]);
  await Promise.all(all);
});

Deno.test("what fails gives its turn to the next, and a new limit holds at once", async () => {
  const { clock, queue, log, take, end, stop } = world(1);
  const broken = queue.take(stop.signal, () => Promise.reject(new Error("broken")));
  await assert.rejects(broken, /broken/);
  const all = ["a", "b", "c"].map((name) => take(name));
  await clock.advance(0);
  assert.deepEqual(log, ["a"]);
  queue.setLimit(3);
  await clock.advance(0);
  assert.deepEqual(log, ["a", "b", "c"]);
  for (const name of ["a", "b", "c"]) await end(name);
  await Promise.all(all);
});
