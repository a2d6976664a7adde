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
  const service = (name: string, record: () => ServiceRecord | null = () => null) => ({
    settings: { name, after: [] as readonly string[] },
    record,
    hindrance: () => null,
    poll: () => polls.push(name),
  });
  const db = service("db", () => state.record);
  order.enter(db);
  const web = service("web");
  order.enter(web);
  /** What `web` was told since it has asked. */
  const told: (string | null)[] = [];
  const ask = (knownSince = 1_000, after = ["db"]) => {
    web.settings.after = after;
    told.length = 0;
    return order.ask(web, { knownSince }, (closed) => told.push(closed?.why ?? null))?.why ?? null;
  };
  const become = (facts: Partial<ServiceRecord>) => state.record = { ...emptyRecord(0), ...facts };
  return { order, service, db, web, polls, ask, told, become, state };
}

Deno.test("a service waits until the one before it has looked for a build of its own, and asks it to", () => {
  const { order, polls, ask, become, told, db } = world();
  become(ACTIVE);
  assert.match(ask() ?? "", /after db, which has not looked for a new build yet/);
  assert.deepEqual(polls, ["db"]);
  order.notePass(db, 999);
  assert.deepEqual(told, [], "nothing is new for it");
  assert.deepEqual(polls, ["db", "db"], "it is asked once more");
  order.notePass(db, 1_000);
  assert.deepEqual(told, [null]);
  assert.equal(ask(), null);
  order.notePass(db, 2_000);
  assert.deepEqual(told, [], "it waits no longer");
});

Deno.test("a clock that was set back keeps nobody waiting for ever, and makes nobody poll without end", () => {
  const { order, polls, ask, become, told, db } = world();
  become(ACTIVE);
  const future = 1e12;
  assert.match(ask(future) ?? "", /has not looked/);
  order.notePass(db, 10);
  assert.match(ask(future) ?? "", /has not looked/);
  order.notePass(db, 11);
  assert.deepEqual(told, [null], "the second pass was begun after the question");
  assert.equal(ask(future), null);
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
  const { order, service, db, web, ask, told } = world();
  assert.equal(ask(0, ["gone"]), null);
  assert.equal(ask(0, ["web"]), null, "nor for itself");
  assert.notEqual(ask(), null);
  web.settings.after = ["gone", "web", "db"];
  assert.equal(order.waitsForStart(web), "db");
  const waits = order.started("db", new AbortController().signal);
  order.leave(service("db"));
  assert.notEqual(ask(), null, "it was another one of that name");
  order.leave(db);
  await waits;
  order.reconsider();
  assert.equal(order.waitsForStart(web), null);
  await order.started("gone", new AbortController().signal);
  assert.deepEqual(told, [null]);
  assert.equal(ask(), null);
});

Deno.test("at a start a service waits for the ones before it, however their start ends, and no longer than hail runs", async () => {
  const { order, db, web } = world();
  web.settings.after = ["db"];
  const stop = new AbortController();
  let over = false;
  const waits = order.started("db", stop.signal).then(() => over = true);
  await Promise.resolve();
  assert.deepEqual([over, order.waitsForStart(web)], [false, "db"]);
  order.noteStarted(db);
  await waits;
  assert.deepEqual([over, order.waitsForStart(web)], [true, null]);
  const other = order.started("web", stop.signal);
  stop.abort();
  await other;
  const changed = order.started("web", new AbortController().signal);
  order.reconsider();
  await changed;
});

Deno.test("a pass that could not look counts for nothing, and wakes nobody", () => {
  const { order, ask, become, told, db } = world();
  become(ACTIVE);
  assert.match(ask() ?? "", /has not looked/);
  order.notePass(db, null);
  assert.deepEqual(told, []);
  assert.match(ask() ?? "", /has not looked/);
  order.notePass(db, 2_000);
  assert.deepEqual(told, [null]);
  assert.equal(ask(), null);
});

Deno.test("a service is called by the name that it has now, and keeps its place under another one", () => {
  const { order, service, db, ask, become, polls, told } = world();
  become(ACTIVE);
  order.notePass(db, 1_000);
  assert.equal(ask(), null);
  const other = service("other");
  order.enter(other);
  // They swap their names.
  db.settings.name = "other";
  other.settings.name = "db";
  order.reconsider();
  assert.match(ask() ?? "", /after db, which has not looked/);
  assert.deepEqual(polls, ["other"]);
  order.notePass(db, 5_000);
  assert.deepEqual(told, [], "what another one does does not count");
  // And back: whoever waits is told at once.
  db.settings.name = "db";
  other.settings.name = "other";
  order.reconsider();
  assert.deepEqual(told, [null]);
  assert.match(ask(1_000, ["other"]) ?? "", /after other, which has not looked/);
  order.leave(other);
  order.reconsider();
  assert.deepEqual(told, [null]);
});

Deno.test("who comes after many asks all of them at once, and is told when the last one has moved on", () => {
  const { order, service, polls, ask, told } = world();
  const looked = { ...emptyRecord(0), ...ACTIVE };
  const names = Array.from({ length: 50 }, (_, index) => `db${index}`);
  const all = names.map((name) => service(name, () => looked));
  for (const one of all) order.enter(one);
  assert.match(ask(1_000, names) ?? "", /after db0, which has not looked/);
  assert.deepEqual(polls, names);
  for (const one of all.toReversed()) {
    assert.deepEqual(told, []);
    order.notePass(one, 2_000);
  }
  assert.deepEqual(told, [null]);
  assert.deepEqual(polls, names, "each was asked once");
});

Deno.test("who waits is told of another reason, and where its own order changes", () => {
  const { order, db, web, ask, become, told } = world();
  assert.match(ask() ?? "", /has not looked/);
  become({ ...ACTIVE, state: "failed" });
  order.notePass(db, 2_000);
  assert.deepEqual(told, ["it comes after db, which has failed"]);
  order.notePass(db, 3_000);
  assert.equal(told.length, 1);
  web.settings.after = [];
  order.reconsider();
  assert.deepEqual(told.slice(1), [null]);
  order.reconsider();
  assert.equal(told.length, 2);
});

Deno.test("a service that has left is told of nothing", () => {
  const { order, db, web, ask, become, told } = world();
  become(ACTIVE);
  assert.notEqual(ask(), null);
  order.leave(web);
  order.notePass(db, 2_000);
  order.reconsider();
  assert.deepEqual(told, []);
  // Its last pass may still be under way.
  assert.notEqual(ask(5_000), null);
  order.notePass(db, 6_000);
  order.reconsider();
  assert.deepEqual(told, []);
});
