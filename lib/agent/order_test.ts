import assert from "node:assert/strict";
import { emptyRecord, type ServiceRecord } from "../deployment/record.ts";
import type { StorePath } from "../nix/store_path.ts";
import { Order } from "./order.ts";

const path = "/nix/store/00000000000000000000000000000000-db" as StorePath;
const ACTIVE: Partial<ServiceRecord> = {
  state: "active",
  active: { path, buildId: 1, name: "db", since: 0, how: "deployed", degraded: false },
};

/** An order with `db`, and what it was asked; `web` comes after it. */
function world() {
  const order = new Order();
  const polls: string[] = [];
  const state = { record: emptyRecord(0) as ServiceRecord | null };
  const service = (name: string, record: () => ServiceRecord | null) => ({
    settings: { name },
    record,
    hindrance: () => null,
    poll: () => polls.push(name),
  });
  const db = service("db", () => state.record);
  order.enter(db);
  const web = service("web", () => null);
  order.enter(web);
  let woken = 0;
  const ask = (knownSince = 1_000, after = ["db"]) =>
    order.ask(web, after, { knownSince }, () => woken += 1)?.why ?? null;
  const become = (facts: Partial<ServiceRecord>) => state.record = { ...emptyRecord(0), ...facts };
  return { order, db, web, polls, ask, become, state, woken: () => woken };
}

Deno.test("a service waits until the one before it has looked for a build of its own, and asks it to", () => {
  const { order, polls, ask, become, woken, db } = world();
  become(ACTIVE);
  assert.match(ask() ?? "", /after db, which has not looked for a new build yet/);
  assert.deepEqual(polls, ["db"]);
  order.notePass(db, 999);
  assert.equal(woken(), 1);
  assert.match(ask() ?? "", /has not looked/);
  order.notePass(db, 1_000);
  assert.equal(woken(), 2);
  assert.equal(ask(), null);
  order.notePass(db, 2_000);
  assert.equal(woken(), 2, "it waits no longer");
});

Deno.test("a clock that was set back keeps nobody waiting for ever, and makes nobody poll without end", () => {
  const { order, polls, ask, become, db } = world();
  become(ACTIVE);
  const future = 1e12;
  for (const now of [10, 11]) {
    assert.match(ask(future) ?? "", /has not looked/);
    order.notePass(db, now);
  }
  assert.equal(ask(future), null, "the second pass was begun after the question");
  assert.equal(polls.length, 2);
  assert.match(ask(future + 1) ?? "", /has not looked/, "another build is another question");
});

Deno.test("a service waits while the one before it is not active, and says why", () => {
  const { order, ask, become, state, polls, db } = world();
  order.notePass(db, 5_000);
  const newer = { id: 2, name: "db-2", outPath: path.replace("-db", "-db-2") as StorePath, finishedAt: 0 };
  const closed = { gate: "window", why: "outside of its maintenance windows", askAgainAt: null };
  for (
    const [facts, why] of [
      [{}, "was not deployed yet"],
      [{ ...ACTIVE, state: "realising" }, "is being deployed"],
      [{ ...ACTIVE, state: "reverifying" }, "is being deployed"],
      [{ ...ACTIVE, state: "waiting" }, "waits to be deployed"],
      [{ ...ACTIVE, state: "failed" }, "has failed"],
      [{ ...ACTIVE, state: "held", closed }, "waits itself: outside of its maintenance windows"],
      [ACTIVE, null],
      // Its gates could not be asked, say.
      [{ ...ACTIVE, latest: newer }, "has a newer build that is not deployed yet"],
      [{ ...ACTIVE, latest: { ...newer, outPath: path } }, null],
      [{ ...ACTIVE, state: "held", latest: newer }, null],
      // The operator's word, or a build marked bad: what is active is what is to be active.
      [{ ...ACTIVE, state: "held" }, null],
      [{ ...ACTIVE, state: "rolled-back" }, null],
    ] as const
  ) {
    become(facts);
    assert.equal(ask(), why === null ? null : `it comes after db, which ${why}`);
  }
  state.record = null;
  assert.match(ask() ?? "", /has not looked/);
  assert.deepEqual(polls, [], "what has looked is not asked to look again");
});

Deno.test("nobody waits for a service that is not there, or has left", async () => {
  const { order, db, web, ask, woken } = world();
  assert.equal(ask(0, ["gone"]), null);
  assert.equal(ask(0, ["web"]), null, "nor for itself");
  assert.notEqual(ask(), null);
  assert.equal(order.waitsForStart(web, ["gone", "web", "db"]), "db");
  const waits = order.started("db", new AbortController().signal);
  order.leave({ settings: { name: "db" }, record: () => null, hindrance: () => null, poll: () => {} });
  assert.notEqual(ask(), null, "it was another one of that name");
  order.leave(db);
  await waits;
  assert.equal(order.waitsForStart(web, ["gone", "web", "db"]), null);
  await order.started("gone", new AbortController().signal);
  assert.equal(woken(), 1);
  assert.equal(ask(), null);
});

Deno.test("at a start a service waits for the ones before it, however their start ends, and no longer than hail runs", async () => {
  const { order, db, web } = world();
  const stop = new AbortController();
  let over = false;
  const waits = order.started("db", stop.signal).then(() => over = true);
  await Promise.resolve();
  assert.deepEqual([over, order.waitsForStart(web, ["db"])], [false, "db"]);
  order.noteStarted(db);
  await waits;
  assert.deepEqual([over, order.waitsForStart(web, ["db"])], [true, null]);
  const other = order.started("web", stop.signal);
  stop.abort();
  await other;
});

Deno.test("a pass that could not look counts for nothing, and wakes nobody", () => {
  const { order, ask, become, woken, db } = world();
  become(ACTIVE);
  assert.match(ask() ?? "", /has not looked/);
  order.notePass(db, null);
  assert.equal(woken(), 0);
  assert.match(ask() ?? "", /has not looked/);
  order.notePass(db, 2_000);
  assert.equal(woken(), 1);
  assert.equal(ask(), null);
});

Deno.test("a service is called by the name that it has now, and keeps its place under another one", () => {
  const { order, db, ask, become, polls, woken } = world();
  become(ACTIVE);
  order.notePass(db, 1_000);
  assert.equal(ask(), null);
  const other = { ...db, settings: { name: "other" }, poll: () => polls.push("other") };
  order.enter(other);
  // They swap their names.
  db.settings.name = "other";
  other.settings.name = "db";
  order.noteName();
  assert.match(ask() ?? "", /after db, which has not looked/);
  assert.deepEqual(polls, ["other"]);
  order.notePass(db, 5_000);
  assert.match(ask() ?? "", /has not looked/, "what another one does does not count");
  assert.equal(ask(1_000, ["other"]), null);
  // And back.
  db.settings.name = "db";
  other.settings.name = "other";
  order.noteName();
  assert.equal(ask(), null);
  order.leave(other);
  assert.equal(woken(), 1, "who waited for it may ask again");
  assert.equal(ask(), null);
});
