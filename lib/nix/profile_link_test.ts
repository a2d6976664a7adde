import assert from "node:assert/strict";
import { readProfile } from "./profile_link.ts";
import type { ProfilePath } from "./profile_name.ts";

const NAME = "00000000000000000000000000000000-web-1";

/** A store folder with one path, and a folder for profiles. */
async function world() {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "hail-profile-" }));
  await Deno.mkdir(`${folder}/store/${NAME}`, { recursive: true });
  const read = () => readProfile(`${folder}/web` as ProfilePath, `${folder}/store`);
  return { folder, read, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

Deno.test("readProfile follows the link of the profile and that of its generation", async () => {
  await using its = await world();
  await Deno.symlink(`${its.folder}/store/${NAME}`, `${its.folder}/web-1-link`);
  await Deno.symlink("web-1-link", `${its.folder}/web`);
  assert.equal(await its.read(), `${its.folder}/store/${NAME}`);
});

Deno.test("readProfile finds nothing where there is no profile, or its generation is gone", async () => {
  await using its = await world();
  assert.equal(await its.read(), null);
  await Deno.symlink("web-1-link", `${its.folder}/web`);
  assert.equal(await its.read(), null);
});

Deno.test("readProfile refuses what is no profile", async () => {
  await using its = await world();
  await Deno.mkdir(`${its.folder}/web`);
  await assert.rejects(its.read(), { code: "switch-failed", why: "it is a folder, not a profile" });
  await Deno.remove(`${its.folder}/web`);
  await Deno.writeTextFile(`${its.folder}/web`, "");
  await assert.rejects(its.read(), { code: "switch-failed", why: "it is a file, not a profile" });
  await Deno.remove(`${its.folder}/web`);
  await Deno.symlink("/etc", `${its.folder}/web`);
  await assert.rejects(its.read(), /leads to "\/etc", which is no store path/);
});

Deno.test("readProfile refuses a link that leads below a store path", async () => {
  await using its = await world();
  await Deno.mkdir(`${its.folder}/store/${NAME}/bin`);
  await Deno.symlink(`${its.folder}/store/${NAME}/bin`, `${its.folder}/web`);
  await assert.rejects(its.read(), { code: "switch-failed" });
});

Deno.test("readProfile names the path by the store folder as it is configured, also where that is a link", async () => {
  await using its = await world();
  await Deno.symlink("store", `${its.folder}/linked`);
  await Deno.symlink(`${its.folder}/linked/${NAME}`, `${its.folder}/web`);
  const path = await readProfile(`${its.folder}/web` as ProfilePath, `${its.folder}/linked`);
  assert.equal(path, `${its.folder}/linked/${NAME}`);
});
