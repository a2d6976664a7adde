/** What reads and removes the links of a profile, on a real folder. */
import assert from "node:assert/strict";
import type { Command, Exit } from "../process/run_command.ts";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { findGeneration, generationNumber, generations } from "./generations.ts";
import { createNix } from "./nix.ts";
import { nixFiles } from "./nix_files.ts";
import { parseProfile, type ProfilePath } from "./profile_name.ts";
import type { Retention } from "./retention.ts";
import type { StorePath } from "./store_path.ts";

const STORE = "/nix/store";
const pathOf = (version: number) => `${STORE}/${"0".repeat(32)}-web-${version}` as StorePath;

/** A folder of profiles with a profile `web` that has generations 1 to `count`, each of a path of its own. */
class Profiles implements Disposable {
  readonly state = Deno.makeTempDirSync({ prefix: "hail-links-" });
  readonly folder = `${this.state}/profiles/hail-profiles`;
  readonly profile: ProfilePath = parseProfile("hail-profiles/web", `${this.state}/profiles`);
  readonly commands: Command[] = [];
  readonly events: Event[] = [];

  constructor(count: number, current = count) {
    Deno.mkdirSync(this.folder, { recursive: true });
    for (let number = 1; number <= count; number += 1) this.link(`web-${number}-link`, pathOf(number));
    if (current > 0) this.link("web", `web-${current}-link`);
  }

  link(name: string, target: string) {
    Deno.symlinkSync(target, `${this.folder}/${name}`);
  }

  linkFrom(path: string, target: string) {
    const link = `${this.state}/${path}`;
    Deno.mkdirSync(link.slice(0, link.lastIndexOf("/")), { recursive: true });
    Deno.symlinkSync(target, link);
  }

  get names(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).toSorted();
  }

  /** A `nix-env` that removes the generations that it is told to, or ends as the test says. */
  nix(retention: Partial<Retention> = {}, exit: Partial<Exit> = {}) {
    return createNix({
      profile: this.profile,
      storeFolder: STORE,
      stateFolder: this.state,
      realiseTimeout: 1000,
      retention: { generations: null, days: null, ...retention },
      clock: new VirtualClock(Date.now()),
      run: (command) => {
        this.commands.push(command);
        for (const number of exit.status === undefined ? command.args.slice(3) : []) {
          Deno.removeSync(`${this.profile}-${number}-link`);
        }
        return Promise.resolve({ status: 0, signal: null, ended: null, output: [], ...exit });
      },
      report: (event) => this.events.push(event),
      files: nixFiles,
    });
  }

  [Symbol.dispose]() {
    Deno.removeSync(this.state, { recursive: true });
  }
}

Deno.test("generations: the links of a profile are told from those of others", () => {
  const profile = parseProfile("web", "/p");
  assert.equal(generationNumber(profile, "web-12-link"), 12);
  for (
    const name of [
      "web",
      "web-1-link2",
      "web-x-link",
      "web--1-link",
      "web-01-link",
      "web-link",
      "web-1-2-link",
    ]
  ) assert.equal(generationNumber(profile, name), null, name);
  assert.equal(generationNumber(profile, "web-staging-1-link"), null);
});

Deno.test("generations: each has its number, path and time, and the current one is known", async () => {
  using profiles = new Profiles(11, 2);
  profiles.link("web-12-link", "/elsewhere");
  profiles.link("web-staging-1-link", pathOf(1));
  Deno.writeTextFileSync(`${profiles.folder}/web-13-link`, "");
  const all = await generations(profiles.profile, STORE);
  assert.deepEqual(all.map(({ number }) => number), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(all.filter(({ current }) => current).map(({ path }) => path), [pathOf(2)]);
  assert.ok(all.every(({ madeAt }) => Math.abs(Date.now() - madeAt) < 60_000));
  assert.deepEqual(await generations(parseProfile("/no/such/profile", ""), STORE), []);
});

Deno.test("generations: one is found by its number, or the newest by its path", async () => {
  using profiles = new Profiles(3);
  profiles.link("web-4-link", pathOf(1));
  const all = await generations(profiles.profile, STORE);
  assert.equal(findGeneration(all, "2")?.path, pathOf(2));
  assert.equal(findGeneration(all, pathOf(1))?.number, 4);
  for (const wanted of ["5", "web", "-1", "", pathOf(9)]) {
    assert.equal(findGeneration(all, wanted), null, wanted);
  }
});

Deno.test("remove takes the profile and its generations of the path away, and nothing else", async () => {
  using profiles = new Profiles(3);
  profiles.link("web-4-link", pathOf(3));
  profiles.link("other-1-link", pathOf(3));
  await profiles.nix().remove(pathOf(3));
  assert.deepEqual(profiles.names, ["other-1-link", "web-1-link", "web-2-link"]);
  await profiles.nix().remove(pathOf(3));
  assert.deepEqual(profiles.names, ["other-1-link", "web-1-link", "web-2-link"], "twice is no error");
});

Deno.test("remove finishes what was cut off", async () => {
  using without = new Profiles(1, 0);
  await without.nix().remove(pathOf(1));
  assert.deepEqual(without.names, []);
  using dangling = new Profiles(1, 2);
  await dangling.nix().remove(pathOf(2));
  assert.deepEqual(dangling.names, ["web-1-link"]);
  using profiles = new Profiles(0, 0);
  Deno.removeSync(profiles.folder);
  await profiles.nix().remove(pathOf(1));
});

Deno.test("remove refuses a profile that is not as hail left it", async () => {
  using profiles = new Profiles(2);
  const before = profiles.names;
  await assert.rejects(profiles.nix().remove(pathOf(1)), {
    code: "switch-failed",
    why: /web-2, so it is not/,
  });
  assert.deepEqual(profiles.names, before);
  for (const target of [pathOf(1), "/elsewhere", "other-1-link"]) {
    using profiles = new Profiles(1, 0);
    profiles.link("web", target);
    await assert.rejects(profiles.nix().remove(pathOf(1)), { code: "switch-failed" }, target);
    assert.deepEqual(profiles.names, ["web", "web-1-link"]);
  }
  using occupied = new Profiles(0, 0);
  Deno.mkdirSync(occupied.profile);
  await assert.rejects(occupied.nix().remove(pathOf(1)), { code: "switch-failed" });
  assert.deepEqual(occupied.names, ["web"]);
});

Deno.test("collect removes old generations with nix-env, by their numbers", async () => {
  using profiles = new Profiles(6);
  await profiles.nix({ generations: 2 }).collect([pathOf(6), pathOf(2)]);
  assert.deepEqual(profiles.names, ["web", "web-2-link", "web-5-link", "web-6-link"]);
  assert.deepEqual(profiles.commands.map(({ program, args }) => [program, ...args]), [
    ["nix-env", "--profile", profiles.profile, "--delete-generations", "1", "3", "4"],
  ]);
  assert.deepEqual(profiles.events.map(({ name, level, fields }) => [name, level, fields?.["generations"]]), [
    ["generations-removed", "info", "1 3 4"],
  ]);
});

Deno.test("collect does nothing without a bound, and where nothing is old", async () => {
  using profiles = new Profiles(6);
  await profiles.nix().collect([]);
  await profiles.nix({ days: 1 }).collect([]);
  await profiles.nix({ generations: 6 }).collect([]);
  assert.deepEqual([profiles.commands, profiles.events], [[], []]);
});

Deno.test("collect leaves a generation that another link leads to", async () => {
  using profiles = new Profiles(11);
  profiles.link("stable", "web-1-link");
  profiles.linkFrom("profiles/elsewhere/web", `${profiles.profile}-2-link`);
  profiles.linkFrom("gcroots/deep/down/pin", `${profiles.profile}-3-link`);
  profiles.linkFrom("gcroots/into", `${profiles.profile}-4-link/bin`);
  profiles.linkFrom("gcroots/relative", "../profiles/hail-profiles/web-5-link");
  profiles.linkFrom("alias", "profiles/hail-profiles");
  profiles.linkFrom("gcroots/through", `${profiles.state}/alias/web-6-link`);
  profiles.linkFrom("home/result", `${profiles.profile}-9-link`);
  profiles.linkFrom("gcroots/auto/1", `${profiles.state}/home/result`);
  // These lead to something else, or are entries that Nix makes for every generation.
  for (let number = 1; number <= 11; number += 1) {
    profiles.linkFrom(`gcroots/auto/g${number}`, `${profiles.profile}-${number}-link`);
  }
  profiles.linkFrom("gcroots/auto/2", "/etc/passwd");
  profiles.linkFrom("gcroots/other", `${profiles.state}/profiles/web-7-link`);
  profiles.linkFrom("gcroots/file", "/etc/passwd/web-7-link");
  profiles.linkFrom("gcroots/loop", "loop");
  await profiles.nix({ generations: 1 }).collect([]);
  assert.deepEqual(profiles.commands[0]?.args.slice(3), ["7", "8"]);
});

Deno.test("collect looks beside a profile that lies elsewhere, and not below it", async () => {
  using profiles = new Profiles(5);
  const folder = `${profiles.state}/custom`;
  Deno.renameSync(profiles.folder, folder);
  Deno.symlinkSync("web-1-link", `${folder}/pin`);
  Deno.mkdirSync(`${folder}/sub`);
  Deno.symlinkSync("../web-2-link", `${folder}/sub/pin`);
  const elsewhere = Object.assign(profiles, { profile: parseProfile(`${folder}/web`, "") });
  await elsewhere.nix({ generations: 1 }).collect([]);
  assert.deepEqual(profiles.commands[0]?.args.slice(3), ["2", "3"]);
});

Deno.test("collect never fails: what went wrong is a warning", async () => {
  using profiles = new Profiles(4);
  await profiles.nix({ generations: 1 }, { status: 1, output: ["error: cannot delete"] }).collect([]);
  // A file in the place of a folder cannot be read, so nobody knows what it pins.
  Deno.writeTextFileSync(`${profiles.state}/gcroots`, "");
  const before = profiles.names;
  await profiles.nix({ generations: 1 }).collect([]);
  assert.deepEqual(profiles.names, before);
  assert.deepEqual(profiles.events.map(({ name, level }) => `${name} ${level}`), [
    "generations-kept warning",
    "generations-kept warning",
  ]);
  assert.match(profiles.events[0]?.message ?? "", /Nix says: error: cannot delete/);
});
