import assert from "node:assert/strict";
import { parseStateFolder, stateFolders } from "./state_folders.ts";

function environment(values: Readonly<Record<string, string>>) {
  return { get: (name: string) => values[name], delete: () => {} };
}

Deno.test("state folders: what is named is the only one", () => {
  assert.deepEqual(stateFolders(environment({ STATE_DIRECTORY: "/s" }), "/named", 0), ["/named"]);
  assert.deepEqual(stateFolders(environment({ STATE_DIRECTORY: "/s", HOME: "/h" }), undefined, 1000), ["/s"]);
});

Deno.test("state folders: a user sees services of its own, and those of the machine", () => {
  assert.deepEqual(stateFolders(environment({ HOME: "/root" }), undefined, 0), ["/var/lib/hail"]);
  assert.deepEqual(stateFolders(environment({ HOME: "/home/bob" }), undefined, 1000), [
    "/home/bob/.local/state/hail",
    "/var/lib/hail",
  ]);
});

Deno.test("state folders: only an absolute path is one", () => {
  assert.equal(parseStateFolder("/srv//hail/"), "/srv/hail");
  for (const text of ["", "hail", "/", "/a/../b"]) {
    assert.throws(() => parseStateFolder(text), /the state folder: it is not the absolute path/);
  }
});
