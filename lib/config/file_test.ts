import assert from "node:assert/strict";
import { type Disk, readConfigFile } from "./file.ts";

/** No such file is there where tests run; what it is taken for is made up. */
const LINK = "/etc/hail/no-such-configuration.toml";

async function inFolder(test: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function why(path: string, uid: number | null, disk?: Disk): Promise<string> {
  const read = await readConfigFile(path, uid, disk);
  return "problem" in read ? `${read.problem.why}. ${read.problem.next}` : read.text;
}

Deno.test("config file: a file is read, also through links, and without its byte order mark", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/store-path`, "\ufeffa = 1\n");
    await Deno.symlink(`${folder}/store-path`, `${folder}/config.toml`);
    assert.equal(await why(`${folder}/config.toml`, null), "a = 1\n");
  });
});

Deno.test("config file: what is no readable text file is refused", async () => {
  await inFolder(async (folder) => {
    assert.match(await why(`${folder}/none`, null), /there is no such file.*--config/);
    assert.match(await why(folder, null), /it is a folder/);
    await Deno.writeFile(`${folder}/bytes`, new Uint8Array([0x61, 0xff, 0x62]));
    assert.match(await why(`${folder}/bytes`, null), /it is not UTF-8/);
    await Deno.writeTextFile(`${folder}/long`, "#".repeat(1024 * 1024 + 1));
    assert.match(await why(`${folder}/long`, null), /longer than 1048576 bytes/);
    await Deno.writeTextFile(`${folder}/full`, "#".repeat(1024 * 1024));
    assert.match(await why(`${folder}/full`, null), /^#+$/);
    assert.match(await why("/dev/zero", null), /not a regular file/);
    await Deno.symlink(`${folder}/circle`, `${folder}/circle`);
    assert.match(await why(`${folder}/circle`, null), /circle/);
  });
});

/** A disk on which everything is root's, apart from some paths. `config.toml` is a link into the store. */
function diskWith(others: Readonly<Record<string, { readonly uid?: number; readonly mode?: number }>>): Disk {
  const real = (path: string) => path === LINK ? "/nix/store/x-config" : path;
  const statusOf = (path: string) => {
    const folder = path === "/etc/hail" || path === "/nix/store";
    const mode = path === "/nix/store" ? 0o1775 : folder ? 0o755 : 0o644;
    return { uid: 0, mode, isDirectory: () => folder, ...others[path] };
  };
  return { real, status: (path) => statusOf(real(path)), linkStatus: statusOf };
}

for (
  const [what, others] of [
    ["the file belongs to another user", { "/nix/store/x-config": { uid: 1000 } }],
    ["its group can write it", { "/nix/store/x-config": { mode: 0o664 } }],
    ["everybody can write it", { "/nix/store/x-config": { mode: 0o646 } }],
    ["its folder belongs to another user", { "/nix/store": { uid: 1000 } }],
    ["others can exchange it", { "/nix/store": { mode: 0o775 } }],
    ["the link belongs to another user", { [LINK]: { uid: 1000 } }],
    ["the link's folder belongs to another user", { "/etc/hail": { uid: 1000 } }],
    ["others can exchange the link", { "/etc/hail": { mode: 0o777 } }],
  ] as const
) {
  Deno.test(`config file: root takes no word of others: ${what}`, async () => {
    const [path] = Object.keys(others);
    const refused = await why(LINK, 0, diskWith(others));
    assert.ok(refused.startsWith(`${path} can be written by others than root`), refused);
    // Other users are not kept from what is theirs; the file itself is not there.
    assert.match(await why(LINK, 1000, diskWith(others)), /^there is no such file/);
  });
}

Deno.test("config file: root takes its own word, also out of the Nix store", async () => {
  assert.match(await why(LINK, 0, diskWith({})), /^there is no such file/);
});
