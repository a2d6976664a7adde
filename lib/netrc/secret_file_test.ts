import assert from "node:assert/strict";
import { readSecretFile } from "./secret_file.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hail-netrc-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("secret file: text and mode of a regular file are read, through links too", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "\ufeffmachine h\u00e9\n");
    await Deno.chmod(`${folder}/file`, 0o640);
    await Deno.symlink("file", `${folder}/link`);
    for (const name of ["file", "link"]) {
      assert.deepEqual(await readSecretFile(`${folder}/${name}`, 100), {
        outcome: "read",
        text: "machine h\u00e9\n",
        mode: 0o640,
      });
    }
    await Deno.writeTextFile(`${folder}/empty`, "", { mode: 0o600 });
    assert.deepEqual(await readSecretFile(`${folder}/empty`, 100), {
      outcome: "read",
      text: "",
      mode: 0o600,
    });
  });
});

Deno.test("secret file: a missing one is told from one that cannot be read", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await Deno.symlink("nowhere", `${folder}/dangling`);
    await Deno.symlink("circle", `${folder}/circle`);
    assert.deepEqual(await readSecretFile(`${folder}/none`, 100), { outcome: "missing" });
    assert.deepEqual(await readSecretFile(`${folder}/dangling`, 100), { outcome: "missing" });
    assert.equal((await readSecretFile(`${folder}/circle`, 100)).outcome, "unusable");
    assert.equal((await readSecretFile(`${folder}/file/none`, 100)).outcome, "unusable");
  });
});

Deno.test("secret file: what is not a regular file is refused at once", async () => {
  await inFolder(async (folder) => {
    assert((await new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).output()).success);
    const refused = { outcome: "unusable", why: "it is not a regular file" };
    assert.deepEqual(await readSecretFile(`${folder}/fifo`, 100), refused);
    assert.deepEqual(await readSecretFile("/dev/zero", 100), refused);
    const socket = Deno.listen({ transport: "unix", path: `${folder}/socket` });
    assert.deepEqual(await readSecretFile(`${folder}/socket`, 100), refused);
    socket.close();
    assert.deepEqual(await readSecretFile(folder, 100), { outcome: "unusable", why: "it is a folder" });
  });
});

Deno.test("secret file: the limit is on the bytes that are there, not on what the file system tells", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "\u00e9".repeat(50));
    assert.equal((await readSecretFile(`${folder}/file`, 100)).outcome, "read");
    assert.deepEqual(await readSecretFile(`${folder}/file`, 99), {
      outcome: "unusable",
      why: "it is longer than 99 bytes",
    });
  });
  // Its size is told as 0.
  assert.deepEqual(await readSecretFile("/proc/self/status", 10), {
    outcome: "unusable",
    why: "it is longer than 10 bytes",
  });
});

Deno.test("secret file: text that is not UTF-8 is refused", async () => {
  await inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/file`, new Uint8Array([0x6d, 0xff, 0xfe]));
    assert.deepEqual(await readSecretFile(`${folder}/file`, 100), {
      outcome: "unusable",
      why: "it is not UTF-8 text",
    });
  });
});
