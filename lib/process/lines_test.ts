import assert from "node:assert/strict";
import fc from "fast-check";
import { LINE_LIMIT, readLines } from "./lines.ts";

async function linesOf(...chunks: (string | Uint8Array)[]): Promise<string[]> {
  return (await read(...chunks)).lines;
}

async function read(...chunks: (string | Uint8Array)[]): Promise<{ lines: string[]; rest: string[] }> {
  const lines: string[] = [];
  const rest: string[] = [];
  const bytes = chunks.map((chunk) => typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
  await readLines(ReadableStream.from(bytes), {
    onLine: (line) => lines.push(line),
    onRest: (last) => rest.push(...last),
  });
  return { lines, rest };
}

Deno.test("readLines joins what comes in pieces and ends lines at CR and LF", async () => {
  assert.deepEqual(await linesOf("a", "b\nc\r\nd\re", "\n\n", "f"), ["ab", "c", "d", "e", "f"]);
});

Deno.test("readLines joins a character that was cut in two", async () => {
  const bytes = new TextEncoder().encode("\u00e9t\u00e9\n");
  assert.deepEqual(await linesOf(bytes.slice(0, 1), bytes.slice(1)), ["\u00e9t\u00e9"]);
});

Deno.test("readLines removes escapes and control characters", async () => {
  assert.deepEqual(await linesOf("\u001b[31mred\u001b[0m\u0007 \u001b]0;title\u0007x\n"), ["red  x"]);
});

Deno.test("readLines cuts a line that is too long, however it arrives", async () => {
  const long = "x".repeat(LINE_LIMIT);
  assert.deepEqual(await linesOf(long, "\n"), [long]);
  assert.deepEqual(await linesOf(long, "y\nz"), [`${long}...`, "z"]);
  assert.deepEqual(await linesOf(long, "y", "y".repeat(1000), "\nz"), [`${long}...`, "z"]);
});

Deno.test("readLines gives the same lines however the bytes are cut", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 8 }),
    fc.array(fc.nat(40), { maxLength: 8 }),
    async (texts, cuts) => {
      const whole = new TextEncoder().encode(texts.join("\n"));
      const pieces: Uint8Array[] = [];
      let at = 0;
      for (const cut of cuts) pieces.push(whole.slice(at, at += cut));
      assert.deepEqual(await linesOf(...pieces, whole.slice(at)), await linesOf(whole));
    },
  ));
});

Deno.test("readLines passes on so many lines and keeps the last words of the rest", async () => {
  const numbers = Array.from({ length: 40_000 }, (_, index) => `line ${index}\n`).join("");
  const { lines, rest } = await read(numbers.slice(0, 150_000), numbers.slice(150_000), "last words");
  assert.equal(lines.length, 10_000);
  assert.equal(lines.at(-1), "line 9999");
  assert.equal(rest.at(-1), "last words");
  assert.equal(rest.at(-2), "line 39999");
  assert.ok(rest.length < 10_000);
});
