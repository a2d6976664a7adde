import assert from "node:assert/strict";
import { sessionIn } from "./session_cookie.ts";

Deno.test("sessionIn() finds Hydra's session among other cookies", () => {
  const hydra =
    "hydra_session=e4924853; path=/; expires=Sun, 29-Nov-2026 12:20:12 GMT; HttpOnly; SameSite=Lax";
  assert.equal(sessionIn([hydra]), "e4924853");
  assert.equal(sessionIn(["a=b", hydra, "c=d; path=/"]), "e4924853");
  assert.equal(sessionIn([" hydra_session = e4924853 "]), "e4924853");
});

Deno.test("sessionIn() takes the last session that is usable", () => {
  assert.equal(sessionIn(["hydra_session=a", "hydra_session=b"]), "b");
  assert.equal(sessionIn(["hydra_session=a", "hydra_session=b c"]), "a");
});

Deno.test("sessionIn() takes nothing that could not stand in a header as it is", () => {
  const values = ["", "a b", "a,b", "a\r\nX: y", "a\0", '"a"', "\u00e9", "a\\b", "a=b", "a".repeat(4097)];
  for (const value of values) {
    assert.equal(sessionIn([`hydra_session=${value}`]), null, JSON.stringify(value));
  }
  for (const line of ["", "=", "hydra_session", "=hydra_session", "xhydra_session=a", "HYDRA_SESSION=a"]) {
    assert.equal(sessionIn([line]), null, line);
  }
  assert.equal(sessionIn([]), null);
});
