import assert from "node:assert/strict";
import fc from "fast-check";
import { LineTooLong, readLines } from "./read_lines.ts";

/** A source that hands out a text in pieces. */
function source(pieces: readonly Uint8Array[]) {
  const left = [...pieces];
  return {
    read(buffer: Uint8Array) {
      const piece = left.shift();
      if (piece === undefined) return Promise.resolve(null);
      buffer.set(piece);
      return Promise.resolve(piece.length);
    },
  };
}

Deno.test("lines: they come whole, however the bytes arrive", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }).map((line) => line.replaceAll("\n", " "))),
      fc.integer({ min: 1, max: 9 }),
      async (lines, size) => {
        const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
        const pieces = [];
        for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
        const read = [];
        for await (const line of readLines(source(pieces), 10_000)) read.push(line);
        // A byte order mark at the start of a line is none of its text.
        assert.deepEqual(read, lines.map((line) => line.replace(/^\ufeff/, "")));
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("lines: what stands behind the last line feed is a line, too", async () => {
  const read = [];
  for await (const line of readLines(source([new TextEncoder().encode("a\nb")]), 10)) read.push(line);
  assert.deepEqual(read, ["a", "b"]);
});

Deno.test("lines: no more than the limit is ever kept", async () => {
  let given = 0;
  const endless = {
    read(buffer: Uint8Array) {
      buffer.fill(120);
      given += buffer.length;
      return Promise.resolve(buffer.length);
    },
  };
  await assert.rejects(async () => {
    for await (const _line of readLines(endless, 10_000)) throw new Error("a line");
  }, LineTooLong);
  assert.ok(given < 20_000);
});
