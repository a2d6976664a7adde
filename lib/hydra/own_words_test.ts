import assert from "node:assert/strict";
import { errorIn, holdsSecret, quotable, WITHHELD } from "./own_words.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("errorIn() finds Hydra's words and nothing else", () => {
  assert.equal(
    errorIn(bytes('{"error":"Jobset \u2018x\u2019 doesn\'t exist."}')),
    "Jobset \u2018x\u2019 doesn't exist.",
  );
  const others = [
    "",
    "<html>",
    "{",
    "{}",
    '{"error":5}',
    '{"error":" "}',
    '["error"]',
    "null",
    '{"Error":"x"}',
  ];
  for (const other of others) assert.equal(errorIn(bytes(other)), null, other);
  assert.equal(errorIn(null), null);
});

Deno.test("quotable() makes text fit for one line", () => {
  assert.equal(quotable("a\u001b[31mb\r\nc", []), "ab  c");
  assert.equal(quotable("x".repeat(1000), []).length, 300);
  assert.equal(quotable("There is no build. Look later.\n", []), "There is no build. Look later");
  assert.equal(quotable("Wait...", []), "Wait...");
});

Deno.test("quotable() shows nothing of a text that holds a secret", () => {
  assert.equal(quotable("the password is hunter2.", ["hunter2"]), WITHHELD);
  assert.equal(quotable("the password is hunter2.", ["hunter3", ""]), "the password is hunter2");
  // The cut must not hide the secret from the search.
  assert.equal(quotable(`${"x".repeat(298)}hunter2`, ["hunter2"]), WITHHELD);
});

Deno.test("holdsSecret() sees through encodings that a reader would see through", () => {
  assert.ok(holdsSecret("a%62c", ["abc"]));
  assert.ok(holdsSecret("a\u001b[0mb\u200bc", ["abc"]));
  assert.ok(holdsSecret("a b\nc", ["abc"]));
  assert.ok(holdsSecret("100% abc", ["abc"]));
  assert.ok(!holdsSecret("anything", ["", " "]));
});
