import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../failure/failure.ts";
import { parseStorePath, storeFolder } from "./store_path.ts";

const BASE_32 = "0123456789abcdfghijklmnpqrsvwxyz";
const NAME_FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+_?=-";
const HASH = "0c1dfghijklmnpqrsvwxyz0123456789";

const hash = fc.array(fc.constantFrom(...BASE_32), { minLength: 32, maxLength: 32 }).map((all) =>
  all.join("")
);
const name = fc.tuple(
  fc.constantFrom(...NAME_FIRST),
  fc.array(fc.constantFrom(...NAME_FIRST, "."), { maxLength: 210 }),
).map(([first, rest]) => first + rest.join("")).filter((text) => !text.endsWith(".drv"));
const folder = fc.constantFrom("/nix/store", "/tmp/a/nix/store", "/gnu.store");

const piece = fc.oneof(
  fc.constantFrom(...NAME_FIRST, "/", ".", "\n"),
  fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
);

/** The same rules, written a second time without a regular expression. */
function isStorePath(text: string, storeFolder: string): boolean {
  const base = text.slice(storeFolder.length + 1);
  return text.slice(0, storeFolder.length + 1) === storeFolder + "/" && base.length >= 34 &&
    base.length <= 33 + 211 && [...base.slice(0, 32)].every((c) => BASE_32.includes(c)) && base[32] === "-" &&
    base[33] !== "." && [...base.slice(33)].every((c) => NAME_FIRST.includes(c) || c === ".") &&
    base.slice(-4) !== ".drv";
}

Deno.test("store path: every path of the right form is accepted unchanged", () => {
  fc.assert(fc.property(folder, hash, name, (folder, hash, name) => {
    const text = `${folder}/${hash}-${name}`;
    assert.equal(parseStorePath(text, folder), text);
  }));
});

Deno.test("store path: one change anywhere is judged as the rules say", () => {
  const change = fc.tuple(
    fc.nat(),
    fc.constantFrom("put", "insert", "remove"),
    fc.array(piece, { maxLength: 2 }).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(folder, hash, name, change, (folder, hash, name, [position, kind, piece]) => {
      const text = `${folder}/${hash}-${name}`;
      const at = position % (text.length + 1);
      const changed = text.slice(0, at) + (kind === "remove" ? "" : piece) +
        text.slice(kind === "insert" ? at : at + 1);
      assert.equal(
        parseStorePath(changed, folder) !== null,
        isStorePath(changed, folder),
        JSON.stringify(changed),
      );
    }),
    { numRuns: 200 },
  );
});

Deno.test("store path: what is accepted is no option, has no dot part and one part below the store", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^\/nix\/store\/[0-9a-z]{31,33}[-/.][a-z./-]{0,9}$/));
  fc.assert(fc.property(text, (text) => {
    const path = parseStorePath(text);
    if (path === null) return;
    assert.match(path, /^\/nix\/store\/[^/]+$/);
    assert.equal(new URL(`file://${path.replaceAll("?", "%3F")}`).pathname.startsWith("/nix/store/"), true);
  }));
});

Deno.test("store path: what is not exactly a store path is refused", () => {
  const good = `/nix/store/${HASH}-web-4.0`;
  assert.equal(parseStorePath(good), good);
  const bad = [
    "",
    "--version",
    "-K",
    `-${good}`,
    ` ${good}`,
    `${good} `,
    `${good}\n`,
    `${good}/`,
    `${good}/bin/activate`,
    `${good}/../../etc`,
    `${good}\0`,
    `/nix/store/../store/${HASH}-web`,
    `/nix//store/${HASH}-web`,
    `/nix/store/${HASH}`,
    `/nix/store/${HASH}-`,
    `/nix/store/${HASH}-.`,
    `/nix/store/${HASH}-..`,
    `/nix/store/${HASH}-.hidden`,
    `/nix/store/${HASH}-web.drv`,
    `/nix/store/${HASH}-.drv`,
    `/nix/store/${HASH}-w\u00e9b`,
    `/nix/store/${HASH}-web!out`,
    `/nix/store/${HASH}-web^out`,
    `/nix/store/${HASH.slice(1)}-web`,
    `/nix/store/${HASH}0-web`,
    `/nix/store/${HASH.toUpperCase()}-web`,
    `/nix/store/${HASH.slice(1)}e-web`,
    `/nix/store/${HASH.slice(1)}o-web`,
    `/nix/store/${HASH.slice(1)}t-web`,
    `/nix/store/${HASH.slice(1)}u-web`,
    `/nix/store/.links/${HASH}-web`,
    `/gnu/store/${HASH}-web`,
    `nix/store/${HASH}-web`,
    `file:///nix/store/${HASH}-web`,
  ];
  for (const text of bad) assert.equal(parseStorePath(text), null, JSON.stringify(text));
});

Deno.test("store path: a name has at most 211 characters", () => {
  assert.notEqual(parseStorePath(`/nix/store/${HASH}-${"a".repeat(211)}`), null);
  assert.equal(parseStorePath(`/nix/store/${HASH}-${"a".repeat(212)}`), null);
});

Deno.test("store path: a name may hold .drv anywhere but at its end", () => {
  assert.notEqual(parseStorePath(`/nix/store/${HASH}-web.drv.lock`), null);
  assert.notEqual(parseStorePath(`/nix/store/${HASH}-drv`), null);
});

Deno.test("store folder: NIX_STORE_DIR wins, and an empty one counts as unset", () => {
  const folderFor = (value?: string) =>
    storeFolder({ get: (name) => name === "NIX_STORE_DIR" ? value : undefined });
  assert.equal(folderFor(), "/nix/store");
  assert.equal(folderFor(""), "/nix/store");
  assert.equal(folderFor("/tmp/nix/store"), "/tmp/nix/store");
  assert.equal(folderFor("//tmp//nix/store/"), "/tmp/nix/store");
});

Deno.test("store folder: one that is no absolute path is wrong use", () => {
  for (const value of ["nix/store", "/", "///", "/nix/../store", "/nix/./store", "/nix/st\nore", "--x"]) {
    assert.throws(
      () => storeFolder({ get: () => value }),
      (error) =>
        error instanceof Failure && error.code === "usage" && error.message.includes("NIX_STORE_DIR"),
      value,
    );
  }
});
