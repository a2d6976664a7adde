import assert from "node:assert/strict";
import { diagnoseRealise, diagnoseRefusal, findRefusal } from "./realise_diagnosis.ts";

const PATH = "/nix/store/4l44lx25j3ixpf1hrpzb4bqy3fc6pg02-web-1";
const FETCHING = ["this path will be fetched (0.29 MiB download, 0.29 MiB unpacked):", `  ${PATH}`];
const COPYING = [...FETCHING, `copying path '${PATH}' from 'http://cache'...`];
const UNKNOWN = ["don't know how to build these paths:", `  ${PATH}`];
const FAILED = `error: build of '${PATH}' failed`;
const REQUIRED = `error: path '${PATH}' is required, but there is no substituter that can build it`;

// What Nix 2.8, 2.26 and 2.34 printed in each case; where two print the same, it stands once.
const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  ["path-unavailable", "2.8 and 2.26", [...UNKNOWN, FAILED]],
  ["path-unavailable", "2.34", [...UNKNOWN, REQUIRED]],
  ["signature-refused", "2.8", [
    ...FETCHING,
    `warning: the substitute for '${PATH}' from 'http://cache' is not signed by any of the keys in 'trusted-public-keys'`,
    FAILED,
  ]],
  ["signature-refused", "2.34", [
    ...FETCHING,
    `warning: ignoring substitute for '${PATH}' from 'http://cache', as it's not signed by any of the keys in 'trusted-public-keys'`,
    REQUIRED,
  ]],
  ["cache-refused", "2.8", [
    "warning: 'http://cache' does not appear to be a binary cache",
    ...UNKNOWN,
    FAILED,
  ]],
  ["cache-refused", "2.26", [
    "warning: unable to download 'http://cache/nix-cache-info': HTTP error 401",
    ...UNKNOWN,
    FAILED,
  ]],
  ["cache-unreachable", "2.8, nothing listens", [
    "warning: unable to download 'http://cache/nix-cache-info': Couldn't connect to server (7)",
    ...UNKNOWN,
    FAILED,
  ]],
  ["cache-unreachable", "2.34, no such host", [
    "warning: unable to download 'http://cache/nix-cache-info': Could not resolve hostname (6) Could not resolve host: cache",
    ...UNKNOWN,
    REQUIRED,
  ]],
  ["cache-unreachable", "2.8, an error of the server", [
    "error: unable to download 'http://cache/4l44.narinfo': HTTP error 500 ('Internal Server Error')",
  ]],
  ["cache-corrupt", "2.8, a NAR that is cut off", [
    ...COPYING,
    "error: Failed to open archive (Lzma library error:  No progress is possible)",
    FAILED,
  ]],
  ["cache-corrupt", "2.34, a NAR with other content", [
    ...COPYING,
    "error: Failed to open archive (Lzma library error: Corrupted input data)",
    REQUIRED,
  ]],
  ["cache-corrupt", "2.34, no NAR", [
    ...COPYING,
    "warning: file 'nar/0hxb.nar.xz' does not exist in binary cache 'http://cache'",
    REQUIRED,
  ]],
  ["disk-full", "2.8", [...COPYING, "error: writing to file: No space left on device", FAILED]],
  ["disk-full", "2.34", [...COPYING, "error: write of 40960 bytes: No space left on device", REQUIRED]],
  ["nix-missing", "no daemon", [
    "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': No such file or directory",
  ]],
  ["realise-failed", "something new", ["error: the moon is in the wrong house"]],
  ["realise-failed", "nothing at all", []],
];

for (const [code, name, output] of CASES) {
  Deno.test(`diagnoseRealise: ${code} (${name})`, () => {
    const diagnosis = diagnoseRealise(output, 1);
    assert.equal(diagnosis.code, code);
    assert.ok(diagnosis.why.length > 10 && diagnosis.next.endsWith("."));
  });
}

Deno.test("diagnoseRealise quotes Nix where it does not understand", () => {
  const { why } = diagnoseRealise([...COPYING, "error: the moon is in the wrong house"], 1);
  assert.equal(why, "Nix says: the moon is in the wrong house");
  assert.equal(diagnoseRealise([], 7).why, "nix-store ended with status 7 and said nothing");
});

Deno.test("findRefusal finds what all three versions print of a refused request, and nothing else", () => {
  const finished = "finished download of 'http://cache/4l44.narinfo'; curl status = 0, HTTP status = ";
  assert.deepEqual(findRefusal(`${finished}401, body = 0 bytes`), {
    uri: "http://cache/4l44.narinfo",
    status: 401,
  });
  assert.deepEqual(findRefusal(`${finished}407, body = 0 bytes, duration = 0.00 s`)?.status, 407);
  assert.equal(findRefusal(`${finished}404, body = 0 bytes`), null);
  assert.equal(findRefusal(`${finished}200, body = 401 bytes`), null);
});

Deno.test("diagnoseRefusal takes 403 for a path that may only be missing", () => {
  assert.equal(diagnoseRefusal({ uri: "http://cache/x", status: 401 }).code, "cache-refused");
  assert.equal(diagnoseRefusal({ uri: "http://cache/x", status: 403 }).code, "path-unavailable");
});

Deno.test("diagnoseRealise does not take the names of store paths for Nix's words", () => {
  const names = ["openssl-3.0.8", "zstd-1.5.5", "corrupt-certificate-1"];
  const paths = names.map((name) => `/nix/store/4l44lx25j3ixpf1hrpzb4bqy3fc6pg02-${name}`);
  const copied = paths.flatMap((path) => [`  ${path}`, `copying path '${path}' from 'http://cache'...`]);
  const missing = paths.slice(0, 3).map((path) =>
    `error: path '${path}' is required, but there is no substituter that can build it`
  );
  assert.equal(diagnoseRealise([...copied, ...UNKNOWN, ...missing], 1).code, "path-unavailable");
  assert.equal(diagnoseRealise([...copied, "error: interrupted by the user"], 1).code, "realise-failed");
});
