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
