import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClosurePath, compareClosures } from "./closure_difference.ts";

const STORE = "/nix/store";
let hashes = 0;

/** A path with a hash of its own: a package that was built anew. */
function path(name: string, size: number | null = 1000): ClosurePath {
  const hash = String(hashes++).padStart(32, "0");
  return { path: `${STORE}/${hash}-${name}`, size };
}

const compare = (before: readonly ClosurePath[], after: readonly ClosurePath[]) =>
  compareClosures(before, after, STORE);

Deno.test("closure difference: packages that come, go and change", () => {
  const { added, removed, changed, sizeBefore, sizeAfter } = compare(
    [path("openssl-3.0.12", 6_000_000), path("wget-1.21", 900_000), path("zlib-1.3", 100_000)],
    [path("openssl-3.0.13", 6_100_000), path("curl-8.5", 500_000), path("zlib-1.3", 100_000)],
  );
  assert.deepEqual(added, [{ name: "curl", from: [], to: ["8.5"], sizeBefore: 0, sizeAfter: 500_000 }]);
  assert.deepEqual(removed, [{ name: "wget", from: ["1.21"], to: [], sizeBefore: 900_000, sizeAfter: 0 }]);
  assert.deepEqual(changed, [
    { name: "openssl", from: ["3.0.12"], to: ["3.0.13"], sizeBefore: 6_000_000, sizeAfter: 6_100_000 },
  ]);
  assert.deepEqual([sizeBefore, sizeAfter], [7_000_000, 6_700_000]);
});

Deno.test("closure difference: outputs and versions of one package stand together, versions in order", () => {
  const { changed } = compare(
    [path("openssl-3.0.9", 10), path("openssl-3.0.9-bin", 20)],
    [path("openssl-3.0.10", 30), path("openssl-3.0.10-bin", 40), path("openssl-3.0.9", 10)],
  );
  assert.deepEqual(changed, [
    { name: "openssl", from: ["3.0.9"], to: ["3.0.9", "3.0.10"], sizeBefore: 30, sizeAfter: 80 },
  ]);
});

Deno.test("closure difference: a package built anew counts only if its size differs", () => {
  const before = [path("web-1.0", 100_000), path("etc", 5_000)];
  assert.deepEqual(compare(before, [path("web-1.0", 100_100), path("etc", 5_100)]).changed, []);
  const { changed } = compare(before, [path("web-1.0", 200_000), path("etc", 5_100)]);
  assert.deepEqual(changed.map(({ name, from, to }) => [name, from, to]), [["web", ["1.0"], ["1.0"]]]);
});

Deno.test("closure difference: a size that is not known makes its sums unknown, and no others", () => {
  const { changed, sizeBefore, sizeAfter } = compare([path("web-1", 10)], [path("web-2", null)]);
  assert.deepEqual(changed.map(({ sizeBefore, sizeAfter }) => [sizeBefore, sizeAfter]), [[10, null]]);
  assert.deepEqual([sizeBefore, sizeAfter], [10, null]);
});

Deno.test("closure difference: names that mean something to JavaScript are names", () => {
  const { added } = compare([], [path("__proto__-1"), path("constructor")]);
  assert.deepEqual(added.map(({ name }) => name), ["__proto__", "constructor"]);
});

Deno.test("closure difference: every package is told at most once, and nothing of one that stays", () => {
  const closure = fc.array(
    fc.tuple(
      fc.constantFrom("a", "b-c", "d1", "e"),
      fc.constantFrom("", "-1", "-2.0", "-2.0-bin"),
      fc.nat(9e6),
    )
      .map(([name, version, size]) => path(name + version, size)),
    { maxLength: 12 },
  );
  fc.assert(fc.property(closure, closure, (before, after) => {
    const same = compare(before, before);
    assert.deepEqual([same.added, same.removed, same.changed], [[], [], []]);
    const there = compare(before, after);
    const back = compare(after, before);
    assert.deepEqual(there.added.map(({ name }) => name), back.removed.map(({ name }) => name));
    assert.deepEqual(there.changed.map(({ name }) => name), back.changed.map(({ name }) => name));
    const names = [...there.added, ...there.removed, ...there.changed].map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  }));
});
