import assert from "node:assert/strict";
import { findMistakes, readSchema } from "../../../tests/command_line/json_schema.ts";
import { build, NOW } from "../../../tests/command_line/records.ts";
import type { CheckResult } from "../../agent/check.ts";
import type { Preview } from "../../nix/preview.ts";
import type { Page } from "../context.ts";
import { checkDocument, renderCheck } from "./check.ts";
import { writeDocument } from "./documents.ts";

const TERMINAL: Page = { columns: 80, terminal: true, colours: false };
const MIB = 1024 * 1024;

const PREVIEW: Preview = {
  pathsToFetch: 12,
  downloadBytes: 23.5 * MIB,
  unpackedBytes: 101 * MIB,
  freeBytes: 12 * 1024 * MIB,
  neededBytes: 150 * MIB,
  enough: true,
  difference: {
    added: [{ name: "zstd", from: [], to: ["1.5.5"], sizeBefore: 0, sizeAfter: 1.5 * MIB }],
    removed: [{ name: "bzip2", from: ["1.0.8"], to: [], sizeBefore: 0.5 * MIB, sizeAfter: 0 }],
    changed: [
      { name: "openssl", from: ["3.0.1"], to: ["3.0.2"], sizeBefore: 6 * MIB, sizeAfter: 6.5 * MIB },
      { name: "config", from: [""], to: [""], sizeBefore: 1024, sizeAfter: 512 },
      {
        name: `a-package-with-${"a-very-".repeat(8)}long-name`,
        from: ["1.0", "2.0"],
        to: ["2.0"],
        sizeBefore: null,
        sizeAfter: 512,
      },
    ],
    sizeBefore: 1100 * MIB,
    sizeAfter: 1101.5 * MIB,
  },
  note: null,
};

const RESULTS: Readonly<Record<string, CheckResult>> = {
  "a new build": {
    profile: "/nix/var/nix/profiles/web",
    current: build(11).outPath,
    latest: build(12),
    unwell: false,
    verdict: { do: "deploy" },
    preview: PREVIEW,
  },
  "a first build": {
    profile: "/nix/var/nix/profiles/web",
    current: null,
    latest: { ...build(12), finishedAt: null },
    unwell: false,
    verdict: { do: "deploy" },
    preview: {
      ...PREVIEW,
      pathsToFetch: 0,
      downloadBytes: 0,
      unpackedBytes: 0,
      difference: { added: [], removed: [], changed: [], sizeBefore: null, sizeAfter: null },
    },
  },
  "too little room": {
    profile: "/nix/var/nix/profiles/web",
    current: build(11).outPath,
    latest: build(12),
    unwell: false,
    verdict: { do: "deploy" },
    preview: { ...PREVIEW, freeBytes: MIB, enough: false },
  },
  "nothing new": {
    profile: "/nix/var/nix/profiles/web",
    current: build(12).outPath,
    latest: build(12),
    unwell: false,
    verdict: { do: "nothing" },
    preview: null,
  },
  "a refusal": {
    profile: "/nix/var/nix/profiles/web",
    current: build(11).outPath,
    latest: build(12),
    unwell: false,
    verdict: { do: "refuse", code: "marked-bad", why: "its health failed", next: "Say `hail retry`." },
    preview: PREVIEW,
  },
  "a cache that cannot be asked": {
    profile: "/nix/var/nix/profiles/web",
    current: build(11).outPath,
    latest: build(12),
    unwell: false,
    verdict: { do: "deploy" },
    preview: {
      pathsToFetch: null,
      downloadBytes: null,
      unpackedBytes: null,
      freeBytes: null,
      neededBytes: null,
      enough: null,
      difference: null,
      note: "no substituter has it (yet)",
    },
  },
};

for (const [name, result] of Object.entries(RESULTS)) {
  Deno.test(`check: ${name} fits the page`, () => {
    for (const line of renderCheck("web", result, NOW, TERMINAL).split("\n")) {
      assert.match(line, /^[\x20-\x7e]{1,80}$/, line);
      assert.doesNotMatch(line, /undefined|null|NaN/);
    }
  });

  Deno.test(`check: ${name} is in JSON as its schema says`, async () => {
    const text = writeDocument(checkDocument("web", result));
    assert.deepEqual(findMistakes(JSON.parse(text), await readSchema("check")), []);
  });
}

function rendered(name: string): string {
  const result = RESULTS[name];
  assert.ok(result !== undefined);
  return renderCheck("web", result, NOW, TERMINAL);
}

Deno.test("check: a new build, from the first line to the last", () => {
  assert.equal(
    rendered("a new build"),
    `web: build 12 (web-12.0) would be deployed
  Profile   ${build(11).outPath}
  Latest    build 12 (web-12.0), finished 2026-11-22 15:40:03 (1 h ago)
            ${build(12).outPath}
  To fetch  12 store paths, 23.5 MiB to download, 101.0 MiB unpacked
  Disk      12.0 GiB are free; 150.0 MiB must be, with a margin
  Closure   1.1 GiB, before 1.1 GiB (+1.5 MiB)
  Changed:
    openssl                           3.0.1 -> 3.0.2   +512.0 KiB
    config                            no version           -512 B
    a-package-with-a-very-a-very-...  1.0, 2.0 -> 2.0           ?
  Added:
    zstd  1.5.5  +1.5 MiB
  Removed:
    bzip2  1.0.8  -512.0 KiB`,
  );
});

for (
  const [name, says] of [
    [
      "a first build",
      /^ +Profile +nothing yet\n[^]*To fetch +nothing, all of it is in the store\n[^]*No package changes/m,
    ],
    ["too little room", /would not be fetched: there is too little room\n/],
    ["nothing new", /^web: build 12 \(web-12.0\) is active; nothing would be done\n/],
    ["a refusal", /would not be deployed: its health failed. Say `hail\s+retry`.\n/],
    ["a cache that cannot be asked", /would be deployed\n[^]*Note +no substituter has it \(yet\)/],
  ] as const
) {
  Deno.test(`check: ${name} is said`, () => assert.match(rendered(name), says));
}
