import assert from "node:assert/strict";
import { UsedSignatures } from "./used_signatures.ts";

const T = 1_800_000_000;

Deno.test("used signatures: a time stamp is good for five minutes, to either side", () => {
  const used = new UsedSignatures(10);
  const rows: [offset: number, good: boolean][] = [[-301, false], [-300, true], [0, true], [300, true], [
    301,
    false,
  ]];
  for (const [offset, good] of rows) assert.equal(used.isTimely(T + offset, T * 1000), good, String(offset));
});

Deno.test("used signatures: one that may come again is never forgotten, and there is room for so many", () => {
  const used = new UsedSignatures(200);
  for (let count = 0; count < 200; count++) {
    assert.ok(used.add(`s${count}`, T + count, T * 1000), String(count));
  }
  assert.ok(!used.add("more", T, T * 1000));
  assert.ok(!used.has("more"));
  assert.ok(!used.add("more", T, (T + 300) * 1000));
  for (let count = 0; count < 200; count++) assert.ok(used.has(`s${count}`), String(count));
  // The first ten are past their time.
  assert.ok(used.add("more", T + 310, (T + 310) * 1000));
  assert.ok(!used.has("s9") && used.has("s10") && used.has("more"));
});

Deno.test("used signatures: what was forgotten is not good again when the clock goes back", () => {
  const used = new UsedSignatures(1);
  assert.ok(used.add("old", T, T * 1000));
  assert.ok(used.add("new", T + 400, (T + 400) * 1000));
  assert.ok(!used.has("old"));
  assert.ok(!used.isTimely(T, (T + 10) * 1000));
  assert.ok(used.isTimely(T + 1, (T + 10) * 1000));
});
