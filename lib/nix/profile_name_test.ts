import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../failure/failure.ts";
import { besideProfile, folderOf, parseProfile, profilesFolder } from "./profile_name.ts";

const FOLDER = "/nix/var/nix/profiles";

Deno.test("profilesFolder lies below NIX_STATE_DIR", () => {
  assert.equal(profilesFolder(new Map()), FOLDER);
  assert.equal(profilesFolder(new Map([["NIX_STATE_DIR", ""]])), FOLDER);
  assert.equal(profilesFolder(new Map([["NIX_STATE_DIR", "/srv/nix/"]])), "/srv/nix/profiles");
  for (const wrong of ["rel", "-rel", "/a/../b", "/", "/a\nb"]) {
    assert.throws(() => profilesFolder(new Map([["NIX_STATE_DIR", wrong]])), { code: "usage" }, wrong);
  }
});

Deno.test("parseProfile takes names below the profiles folder and absolute paths", () => {
  assert.equal(parseProfile("web", FOLDER), `${FOLDER}/web`);
  assert.equal(parseProfile("hail-profiles/web", FOLDER), `${FOLDER}/hail-profiles/web`);
  assert.equal(parseProfile("-x", FOLDER), `${FOLDER}/-x`);
  assert.equal(parseProfile("/home/u/profile", FOLDER), "/home/u/profile");
});

for (
  const [text, why] of [
    ["", "empty"],
    ["/", "empty part"],
    ["a//b", "empty part"],
    ["a/", "empty part"],
    ["//a", "empty part"],
    ["..", "'..'"],
    ["a/../b", "'..'"],
    ["/a/..", "'..'"],
    ["./a", "'.'"],
    ["web-1-link", "generation"],
    ["a\nb", "control"],
    ["a\u0000", "control"],
    ["a\u009bm", "control"],
    ["x".repeat(231), "230 bytes"],
  ] as const
) {
  Deno.test(`parseProfile refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(
      () => parseProfile(text, FOLDER),
      (error) =>
        error instanceof Failure && error.code === "usage" && error.message.includes(why) &&
        // deno-lint-ignore no-control-regex -- that it is not echoed is what is tested.
        !/[\u0000-\u001f]/.test(error.message),
    );
  });
}

Deno.test("parseProfile never leaves the profiles folder, and gives back an absolute path as it is", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    let path;
    try {
      path = parseProfile(text, FOLDER);
    } catch (error) {
      assert.ok(error instanceof Failure);
      return;
    }
    if (text.startsWith("/")) assert.equal(path, text);
    else {assert.equal(
        new URL(`file://${encodeURI(path).replaceAll("?", "%3F").replaceAll("#", "%23")}`).pathname
          .startsWith(`${FOLDER}/`),
        true,
      );}
    assert.ok(!path.split("/").slice(1).some((part) => part === "" || part === "." || part === ".."));
  }));
});

Deno.test("besideProfile and folderOf stay in the profile's folder", () => {
  const profile = parseProfile("hail-profiles/web", FOLDER);
  assert.equal(besideProfile(profile, "lock"), `${FOLDER}/hail-profiles/.web.hail-lock`);
  assert.equal(folderOf(profile), `${FOLDER}/hail-profiles`);
  assert.equal(folderOf(parseProfile("/top", FOLDER)), "/");
  assert.equal(besideProfile(parseProfile("/top", FOLDER), "root"), "/.top.hail-root");
});
