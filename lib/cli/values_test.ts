import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { parseReason } from "./values.ts";

Deno.test("values: a reason is not too long, and a text like any other", () => {
  assert.equal(parseReason("x".repeat(500)).length, 500);
  for (const [text, says] of [["x".repeat(501), /longer than 500/], ["", /it is empty/]] as const) {
    assert.throws(() => parseReason(text), (error) => {
      return error instanceof Failure && error.code === "usage" && says.test(error.message);
    });
  }
});
