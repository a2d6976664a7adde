import assert from "node:assert/strict";
import { systemDisk } from "./disk.ts";

async function inFolder(work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("disk: a file is made once, renamed over another, synced and removed", () =>
  inFolder(async (folder) => {
    await systemDisk.create(`${folder}/a`, "one \u20ac");
    await assert.rejects(systemDisk.create(`${folder}/a`, "two"), Deno.errors.AlreadyExists);
    await systemDisk.create(`${folder}/b`, "two");
    await systemDisk.rename(`${folder}/a`, `${folder}/b`);
    await systemDisk.sync(folder);
    assert.equal(await systemDisk.read(`${folder}/b`, 100), "one \u20ac");
    assert.equal(((await Deno.stat(`${folder}/b`)).mode ?? 0) & 0o777, 0o644 & ~umask());
    await systemDisk.remove(`${folder}/b`);
    await systemDisk.remove(`${folder}/b`);
    assert.deepEqual(await systemDisk.list(folder), []);
  }));

Deno.test("disk: a link is made, listed as one, read, and renamed over another", () =>
  inFolder(async (folder) => {
    await systemDisk.makeFolder(`${folder}/sub`);
    await systemDisk.link(`${folder}/a`, "/nowhere");
    await systemDisk.link(`${folder}/sub/b`, "/elsewhere");
    await systemDisk.rename(`${folder}/a`, `${folder}/sub/b`);
    assert.deepEqual(await systemDisk.list(`${folder}/sub`), [{ name: "b", kind: "link" }]);
    assert.equal(await systemDisk.readLink(`${folder}/sub/b`), "/nowhere");
    assert.deepEqual(await systemDisk.list(folder), [{ name: "sub", kind: "folder" }]);
  }));

Deno.test("disk: a folder that is not there is told apart from an empty one", () =>
  inFolder(async (folder) => {
    assert.equal(await systemDisk.list(`${folder}/none`), null);
    assert.deepEqual(await systemDisk.list(folder), []);
  }));

Deno.test("disk: a file beyond its limit, or that is not text, is refused", () =>
  inFolder(async (folder) => {
    await systemDisk.create(`${folder}/a`, "12345");
    assert.equal(await systemDisk.read(`${folder}/a`, 5), "12345");
    await assert.rejects(systemDisk.read(`${folder}/a`, 4), /larger than 4 bytes/);
    await Deno.writeFile(`${folder}/b`, new Uint8Array([0xff]));
    await assert.rejects(systemDisk.read(`${folder}/b`, 5), TypeError);
    await assert.rejects(systemDisk.read("/dev/zero", 5), /larger than 5 bytes/);
  }));

Deno.test("disk: a lock keeps another holder waiting until it is given back", () =>
  inFolder(async (folder) => {
    const release = await systemDisk.lock(`${folder}/lock`);
    let second = false;
    const waiting = systemDisk.lock(`${folder}/lock`).then((give) => {
      second = true;
      return give;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(second, false);
    release();
    (await waiting)();
  }));

/** The bits that the process itself withholds from new files. */
function umask(): number {
  return Deno.umask();
}
