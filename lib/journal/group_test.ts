import assert from "node:assert/strict";
import { findGroup } from "./group.ts";

const GROUPS =
  "root:x:0:\n#hail:x:5:\nhailstorm:x:8:\nbroken\nhail:x:nine:\nhail:x:991:alice,bob\nhail:x:992:\n";

Deno.test("findGroup finds the first usable line of exactly that name", () => {
  assert.equal(findGroup("hail", () => GROUPS), 991);
  assert.equal(findGroup("root", () => GROUPS), 0);
});

Deno.test("findGroup finds nothing where there is nothing", () => {
  assert.equal(findGroup("nobody", () => GROUPS), null);
  assert.equal(findGroup("hail", () => null), null);
  assert.equal(findGroup("hail", () => "hail:x:4294967295:\n"), null);
});

Deno.test("findGroup reads the group file of the machine", () => {
  assert.equal(findGroup("root"), 0);
  assert.equal(findGroup("no-such-group-as-this"), null);
});
