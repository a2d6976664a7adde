import assert from "node:assert/strict";
import { sideBySide } from "../../scripts/side_by_side.ts";

/** Pieces of work that end when they are told to. */
function pieces(count: number) {
  const begun: number[] = [];
  const ends = Array.from({ length: count }, () => Promise.withResolvers<string>());
  const work = ends.map(({ promise }, index) => () => {
    begun.push(index);
    return promise;
  });
  return { begun, ends, work };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("side by side: so many are under way at once, in their order, and each has its result", async () => {
  const { begun, ends, work } = pieces(4);
  const all = sideBySide(2, work);
  await settle();
  assert.deepEqual(begun, [0, 1]);
  ends[1]?.resolve("b");
  await settle();
  assert.deepEqual(begun, [0, 1, 2]);
  ends[2]?.resolve("c");
  await settle();
  ends[3]?.resolve("d");
  ends[0]?.resolve("a");
  const done = await all;
  assert.deepEqual(done.map(({ result }) => result), ["a", "b", "c", "d"]);
  assert.ok(done.every(({ begun, ended }) => begun <= ended));
});

Deno.test("side by side: after a failure no further piece is begun, and those under way are waited for", async () => {
  const { begun, ends, work } = pieces(3);
  const all = sideBySide(2, work);
  let over = false;
  const failed = assert.rejects(all, /it broke/).then(() => over = true);
  await settle();
  ends[0]?.reject(new Error("it broke"));
  await settle();
  assert.deepEqual(begun, [0, 1]);
  assert.equal(over, false);
  ends[1]?.resolve("b");
  await failed;
});

Deno.test("side by side: no work is no trouble", async () => {
  assert.deepEqual(await sideBySide(2, []), []);
});
