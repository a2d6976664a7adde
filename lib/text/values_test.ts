import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import { checkText, parseStatuses, shown, wholeNumber } from "./values.ts";

function refuses(read: (text: string) => unknown, text: string, says: RegExp) {
  assert.throws(() => read(text), (error) => {
    return error instanceof Failure && error.code === "usage" && says.test(error.message);
  });
}

Deno.test("values: a text is anything but nothing and control characters", () => {
  assert.equal(checkText("ä b"), "ä b");
  refuses(checkText, "", /it is empty/);
  refuses(checkText, "a\nb", /control character/);
  refuses(checkText, "a\u009bb", /control character/);
});

Deno.test("values: a whole number lies within its bounds", () => {
  const read = wholeNumber(1, 255);
  assert.deepEqual(["1", "255", "007"].map(read), [1, 255, 7]);
  for (const text of ["", "0", "256", "-1", "1.5", "1e2", " 1", "0x1", "9".repeat(20)]) {
    refuses(read, text, /no whole number from 1 to 255/);
  }
});

Deno.test("values: exit statuses come in a list", () => {
  assert.deepEqual(parseStatuses("4"), [4]);
  assert.deepEqual(parseStatuses("4, 100,255"), [4, 100, 255]);
  for (const text of ["", "4,", "0", "256", "four"]) refuses(parseStatuses, text, /from 1 to 255/);
});

Deno.test("values: a password in a wrong value is not repeated", () => {
  assert.throws(() => parseStatuses("https://bob:s3cret@h/"), (error) => !/s3cret/.test(String(error)));
  assert.equal(shown("https://bob:s3cret@h/"), '"https://h/"');
  assert.ok(shown("x".repeat(1_000)).length < 210);
});
