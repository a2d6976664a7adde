import assert from "node:assert/strict";
import { withoutUserInfo } from "./user_info.ts";

Deno.test("withoutUserInfo takes passwords out of URIs and leaves the rest", () => {
  assert.equal(
    withoutUserInfo("unable to download 'https://bob:s3c@ret@cache.example.org:8/x' from s3+http://k:v@h"),
    "unable to download 'https://cache.example.org:8/x' from s3+http://h",
  );
  assert.equal(
    withoutUserInfo("mail bob@example.org about http://h/a@b"),
    "mail bob@example.org about http://h/a@b",
  );
});

Deno.test("withoutUserInfo takes no longer for text that is made to be slow", () => {
  const begun = performance.now();
  for (const text of ["a".repeat(100_000), "http://".repeat(20_000), "a://b".repeat(20_000)]) {
    withoutUserInfo(text);
  }
  assert.ok(performance.now() - begun < 2_000);
});
