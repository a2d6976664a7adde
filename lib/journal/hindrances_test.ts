import assert from "node:assert/strict";
import { type Hindrance, readHindrances, writeHindrances } from "./hindrances.ts";

const WEB: Hindrance = {
  name: "web",
  profile: "/nix/var/nix/profiles/web",
  jobUri: "https://hydra.example/job/shop/main/web/latest",
  failures: 2,
  failure: { at: 5, code: "netrc-unusable", message: "netrc: it does not exist", next: "Create it." },
  retryAt: 9,
};

async function inFolder(test: (folder: string) => void | Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "hail-hindrances-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("hindrances: what is written is read again, and goes where there is nothing to tell", () =>
  inFolder((folder) => {
    assert.deepEqual(readHindrances(folder), []);
    const held = { ...WEB, name: "api", retryAt: null };
    writeHindrances(folder, null, [WEB, held]);
    assert.deepEqual(readHindrances(folder), [WEB, held]);
    assert.equal((Deno.statSync(`${folder}/hindrances.json`).mode ?? 0) & 0o777, 0o600);
    writeHindrances(folder, Deno.gid(), [WEB]);
    assert.equal((Deno.statSync(`${folder}/hindrances.json`).mode ?? 0) & 0o777, 0o640);
    writeHindrances(folder, null, []);
    writeHindrances(folder, null, []);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("hindrances: what is something else is nothing", () =>
  inFolder((folder) => {
    const file = `${folder}/hindrances.json`;
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
      assert.deepEqual(readHindrances(folder), [], text);
    }
    Deno.truncateSync(file, 17 * 1024 * 1024);
    assert.deepEqual(readHindrances(folder), []);
    Deno.removeSync(file);
    Deno.writeTextFileSync(`${folder}/elsewhere`, JSON.stringify([WEB]));
    Deno.symlinkSync("elsewhere", file);
    assert.deepEqual(readHindrances(folder), []);
    Deno.removeSync(file);
    Deno.mkdirSync(file);
    assert.deepEqual(readHindrances(folder), []);
    // Nor is it written there.
    writeHindrances(folder, null, [WEB]);
    assert.deepEqual(readHindrances(folder), []);
  }));

Deno.test("hindrances: one that cannot be understood, or is long, hides no other", () =>
  inFolder((folder) => {
    const other = { ...WEB, name: "api" };
    Deno.writeTextFileSync(
      `${folder}/hindrances.json`,
      JSON.stringify([{}, WEB, { ...WEB, retryAt: "soon" }, other]),
    );
    assert.deepEqual(readHindrances(folder), [WEB, other]);
    const long = { ...WEB, failure: { ...WEB.failure, message: "x".repeat(20_000) } };
    writeHindrances(folder, null, [long, other]);
    const [cut, ...more] = readHindrances(folder);
    assert.deepEqual([cut?.failure.message.length, more], [10_000, [other]]);
    writeHindrances(folder, null, Array.from({ length: 1_000 }, () => long));
    const { length } = readHindrances(folder);
    assert.ok(length > 300 && length < 1_000, `${length}`);
  }));

Deno.test("hindrances: where they cannot be written, those of before are told no longer", () =>
  inFolder((folder) => {
    writeHindrances(folder, null, [WEB]);
    // In its place nothing can be made.
    Deno.mkdirSync(`${folder}/hindrances.json.new/x`, { recursive: true });
    writeHindrances(folder, null, [WEB, { ...WEB, name: "api" }]);
    assert.deepEqual(readHindrances(folder), []);
  }));

Deno.test("hindrances: a folder that is not there, or a rest of an earlier try, is no trouble", () =>
  inFolder((folder) => {
    writeHindrances(`${folder}/none`, null, [WEB]);
    assert.deepEqual(readHindrances(`${folder}/none`), []);
    Deno.writeTextFileSync(`${folder}/hindrances.json.new`, "[");
    writeHindrances(folder, null, [WEB]);
    assert.deepEqual(readHindrances(folder), [WEB]);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["hindrances.json"]);
  }));
