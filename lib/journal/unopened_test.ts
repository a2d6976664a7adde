import assert from "node:assert/strict";
import { readUnopened, type UnopenedService, writeUnopened } from "./unopened.ts";

const WEB: UnopenedService = {
  name: "web",
  profile: "/nix/var/nix/profiles/web",
  jobUri: "https://hydra.example/job/shop/main/web/latest",
  failures: 2,
  failure: { at: 5, code: "netrc-unusable", message: "netrc: it does not exist", next: "Create it." },
  retryAt: 9,
};

async function inFolder(test: (folder: string) => void | Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "hail-unopened-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("unopened: what is written is read again, and goes where there is nothing to tell", () =>
  inFolder((folder) => {
    assert.deepEqual(readUnopened(folder), []);
    const held = { ...WEB, name: "api", retryAt: null };
    writeUnopened(folder, null, [WEB, held]);
    assert.deepEqual(readUnopened(folder), [WEB, held]);
    assert.equal((Deno.statSync(`${folder}/unopened.json`).mode ?? 0) & 0o777, 0o600);
    writeUnopened(folder, Deno.gid(), [WEB]);
    assert.equal((Deno.statSync(`${folder}/unopened.json`).mode ?? 0) & 0o777, 0o640);
    writeUnopened(folder, null, []);
    writeUnopened(folder, null, []);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("unopened: what is something else is nothing", () =>
  inFolder((folder) => {
    const file = `${folder}/unopened.json`;
    const others = [
      "",
      "{",
      "null",
      "{}",
      JSON.stringify([{ ...WEB, failures: "2" }]),
      JSON.stringify([{ ...WEB, name: 7 }]),
    ];
    for (const text of [...others, JSON.stringify([{ ...WEB, failure: { ...WEB.failure, code: "odd" } }])]) {
      Deno.writeTextFileSync(file, text);
      assert.deepEqual(readUnopened(folder), [], text);
    }
    Deno.truncateSync(file, 17 * 1024 * 1024);
    assert.deepEqual(readUnopened(folder), []);
    Deno.removeSync(file);
    Deno.symlinkSync("/etc/hostname", file);
    assert.deepEqual(readUnopened(folder), []);
    Deno.removeSync(file);
    Deno.mkdirSync(file);
    assert.deepEqual(readUnopened(folder), []);
    // Nor is it written there.
    writeUnopened(folder, null, [WEB]);
    assert.deepEqual(readUnopened(folder), []);
  }));

Deno.test("unopened: a folder that is not there, or a rest of an earlier try, is no trouble", () =>
  inFolder((folder) => {
    writeUnopened(`${folder}/none`, null, [WEB]);
    assert.deepEqual(readUnopened(`${folder}/none`), []);
    Deno.writeTextFileSync(`${folder}/unopened.json.new`, "[");
    writeUnopened(folder, null, [WEB]);
    assert.deepEqual(readUnopened(folder), [WEB]);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["unopened.json"]);
  }));
