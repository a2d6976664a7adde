import assert from "node:assert/strict";
import { KINDS, next, type State, STATES, TABLE, transitions } from "./machine.ts";

const NAMES = Object.keys(STATES) as State[];

Deno.test("the table has no event twice for one state", () => {
  const seen = new Set<string>();
  for (const { from, row } of transitions()) {
    const key = `${from} ${row.event}`;
    assert.ok(!seen.has(key), key);
    seen.add(key);
  }
});

Deno.test("the table reaches every state, and leaves it again", () => {
  const reached = new Set<State>(["idle"]);
  for (const row of TABLE) {
    for (const to of typeof row.to === "string" ? [row.to] : Object.values(row.to)) reached.add(to);
  }
  assert.deepEqual(NAMES.filter((state) => !reached.has(state)), []);
  const left = new Set<State>([...transitions()].map(({ from }) => from));
  assert.deepEqual(NAMES.filter((state) => !left.has(state)), []);
});

Deno.test("a state with an act can always come to an end of it, well or badly", () => {
  for (const state of NAMES.filter((name) => STATES[name] !== null)) {
    const events = [...transitions()].filter(({ from }) => from === state).map(({ row }) => row.event);
    assert.ok(events.includes("changed-by-hand"), state);
    assert.ok(events.some((event) => /-(failed|broke)$/.test(event)), state);
    assert.ok(events.some((event) => !/-(failed|broke|asked|by-hand)$/.test(event)), state);
  }
});

Deno.test("next() sends a failure of the new version where its kind of deployment goes", () => {
  const to = (kind: (typeof KINDS)[number]) => next("activating", "activation-failed", kind)?.to;
  assert.equal(to("update"), "rolling-back");
  assert.equal(to("first"), "undoing");
  assert.equal(to("restart"), "failed");
  assert.equal(next("active", "realised", "update"), null);
  assert.equal(next("activating", "activation-failed", null), null);
});

Deno.test("no failure of a roll-back leads to another version", () => {
  for (const state of ["rolling-back", "reactivating", "reverifying", "undoing"] as const) {
    for (const { from, row } of transitions()) {
      if (from === state && row.event.endsWith("-failed")) {
        assert.equal(row.to, "failed", `${from} ${row.event}`);
      }
    }
  }
});
