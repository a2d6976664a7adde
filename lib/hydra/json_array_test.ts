import assert from "node:assert/strict";
import fc from "fast-check";
import { ArrayItems } from "./json_array.ts";

const encoder = new TextEncoder();

/** Reads bytes that come in pieces of these lengths, over and over. */
function read(bytes: Uint8Array, lengths: readonly number[], limit = 1_000) {
  const items: string[] = [];
  const array = new ArrayItems(limit, (item) => items.push(new TextDecoder().decode(item)) > 0);
  let more = true;
  for (let at = 0, turn = 0; at < bytes.length && more; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    more = array.take(bytes.subarray(at, at + length));
    at += length;
  }
  return { items, complete: array.complete, more };
}

const text = fc.string({
  unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ",", "a", "\u00e9", "\n"),
  maxLength: 8,
});
const item = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.array(text), fc.dictionary(text, text)));
const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });

Deno.test("ArrayItems gives the items of every array of objects, however it is cut", () => {
  fc.assert(fc.property(fc.array(item), lengths, fc.constantFrom("", " ", "\r\n\t"), (items, cuts, blank) => {
    const texts = items.map((one) => JSON.stringify(one));
    const array = `${blank}[${blank}${texts.join(`${blank},${blank}`)}${blank}]${blank}`;
    const found = read(encoder.encode(array), cuts, 100_000);
    // As texts: what they stand for is none of its business.
    assert.deepEqual(found.items, texts);
    assert.ok(found.complete);
  }));
});

Deno.test("ArrayItems takes nothing else for a whole array", () => {
  const others = [
    ...["", " ", "[", "[{", "[{}", "[{},", "{}", "null", "[1]", '["{}"]', "[[]]", "[null]", "[,]", "[{},]"],
    ...["[{}{}]", "[{}]]", "[{}] {}", "[{}]x", "<html>", "[}", '[{"]', "\ufeff[]"],
  ];
  for (const other of others) {
    for (const length of [1, 3, 100]) {
      assert.equal(read(encoder.encode(other), [length]).complete, false, `${other} by ${length}`);
    }
  }
  for (const array of ["[]", " [ ] ", "[{}]\n", "[ {} , {} ]"]) {
    assert.ok(read(encoder.encode(array), [1]).complete, array);
  }
});

Deno.test("ArrayItems ends at an item that is too long, before it has come in whole", () => {
  const long = encoder.encode(`[{"a":1},{"b":"${"x".repeat(5_000)}"},{"c":1}]`);
  for (const cut of [1, 7, 64, 10_000]) {
    const { items, more, complete } = read(long, [cut]);
    assert.deepEqual(items, ['{"a":1}'], String(cut));
    assert.equal(more, false);
    assert.equal(complete, false);
  }
});

Deno.test("ArrayItems ends when its reader has enough", () => {
  let items = 0;
  const array = new ArrayItems(100, () => ++items < 2);
  assert.equal(array.take(encoder.encode("[{},{},{},{}]")), false);
  assert.equal(array.take(encoder.encode("[{}]")), false);
  assert.equal(items, 2);
  assert.equal(array.complete, false);
});

Deno.test("ArrayItems takes no more memory for an item that comes byte by byte", () => {
  const item = `{"a":"${"x".repeat(900_000)}"}`;
  let found = "";
  const array = new ArrayItems(1_000_000, (bytes) => {
    found = new TextDecoder().decode(bytes);
    return true;
  });
  const used = () => {
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const bytes = encoder.encode(`[${item}`);
  const before = used();
  for (let at = 0; at < bytes.length - 1; at++) assert.ok(array.take(bytes.subarray(at, at + 1)));
  const more = used() - before;
  array.take(encoder.encode("}]"));
  assert.equal(found, item);
  assert.ok(array.complete);
  assert.ok(more < 100_000_000, `${more} bytes more`);
});
