import assert from "node:assert/strict";
import { inGroups, testFiles } from "../../scripts/test_files.ts";

Deno.test("test files: each belongs to one kind, and the fast ones are those that deno.json names", async () => {
  const { fast, nix, systemd } = await testFiles();
  assert.equal(new Set([...fast, ...nix, ...systemd]).size, fast.length + nix.length + systemd.length);
  const root = new URL("../../", import.meta.url);
  const { test: { include } } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root))) as {
    readonly test: { readonly include: readonly string[] };
  };
  for (const file of fast) assert.ok(include.some((folder) => file.startsWith(folder)), file);
  for (const file of [...nix, ...systemd]) {
    assert.ok(!include.some((folder) => file.startsWith(folder)), file);
  }
  assert.ok(fast.includes("tests/scripts/test_files_test.ts"));
  assert.ok(nix.length > 10 && systemd.length > 5);
});

Deno.test("test files: each is in one group, the long ones alone and first", () => {
  const files = ["lib/a_test.ts", "lib/process/run_command_test.ts", "lib/b_test.ts", "lib/c_test.ts"];
  assert.deepEqual(inGroups(files, 2), [
    ["lib/process/run_command_test.ts"],
    ["lib/a_test.ts", "lib/b_test.ts"],
    ["lib/c_test.ts"],
  ]);
  assert.deepEqual(inGroups([], 2), []);
});
