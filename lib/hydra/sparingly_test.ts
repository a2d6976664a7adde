import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Sparingly } from "./sparingly.ts";

const NEVER = new AbortController().signal;

/** Questions that take so long, in milliseconds, and count themselves. */
function start() {
  const clock = new VirtualClock();
  const sparingly = new Sparingly<number>(clock);
  const asked: string[] = [];
  const state = { took: 20_000, failure: null as Error | null };
  const ask = (key: string) =>
    sparingly.ask(key, 3_600_000, NEVER, async (sent) => {
      sent();
      asked.push(key);
      await clock.sleep(state.took);
      if (state.failure !== null) throw state.failure;
      return asked.length;
    });
  const answered = async (key: string) => {
    const answer = ask(key).then((value) => value, (error: unknown) => error);
    await clock.advance(state.took);
    return await answer;
  };
  return { clock, asked, state, ask, answered };
}

Deno.test("sparingly: an answer is good for ten times as long as it took", async () => {
  const { clock, asked, answered } = start();
  assert.equal(await answered("a"), 1);
  await clock.advance(150_000);
  assert.equal(await answered("a"), 1);
  await clock.advance(29_999);
  const soon = await answered("a");
  assert.equal(soon, 1);
  assert.equal(await answered("a"), 2);
  assert.equal(asked.length, 2);
});

Deno.test("sparingly: an answer that came at once is good for a minute", async () => {
  const { clock, state, answered } = start();
  state.took = 10;
  assert.equal(await answered("a"), 1);
  await clock.advance(59_000);
  assert.equal(await answered("a"), 1);
  await clock.advance(1_000);
  assert.equal(await answered("a"), 2);
});

Deno.test("sparingly: one question at a time, and those who ask the same share the answer", async () => {
  const { clock, asked, ask } = start();
  const answers = Promise.all([ask("a"), ask("b"), ask("a"), ask("a")]);
  await clock.advance(20_000);
  assert.deepEqual(asked, ["a", "b"]);
  await clock.advance(20_000);
  assert.deepEqual(await answers, [1, 2, 1, 1]);
  assert.deepEqual(asked, ["a", "b"]);
});

Deno.test("sparingly: a failure is not asked for again soon either, a fault of hail's own is", async () => {
  const { clock, asked, state, answered } = start();
  const failure = new Failure("hydra-timeout", { what: "x", why: "y", next: "z" });
  state.failure = failure;
  assert.equal(await answered("a"), failure);
  await clock.advance(100_000);
  assert.equal(await answered("a"), failure);
  assert.equal(asked.length, 1);
  await clock.advance(100_000);
  assert.equal(await answered("a"), failure);
  assert.equal(asked.length, 2);
  const fault = new TypeError("a fault");
  state.failure = fault;
  assert.equal(await answered("b"), fault);
  assert.equal(await answered("b"), fault);
  assert.equal(asked.length, 4);
});

Deno.test("sparingly: what was never sent is asked again at once", async () => {
  const sparingly = new Sparingly<number>(new VirtualClock());
  let asked = 0;
  const ask = () =>
    sparingly.ask("a", 1000, NEVER, () => {
      asked++;
      return Promise.reject(new Failure("hydra-failed", { what: "x", why: "y", next: "z" }));
    });
  await assert.rejects(ask());
  await assert.rejects(ask());
  assert.equal(asked, 2);
});

Deno.test("sparingly: of many answers the last are kept", async () => {
  const { state, asked, answered } = start();
  state.took = 0;
  for (let key = 0; key < 17; key++) await answered(`${key}`);
  await answered("16");
  await answered("1");
  assert.equal(asked.length, 17);
  await answered("0");
  assert.equal(asked.length, 18);
});
