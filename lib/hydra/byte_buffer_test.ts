import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteBuffer } from "./byte_buffer.ts";

Deno.test("ByteBuffer gives back what it was given, and takes nothing of what would be too much", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 12 });
  fc.assert(fc.property(pieces, fc.nat(20_000), (all, limit) => {
    const buffer = new ByteBuffer(limit);
    const expected: number[] = [];
    for (const piece of all) {
      const fits = expected.length + piece.length <= limit;
      assert.equal(buffer.add(piece), fits);
      if (fits) expected.push(...piece);
      // What it was given belongs to somebody else.
      piece.fill(0xff);
      assert.equal(buffer.size, expected.length);
    }
    assert.deepEqual([...buffer.empty()], expected);
    assert.equal(buffer.size, 0);
    assert.deepEqual([...buffer.empty()], []);
  }));
});

Deno.test("ByteBuffer takes no more memory for small pieces than for large ones", () => {
  const buffer = new ByteBuffer(2_000_000);
  const used = () => {
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  for (let count = 0; count < 1_000_000; count++) buffer.add(new Uint8Array([count & 0xff]));
  assert.equal(buffer.size, 1_000_000);
  const more = used() - before;
  assert.ok(more < 100_000_000, `${more} bytes more`);
});
