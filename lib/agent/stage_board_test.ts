import assert from "node:assert/strict";
import type { State } from "../deployment/machine.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { createStageBoard, summary } from "./stage_board.ts";

function world(alone = true) {
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
    alone,
  });
  const states = new Map<string, State>();
  const place = (name: string) => board.of(name, () => states.get(name) ?? "active");
  return { said, stop, clock, states, place, only: alone ? place("web") : null };
}

Deno.test("the stage board shows a stage as status and to the watchdog", () => {
  const { only, said } = world();
  only?.enter("polling", 5_000);
  assert.deepEqual(said, ["watch polling 5000", "status polling"]);
});

Deno.test("the stage board asks for the time that an activation has left when hail is told to stop", async () => {
  const { only, said, stop, clock } = world();
  only?.enter("activating", 60_000, true);
  await clock.advance(20_000);
  said.length = 0;
  stop.abort();
  assert.deepEqual(said, ["wait 55000"]);
});

Deno.test("the stage board asks for no time where the stage is cut short", () => {
  const { only, said, stop } = world();
  only?.enter("activating", 60_000, true);
  only?.enter("idle", 60_000);
  said.length = 0;
  stop.abort();
  assert.deepEqual(said, []);
});

Deno.test("the stage board of many services shows how many are in which state, only when that changes", () => {
  const { place, said, states } = world(false);
  const [web, db] = [place("web"), place("db")];
  web.enter("polling", 60_000);
  db.enter("polling", 60_000);
  web.enter("at build 5", 300_000);
  assert.deepEqual(said.filter((line) => line.startsWith("status")), ["status 2 services: 2 active"]);
  states.set("web", "activating");
  web.enter("activating build 6", 900_000);
  assert.equal(
    said.findLast((line) => line.startsWith("status")),
    "status 2 services: 1 activating, 1 active",
  );
});

Deno.test("the watchdog of many services looks at the stage that should end first", async () => {
  const { place, said, clock } = world(false);
  const [web, db] = [place("web"), place("db")];
  const watched = () => said.findLast((line) => line.startsWith("watch"));
  web.enter("idle", 300_000);
  db.enter("polling", 60_000);
  assert.equal(watched(), "watch db: polling 60000");
  await clock.advance(10_000);
  // What is not the first one does not make it any later.
  web.enter("polling", 60_000);
  web.enter("idle", 300_000);
  assert.equal(watched(), "watch db: polling 60000");
  db.enter("idle", 900_000);
  assert.equal(watched(), "watch web: idle 300000");
  db.enter("waits for its turn", Infinity);
  web.leave();
  assert.equal(watched(), "watch db: waits for its turn Infinity");
  db.leave();
  assert.equal(watched(), "watch idle Infinity");
});

Deno.test("the stage board of many services asks for the longest time that any of them has left", () => {
  const { place, said, stop } = world(false);
  place("web").enter("activating", 60_000, true);
  place("db").enter("activating", 90_000, true);
  place("log").enter("realising", 900_000);
  stop.abort();
  assert.equal(said.at(-1), "wait 105000");
});

Deno.test("summary names the states, the most frequent first", () => {
  assert.equal(summary([]), "0 services");
  assert.equal(summary(["active"]), "1 service: 1 active");
  assert.equal(
    summary(["failed", "active", "held", "active", "realising"]),
    "5 services: 2 active, 1 realising, 1 failed, 1 held",
  );
});
