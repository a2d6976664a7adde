import assert from "node:assert/strict";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Bell } from "./bell.ts";
import { Order } from "./order.ts";
import { PATIENCE, waitForOthers } from "./start_order.ts";

/** `web`, which comes after `db` and waits for its start, in virtual time. */
function world() {
  const order = new Order();
  const clock = new VirtualClock();
  const bell = new Bell();
  const stop = new AbortController();
  const service = (name: string, ...after: string[]) => ({
    settings: { name, after },
    record: () => null,
    hindrance: () => null,
    poll: () => {},
  });
  const [db, web] = [service("db"), service("web", "db")];
  for (const one of [db, web]) order.enter(one);
  const state = { letsPass: false, isOver: false };
  const told: (string | null)[] = [];
  const waiting = waitForOthers({
    ...{ service: web, order, clock, bell, over: stop.signal },
    letsPass: () => state.letsPass,
    tell: (other) => void told.push(other),
  }).then(() => void (state.isOver = true));
  return { order, clock, bell, stop, service, db, web, state, told, waiting };
}

Deno.test("a start: it waits for the one before, and tells of that only when it takes a while", async () => {
  const quick = world();
  await quick.clock.advance(PATIENCE - 1);
  assert.deepEqual([quick.state.isOver, quick.told], [false, []]);
  quick.order.noteStarted(quick.db);
  await quick.waiting;
  assert.deepEqual(quick.told, []);

  const slow = world();
  await slow.clock.advance(PATIENCE + 1);
  assert.deepEqual([slow.state.isOver, slow.told], [false, ["db"]]);
  slow.order.noteStarted(slow.db);
  await slow.waiting;
  assert.deepEqual(slow.told, ["db", null]);
});

Deno.test("a start: reloads neither put off nor repeat what is told, as long as it is the same", async () => {
  const { order, clock, service, db, web, told, waiting } = world();
  for (let time = 0; time < 3 * PATIENCE; time += PATIENCE / 2) {
    await clock.advance(PATIENCE / 2);
    order.reconsider();
  }
  assert.deepEqual(told, ["db"]);
  // Another one has its name now, and web comes after that as well.
  const other = service("other");
  order.enter(other);
  web.settings.after = ["other"];
  order.reconsider();
  await clock.advance(PATIENCE + 1);
  assert.deepEqual(told, ["db", null, "other"]);
  order.noteStarted(db);
  order.leave(other);
  await waiting;
  assert.deepEqual(told, ["db", null, "other", null]);
});

Deno.test("a start: the operator, and the end of hail, end the wait; a ring is kept", async () => {
  for (const way of ["operator", "end"]) {
    const { clock, bell, stop, state, waiting } = world();
    await clock.advance(1);
    bell.ring();
    await clock.advance(1);
    assert.equal(state.isOver, false, "a poll that is asked for waits, too");
    if (way === "end") stop.abort();
    else {
      state.letsPass = true;
      bell.stir();
    }
    await waiting;
    assert.equal(bell.take(), true);
  }
});
