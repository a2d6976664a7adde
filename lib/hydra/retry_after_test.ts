import assert from "node:assert/strict";
import { retryAfter } from "./retry_after.ts";

const DATE = "Sun, 22 Nov 2026 12:00:00 GMT";

function read(text: string, date: string | null = DATE) {
  return retryAfter(new Headers({ "retry-after": text, ...(date === null ? {} : { date }) }));
}

Deno.test("retryAfter() reads seconds", () => {
  assert.equal(read("0"), 0);
  assert.equal(read("120"), 120_000);
  assert.equal(read(" 5 ", null), 5000);
});

Deno.test("retryAfter() reads a date by the server's own clock", () => {
  assert.equal(read("Sun, 22 Nov 2026 12:00:30 GMT"), 30_000);
  assert.equal(read("Sun, 22 Nov 2026 11:00:00 GMT"), 0);
  assert.equal(read("Sun, 22 Nov 2026 12:00:30 GMT", null), undefined);
  assert.equal(read("Sun, 22 Nov 2026 12:00:30 GMT", "yesterday"), undefined);
});

Deno.test("retryAfter() never asks for more than a day", () => {
  assert.equal(read("999999999999"), 86_400_000);
  assert.equal(read("Sun, 22 Nov 2099 12:00:00 GMT"), 86_400_000);
});

Deno.test("retryAfter() ignores what it cannot read", () => {
  for (
    const text of [
      "",
      "-1",
      "1.5",
      "1e9",
      "9999999999999",
      "soon",
      "2026-11-22",
      "Sun, 99 Nov 2026 12:00:00 GMT",
    ]
  ) {
    assert.equal(read(text), undefined, text);
  }
  assert.equal(retryAfter(new Headers()), undefined);
});
