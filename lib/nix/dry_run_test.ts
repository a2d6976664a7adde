import assert from "node:assert/strict";
import { readDryRun } from "./dry_run.ts";

const WEB = "/nix/store/fhk4fmz5rf3rxgpyxscr10sshjg847nd-web-2.0";
const PAYLOAD = "/nix/store/2azs0s6kv0nnidffc0whcrj69gif38if-web-payload-2.0";

// What the three Nixes printed for the same paths.
Deno.test("dry run: many paths, as Nix 2.8, 2.26 and 2.34 tell of them", () => {
  const read = (first: string) => readDryRun([first, `  ${PAYLOAD}`, `  ${WEB}`]);
  const paths = [PAYLOAD, WEB];
  for (
    const [first, bytes] of [
      ["these 2 paths will be fetched (1.91 MiB download, 1.91 MiB unpacked):", 2_002_780],
      ["these 2 paths will be fetched (1144.41 MiB download, 1144.41 MiB unpacked):", 1_200_000_860],
      ["these 2 paths will be fetched (1.9 MiB download, 1.9 MiB unpacked):", 1_992_294],
      ["these 2 paths will be fetched (1.1 GiB download, 1.1 GiB unpacked):", 1_181_116_006],
      ["these 2 paths will be fetched (2.0 KiB download, 2.0 KiB unpacked):", 2_048],
      ["these 2 paths will be fetched (0.00 MiB download, 0.00 MiB unpacked):", 0],
      ["these paths will be fetched (0.00 MiB download, 0.00 MiB unpacked):", 0],
    ] as const
  ) {
    assert.deepEqual(read(first), {
      toFetch: 2,
      downloadBytes: bytes,
      unpackedBytes: bytes,
      paths,
      missing: [],
    }, first);
  }
});

Deno.test("dry run: one path", () => {
  for (const size of ["0.00 MiB", "1.1 KiB"]) {
    const read = readDryRun([
      `this path will be fetched (${size} download, 3.00 MiB unpacked):`,
      `  ${PAYLOAD}`,
    ]);
    assert.deepEqual([read?.toFetch, read?.unpackedBytes, read?.paths], [1, 3 * 1024 ** 2, [PAYLOAD]]);
  }
});

Deno.test("dry run: nothing is to be done, and warnings count for nothing", () => {
  const nothing = { toFetch: 0, downloadBytes: 0, unpackedBytes: 0, paths: [], missing: [] };
  assert.deepEqual(readDryRun([]), nothing);
  assert.deepEqual(readDryRun(["warning: ignoring the user-specified setting 'x'"]), nothing);
});

Deno.test("dry run: paths that no substituter has are told apart", () => {
  const read = readDryRun([
    "this path will be fetched (0.9 KiB download, 0.9 KiB unpacked):",
    `  ${WEB}`,
    "don't know how to build these paths:",
    `  ${PAYLOAD}`,
  ]);
  assert.deepEqual([read?.toFetch, read?.paths, read?.missing], [1, [WEB], [PAYLOAD]]);
});

Deno.test("dry run: a list that was cut off still has its number", () => {
  const lines = ["these 12000 paths will be fetched (1.1 GiB download, 4.0 GiB unpacked):", `  ${WEB}`];
  assert.equal(readDryRun([...lines, "(more than 10000 lines: the rest is not logged)"])?.toFetch, 12000);
});

Deno.test("dry run: words that are not known give no verdict", () => {
  for (
    const line of [
      "these 2 paths will be fetched (some download, 1.9 MiB unpacked):",
      "these 2 paths will be fetched (1.9 MiB download, 1.9 MB unpacked):",
      "these 2 paths will be fetched:",
      "this derivation will be built:",
    ]
  ) assert.equal(readDryRun([line, `  ${WEB}`]), null, line);
});
