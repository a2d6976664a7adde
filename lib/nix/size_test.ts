import assert from "node:assert/strict";
import fc from "fast-check";
import { formatSize, parseSize } from "./size.ts";

Deno.test("size: what the three Nixes print is read", () => {
  assert.equal(parseSize("0.00 MiB"), 0);
  assert.equal(parseSize("1.91 MiB"), 2_002_780);
  assert.equal(parseSize("1144.41 MiB"), 1_200_000_860);
  assert.equal(parseSize("0.9 KiB"), 922);
  assert.equal(parseSize("1.1 GiB"), 1_181_116_006);
  assert.equal(parseSize("12 B"), 12);
});

Deno.test("size: what is no size is refused", () => {
  for (
    const text of ["", "12", "MiB", "1,5 MiB", "-1 MiB", "1.5 MB", "1.5 mib", "1e9 B", "NaN KiB", "1.5 MiB "]
  ) {
    assert.equal(parseSize(text), null, text);
  }
});

Deno.test("size: a size is written in the largest unit that fits", () => {
  assert.deepEqual([0, 944, 1023, 1024, 2_000_112, 1_200_000_860, 1024 ** 2 - 1].map(formatSize), [
    "0 B",
    "944 B",
    "1023 B",
    "1.0 KiB",
    "1.9 MiB",
    "1.1 GiB",
    "1.0 MiB",
  ]);
});

Deno.test("size: what was written is read again, within its rounding", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (bytes) => {
    const read = parseSize(formatSize(bytes));
    assert.ok(read !== null && Math.abs(read - bytes) <= Math.max(1, bytes * 0.051), `${read}`);
  }));
});
