import assert from "node:assert/strict";
import { VirtualClock } from "../time/virtual_clock.ts";
import { createStageBoard } from "./stage_board.ts";

function world() {
  const said: string[] = [];
  const stop = new AbortController();
  const clock = new VirtualClock();
  const board = createStageBoard({
    clock,
    manager: {
      status: (text) => Promise.resolve(void said.push(`status ${text}`)),
      extendTimeout: (duration) => Promise.resolve(void said.push(`wait ${duration}`)),
    },
    watchdog: { enter: (stage, limit) => void said.push(`watch ${stage} ${limit}`) },
    stop: stop.signal,
  });
  return { said, stop, clock, board };
}

Deno.test("the stage board shows a stage as status and to the watchdog", () => {
  const { board, said } = world();
  board.enter("polling", 5_000);
  assert.deepEqual(said, ["watch polling 5000", "status polling"]);
});

Deno.test("the stage board asks for the time that an activation has left when hail is told to stop", async () => {
  const { board, said, stop, clock } = world();
  board.enter("activating", 60_000, true);
  await clock.advance(20_000);
  said.length = 0;
  stop.abort();
  assert.deepEqual(said, ["wait 55000"]);
});

Deno.test("the stage board asks for no time where the stage is cut short", () => {
  const { board, said, stop } = world();
  board.enter("activating", 60_000, true);
  board.enter("idle", 60_000);
  said.length = 0;
  stop.abort();
  assert.deepEqual(said, []);
});
