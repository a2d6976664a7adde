import assert from "node:assert/strict";
import { nameInStore, parsePackageName } from "./package_name.ts";

Deno.test("package name: the version begins behind the first dash that no letter follows", () => {
  for (
    const [text, name, version] of [
      ["openssl-3.0.13", "openssl", "3.0.13"],
      ["web-payload-2.0", "web-payload", "2.0"],
      ["python3.11-requests-2.31.0", "python3.11-requests", "2.31.0"],
      ["nixos-system-web-24.05.20240601.abc", "nixos-system-web", "24.05.20240601.abc"],
      ["glibc-2.39-52", "glibc", "2.39-52"],
      ["source", "source", ""],
      ["unit-web.service", "unit-web.service", ""],
      ["foo-unstable-2024-01-02", "foo-unstable", "2024-01-02"],
      ["a-", "a-", ""],
      ["a--1", "a", "-1"],
      ["x-_y", "x", "_y"],
      ["-1", "", "1"],
    ] as const
  ) assert.deepEqual(parsePackageName(text), { name, version }, text);
});

Deno.test("package name: an output is no part of the version, the end of a pre-release is", () => {
  for (
    const [text, version] of [
      ["openssl-3.0.13-bin", "3.0.13"],
      ["glibc-2.39-52-getent", "2.39-52"],
      ["gcc-13.2.0-lib", "13.2.0"],
      ["gcc-13.2.0-lib32", "13.2.0"],
      ["web-2.0-rc", "2.0-rc"],
      ["web-2.0-beta", "2.0-beta"],
      ["web-2.0-rc1", "2.0-rc1"],
      ["web-2.0-rc-man", "2.0-rc"],
    ] as const
  ) assert.equal(parsePackageName(text).version, version, text);
});

Deno.test("package name: only a path right below the store has one", () => {
  const hash = "fhk4fmz5rf3rxgpyxscr10sshjg847nd";
  assert.equal(nameInStore(`/nix/store/${hash}-web-2.0`, "/nix/store"), "web-2.0");
  assert.equal(nameInStore(`/nix/store/${hash}-web-2.0.drv`, "/nix/store"), "web-2.0.drv");
  for (const path of [`/nix/store/${hash}-web/bin`, `/gnu/store/${hash}-web`, `/nix/store/${hash}`, "--x"]) {
    assert.equal(nameInStore(path, "/nix/store"), null, path);
  }
});
