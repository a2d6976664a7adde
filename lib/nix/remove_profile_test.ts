/** What takes a profile away, on a real folder. */
import assert from "node:assert/strict";
import type { Exit } from "../process/run_command.ts";
import type { Event } from "../report/event.ts";
import type { LoggedCommand } from "./nix_command.ts";
import { type NixFiles, nixFiles } from "./nix_files.ts";
import { parseProfile } from "./profile_name.ts";
import { removeProfile } from "./remove_profile.ts";

const STORE = "/nix/store";
const pathOf = (version: number) => `${STORE}/${"0".repeat(32)}-web-${version}`;

/** A folder with a profile `web` of so many generations. */
class Scene implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "hail-remove-" });
  readonly profile = parseProfile("web", this.folder);
  readonly events: Event[] = [];
  readonly commands: LoggedCommand[] = [];

  constructor(count: number, current = count) {
    for (let number = 1; number <= count; number += 1) this.link(`web-${number}-link`, pathOf(number));
    if (current > 0) this.link("web", `web-${current}-link`);
  }

  link(name: string, target: string) {
    Deno.symlinkSync(target, `${this.folder}/${name}`);
  }

  get names(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).toSorted();
  }

  remove(
    { exit = {}, files = {} }: { readonly exit?: Partial<Exit> | Error; readonly files?: Partial<NixFiles> } =
      {},
  ) {
    return removeProfile({
      profile: this.profile,
      storeFolder: STORE,
      runLogged: (command) => {
        this.commands.push(command);
        if (exit instanceof Error) return Promise.reject(exit);
        return Promise.resolve({ status: 0, signal: null, ended: null, output: [], ...exit });
      },
      files: { ...nixFiles, ...files },
      report: (event) => this.events.push(event),
    });
  }

  [Symbol.dispose]() {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

Deno.test("removeProfile leaves nothing of the profile, whatever Nix makes of its part", async () => {
  for (
    const exit of [
      {},
      { status: 1 },
      { ended: "time-limit" as const, status: 143 },
      new Deno.errors.NotFound(),
    ]
  ) {
    using scene = new Scene(3, 2);
    for (const name of [".web.hail-root", ".web.hail-back-root", "web-4-link.tmp-1-2"]) {
      scene.link(name, pathOf(3));
    }
    await scene.remove({ exit });
    assert.deepEqual(scene.names, []);
    assert.deepEqual(scene.commands.map(({ program, args }) => [program, ...args]), [
      ["nix-env", "--profile", scene.profile, "--delete-generations", "1", "3"],
    ]);
    assert.deepEqual(scene.events.map(({ name }) => name), ["profile-removed"]);
    await scene.remove();
    assert.equal(scene.events.length, 1, "nothing there is nothing to tell");
  }
});

Deno.test("removeProfile gives Nix no more numbers than a command line takes, and stops where it fails", async () => {
  using scene = new Scene(501);
  await scene.remove();
  assert.deepEqual(scene.commands.map(({ args }) => args.length - 3), [200, 200, 100]);
  using failing = new Scene(501);
  await failing.remove({ exit: { status: 1 } });
  assert.equal(failing.commands.length, 1);
  assert.deepEqual(failing.names, []);
});

Deno.test("removeProfile touches nothing that is not the profile's", async () => {
  using scene = new Scene(1);
  const others = ["other", "other-1-link", "web-2-1-link", "web-link", "web-staging", "web-staging-1-link"];
  for (const name of others) scene.link(name, pathOf(1));
  // Such as no Nix makes.
  scene.link("web-7-link", "/elsewhere");
  Deno.writeTextFileSync(`${scene.folder}/web-8-link`, "");
  Deno.mkdirSync(`${scene.folder}/web-9-link`);
  Deno.writeTextFileSync(`${scene.folder}/.web.hail-lock`, "");
  await scene.remove();
  assert.deepEqual(
    scene.names,
    [".web.hail-lock", ...others, "web-7-link", "web-8-link", "web-9-link"].toSorted(),
  );
});

Deno.test("removeProfile removes a profile that leads to a store path itself, and one whose generation is gone", async () => {
  for (const target of [pathOf(1), "web-3-link", "web-3-link.tmp-1-2"]) {
    using scene = new Scene(2, 0);
    scene.link("web", target);
    await scene.remove();
    assert.deepEqual(scene.names, [], target);
  }
});

Deno.test("removeProfile leaves alone what is no profile, and tells of it", async () => {
  const places: readonly ((path: string) => void)[] = [
    (path) => Deno.mkdirSync(path),
    (path) => Deno.writeTextFileSync(path, ""),
    (path) => Deno.symlinkSync("/elsewhere", path),
    (path) => Deno.symlinkSync("other-1-link", path),
    (path) => Deno.symlinkSync(`sub/web-1-link`, path),
  ];
  for (const place of places) {
    using scene = new Scene(2, 0);
    place(scene.profile);
    await scene.remove();
    assert.deepEqual(scene.names, ["web"]);
    assert.deepEqual(scene.events.map(({ name }) => name), ["profile-kept", "profile-removed"]);
  }
});

Deno.test("removeProfile fails where the folder cannot be written, and can be done again", async () => {
  using scene = new Scene(2);
  const denied = () => Promise.reject(new Deno.errors.PermissionDenied());
  await assert.rejects(scene.remove({ files: { remove: denied } }), {
    code: "switch-failed",
    why: "it cannot be taken away (PermissionDenied)",
  });
  await assert.rejects(scene.remove({ files: { sync: denied } }), { code: "switch-failed" });
  await scene.remove();
  assert.deepEqual(scene.names, []);
});
