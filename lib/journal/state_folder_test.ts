import assert from "node:assert/strict";
import fc from "fast-check";
import {
  AGENT_SOCKET,
  databaseName,
  isDatabaseName,
  socketName,
  socketsBeside,
  stateFolder,
} from "./state_folder.ts";

const env = (variables: Readonly<Record<string, string>>) => ({ get: (name: string) => variables[name] });
const ALL = { STATE_DIRECTORY: "/run/a:/run/b", XDG_STATE_HOME: "/x", HOME: "/home/u" };

for (
  const [what, variables, option, uid, folder] of [
    ["the option wins over everything", ALL, "/given", 1000, "/given"],
    ["slashes that mean nothing are taken out", ALL, "//given//there/", 0, "/given/there"],
    ["the first folder that systemd names is taken", ALL, undefined, 0, "/run/a"],
    [
      "root has a folder of the system",
      { HOME: "/root", XDG_STATE_HOME: "/x" },
      undefined,
      0,
      "/var/lib/hail",
    ],
    ["an unknown user has it as well", { HOME: "/h" }, undefined, null, "/var/lib/hail"],
    ["a user has the folder for states", { XDG_STATE_HOME: "/x", HOME: "/h" }, undefined, 1000, "/x/hail"],
    ["a user has the usual one", { HOME: "/home/u" }, undefined, 1000, "/home/u/.local/state/hail"],
    [
      "an empty variable is none",
      { STATE_DIRECTORY: "", XDG_STATE_HOME: "", HOME: "" },
      undefined,
      7,
      "/var/lib/hail",
    ],
  ] as const
) {
  Deno.test(`stateFolder: ${what}`, () => {
    assert.equal(stateFolder(env(variables), option, uid), folder);
  });
}

for (
  const [variables, option, what] of [
    [{}, "relative", "the state folder"],
    [{}, "", "the state folder"],
    [{}, "/", "the state folder"],
    [{}, "/a/../b", "the state folder"],
    [{}, "/a\nb", "the state folder"],
    [{ STATE_DIRECTORY: "hail" }, undefined, "STATE_DIRECTORY"],
    [{ XDG_STATE_HOME: "x" }, undefined, "XDG_STATE_HOME"],
    [{ HOME: "~" }, undefined, "HOME"],
  ] as const
) {
  Deno.test(`stateFolder refuses ${JSON.stringify(option ?? variables)}`, () => {
    assert.throws(() => stateFolder(env(variables), option, 1000), { code: "usage", what });
  });
}

Deno.test("databaseName is readable, fit for a file system, and another one for each profile", () => {
  assert.match(databaseName("/nix/var/nix/profiles/web"), /^web-[0-9a-f]{12}\.sqlite$/);
  assert.notEqual(databaseName("/a/web"), databaseName("/b/web"));
  fc.assert(fc.property(fc.array(fc.nat(0xffff)), (codes) => {
    const name = databaseName(`/${String.fromCharCode(...codes)}`);
    assert.match(name, /^[A-Za-z0-9._-]{0,40}-[0-9a-f]{12}\.sqlite$/);
    assert.ok(isDatabaseName(name));
  }));
});

Deno.test("socketName is short whatever the profile is called", () => {
  const profile = `/nix/var/nix/profiles/${"long".repeat(50)}`;
  assert.match(socketName(profile), /^[0-9a-f]{12}\.sock$/);
  assert.ok(databaseName(profile).includes(socketName(profile).slice(0, 12)));
  assert.deepEqual(socketsBeside(`/var/lib/hail/${databaseName(profile)}`), [
    `/var/lib/hail/${socketName(profile)}`,
    `/var/lib/hail/${AGENT_SOCKET}`,
  ]);
});
