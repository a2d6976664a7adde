import assert from "node:assert/strict";
import { asker } from "../../tests/support/gate_world.ts";
import { GateFault } from "./gate.ts";

/** Asks about a folder that a test has filled. */
async function look(fill: (folder: string) => Promise<unknown>) {
  const folder = await Deno.makeTempDir();
  try {
    await fill(folder);
    return await asker(`inhibit ${folder}`)(0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const why = async (fill: (folder: string) => Promise<unknown>) => (await look(fill))?.why ?? null;

Deno.test("inhibit: no folder, an empty one, and what does not count are open", async () => {
  assert.equal(await asker("inhibit /no/such/folder")(0), null);
  assert.equal(await look(() => Promise.resolve()), null);
  const shut = await look(async (folder) => {
    await Deno.writeTextFile(`${folder}/.hidden`, "x");
    await Deno.writeTextFile(`${folder}/half-written.tmp`, "x");
    await Deno.mkdir(`${folder}/folder`);
    await Deno.symlink(`${folder}/folder`, `${folder}/link-to-a-folder`);
  });
  assert.equal(shut, null);
});

Deno.test("inhibit: the first line of the first file is the reason", async () => {
  const shut = await look(async (folder) => {
    await Deno.writeTextFile(`${folder}/b`, "second");
    await Deno.writeTextFile(`${folder}/a`, "the database is being moved\r\nby the operators\n");
  });
  assert.deepEqual(shut, { why: "the database is being moved (a)", askAgainAt: null });
  assert.equal(await why((folder) => Deno.writeTextFile(`${folder}/a`, "")), "a");
  assert.equal(await why((folder) => Deno.writeTextFile(`${folder}/a`, " \nsecond line\n")), "a");
  const linked = await why(async (folder) => {
    await Deno.writeTextFile(`${folder}/.text`, "elsewhere\n");
    await Deno.symlink(".text", `${folder}/link`);
  });
  assert.equal(linked, "elsewhere (link)");
});

Deno.test("inhibit: what a file says can neither be long nor drive a terminal", async () => {
  const long = await why((folder) => Deno.writeTextFile(`${folder}/a`, "x".repeat(100_000)));
  assert.equal(long?.length, "x".repeat(200).length + " (a)".length);
  assert.equal(await why((folder) => Deno.writeTextFile(`${folder}/a`, "\x1b[31mred\x07\x00")), "red (a)");
  const bytes = await why((folder) => Deno.writeFile(`${folder}/a`, new Uint8Array([0xff, 0xfe, 0x41])));
  assert.equal(bytes, "\ufffd\ufffdA (a)");
  const named = await why((folder) => Deno.writeTextFile(`${folder}/\x1b[2Ja\nb`, ""));
  assert.equal(named, "a b");
  assert.equal((await why((folder) => Deno.writeTextFile(`${folder}/${"n".repeat(255)}`, "")))?.length, 100);
});

Deno.test("inhibit: what cannot be read inhibits all the same, and nobody waits for it", async () => {
  const fifo = await why(async (folder) => {
    assert((await new Deno.Command("mkfifo", { args: [`${folder}/a`] }).output()).success);
  });
  assert.equal(fifo, "a cannot be read");
  assert.equal(await why((folder) => Deno.symlink("a", `${folder}/a`)), "a cannot be read");
  assert.equal(await why((folder) => Deno.symlink("nothing", `${folder}/a`)), "a cannot be read");
  assert.equal(await why((folder) => Deno.symlink("/dev/zero", `${folder}/a`)), "a cannot be read");
  // A regular file whose first byte cannot be read, not even by root.
  assert.equal(await why((folder) => Deno.symlink("/proc/self/mem", `${folder}/a`)), "a cannot be read");
});

Deno.test("inhibit: what is no folder, and one that is too full to say, are faults", async () => {
  await assert.rejects(asker("inhibit /etc/passwd")(0), (error: GateFault) => {
    assert(error instanceof GateFault);
    assert.match(error.why, /^\/etc\/passwd cannot be read/);
    return true;
  });
  const full = async (folder: string) => {
    for (let entry = 0; entry < 1_001; entry++) await Deno.mkdir(`${folder}/${entry}`);
  };
  await assert.rejects(look(full), GateFault);
  const files = async (folder: string) => {
    for (let entry = 0; entry < 1_100; entry++) await Deno.writeTextFile(`${folder}/f${entry}`, "busy");
  };
  assert.match(await why(files) ?? "", /^busy \(f\d+\)$/);
});
