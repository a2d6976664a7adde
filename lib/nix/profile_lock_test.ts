import assert from "node:assert/strict";
import { filesClosed } from "../../tests/support/open_files.ts";
import { lockProfile } from "./profile_lock.ts";
import type { ProfilePath } from "./profile_name.ts";

/** A folder with a store in it. */
async function world() {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "hail-lock-" }));
  await Deno.mkdir(`${folder}/store/x`, { recursive: true });
  const lock = (name: string) => lockProfile(`${folder}/${name}` as ProfilePath, `${folder}/store`);
  const end = async () => {
    await filesClosed(folder);
    await Deno.remove(folder, { recursive: true });
  };
  return { folder, lock, [Symbol.asyncDispose]: end };
}

Deno.test("lockProfile makes the folder and the file, and can be taken again when it was released", async () => {
  await using its = await world();
  for (let times = 0; times < 2; times++) {
    const lock = await its.lock("new/deep/web");
    assert.equal(await Deno.readTextFile(`${its.folder}/new/deep/.web.hail-lock`), `${Deno.pid}\n`);
    lock.release();
  }
});

for (
  const [what, place] of [
    ["a link", (path: string, victim: string) => Deno.symlink(victim, path)],
    ["a link to nothing", (path: string) => Deno.symlink("/nonexistent/file", path)],
    ["a second name of a file", (path: string, victim: string) => Deno.link(victim, path)],
    ["a folder", (path: string) => Deno.mkdir(path)],
    ["a FIFO", async (path: string) => void await new Deno.Command("mkfifo", { args: [path] }).output()],
  ] as const
) {
  Deno.test(`lockProfile refuses ${what} in the place of the lock file, and writes nothing`, async () => {
    await using its = await world();
    const victim = `${its.folder}/victim`;
    await Deno.writeTextFile(victim, "untouched");
    await place(`${its.folder}/.web.hail-lock`, victim);
    await assert.rejects(its.lock("web"), { code: "switch-failed", why: /other than a lock file/ });
    assert.equal(await Deno.readTextFile(victim), "untouched");
  });
}

Deno.test("lockProfile refuses a profile that lies in the store, and writes nothing there", async () => {
  await using its = await world();
  await Deno.symlink("store/x", `${its.folder}/profile`);
  await assert.rejects(its.lock("profile/sub"), { code: "switch-failed", why: /leads into the Nix store/ });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${its.folder}/store/x`)), []);
});

Deno.test("lockProfile says that a folder cannot be made", async () => {
  await using its = await world();
  await Deno.writeTextFile(`${its.folder}/file`, "");
  await assert.rejects(its.lock("file/web"), { code: "switch-failed", why: /cannot be opened and locked/ });
});

Deno.test("lockProfile refuses a profile that is held, and does not come to hold it later", async () => {
  await using its = await world();
  const first = await its.lock("web");
  await assert.rejects(its.lock("web"), {
    code: "profile-held",
    why: `another hail holds it, process ${Deno.pid}`,
  });
  first.release();
  for (let times = 0; times < 2; times++) (await its.lock("web")).release();
});

Deno.test("lockProfile waits for a profile that is held, if it may, until it is told not to", async () => {
  await using its = await world();
  const first = await its.lock("web");
  const told: string[] = [];
  const stop = new AbortController();
  const wait = (signal: AbortSignal) =>
    lockProfile(`${its.folder}/web` as ProfilePath, `${its.folder}/store`, {
      onHeld: ({ code }) => {
        told.push(code);
        if (signal === stop.signal) stop.abort(new Error("stop"));
        else first.release();
      },
      signal,
    });
  await assert.rejects(wait(stop.signal), /stop/);
  const second = await wait(new AbortController().signal);
  await assert.rejects(its.lock("web"), { code: "profile-held" });
  second.release();
  (await its.lock("web")).release();
  assert.deepEqual(told, ["profile-held", "profile-held"]);
});
