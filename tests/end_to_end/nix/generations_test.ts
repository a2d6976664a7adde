import assert from "node:assert/strict";
import { findGeneration, generations } from "../../../lib/nix/generations.ts";
import { createNix } from "../../../lib/nix/nix.ts";
import { nixFiles } from "../../../lib/nix/nix_files.ts";
import { parseProfile } from "../../../lib/nix/profile_name.ts";
import type { Retention } from "../../../lib/nix/retention.ts";
import { parseStorePath, type StorePath } from "../../../lib/nix/store_path.ts";
import type { Event } from "../../../lib/report/event.ts";
import { systemClock } from "../../../lib/time/system_clock.ts";
import { NIX_SUITES, NixTree } from "../../support/nix_tree.ts";
import { SampleProfiles } from "../../support/sample_profile.ts";
import { runIn } from "./run_in.ts";
import { World } from "./world.ts";

const DAY = 86_400_000;

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: generations are made, removed and taken away on a real profile`, async (t) => {
    await using tree = await NixTree.make(suite);
    const samples = await SampleProfiles.make(tree, tree.folder);
    const paths: StorePath[] = [];
    for (const version of ["1", "2", "3", "4", "5"]) {
      const path = parseStorePath((await samples.build({ version })).storePath);
      assert.ok(path !== null);
      paths.push(path);
    }
    const [one, two, three, four, five] = paths as [StorePath, StorePath, StorePath, StorePath, StorePath];
    // The links are read from outside of the tree, and Nix writes them inside.
    const profile = parseProfile(tree.outside("/nix/var/nix/profiles/hail-profiles/web"), "");
    const folder = tree.outside("/nix/var/nix/profiles/hail-profiles");
    const events: Event[] = [];
    const { run, commands } = runIn(tree);
    const nix = (retention: Partial<Retention> = {}, now = Date.now(), runCommand = run) =>
      createNix({
        profile,
        storeFolder: "/nix/store",
        stateFolder: tree.outside("/nix/var/nix"),
        realiseTimeout: 60_000,
        retention: { generations: null, days: null, ...retention },
        clock: { ...systemClock, now: () => now },
        run: runCommand,
        report: (event) => events.push(event),
        files: nixFiles,
      });
    const all = () => generations(profile, "/nix/store");
    const numbers = async () => (await all()).map(({ number }) => number);
    await Deno.mkdir(folder, { recursive: true });

    await t.step("each switch makes a generation, but for one to the same path", async () => {
      for (const path of [one, two, two, three]) await nix().switchTo(path);
      assert.deepEqual((await all()).map(({ path }) => path), [one, two, three]);
      assert.equal((await all()).find(({ current }) => current)?.path, three);
      assert.equal(commands.length, 3);
    });
    await t.step("a switch to the path of an older, current generation makes none", async () => {
      await tree.run([
        "nix-env",
        "--profile",
        "/nix/var/nix/profiles/hail-profiles/web",
        "--switch-generation",
        "2",
      ]);
      await nix().switchTo(two);
      assert.deepEqual(await numbers(), [1, 2, 3]);
      assert.equal(findGeneration(await all(), "2")?.current, true);
      assert.equal(findGeneration(await all(), three)?.number, 3);
      await nix().switchTo(three);
    });
    await t.step("old ones go, but not the current, the kept, and the pinned one", async () => {
      for (const path of [four, five]) await nix().switchTo(path);
      const before = await numbers();
      const roots = tree.outside("/nix/var/nix/gcroots");
      await Deno.mkdir(`${roots}/mine`);
      // The test reads it from outside of the tree, where its /nix lies elsewhere.
      await Deno.symlink(`${profile}-2-link`, `${roots}/mine/pin`);
      await nix({ generations: 1, days: 1 }).collect([five]);
      assert.deepEqual(await numbers(), before, "they are not a day old");
      await nix({ generations: 1, days: 1 }, Date.now() - 400 * DAY).collect([five]);
      assert.deepEqual(await numbers(), before, "the clock has jumped back");
      await nix({ generations: 1, days: 1 }, Date.now() + 2 * DAY).collect([five, four]);
      const left = await all();
      assert.deepEqual(left.map(({ path }) => path), [two, four, five]);
      assert.deepEqual(left.map(({ current }) => current), [false, false, true]);
      assert.deepEqual(events.filter(({ name }) => name.startsWith("generations-")).map(({ name }) => name), [
        "generations-removed",
      ]);
      await Deno.remove(`${roots}/mine/pin`);
    });
    await t.step("where an older generation is current, it stays", async () => {
      await tree.run([
        "nix-env",
        "--profile",
        "/nix/var/nix/profiles/hail-profiles/web",
        "--switch-generation",
        "2",
      ]);
      await nix({ generations: 1 }).collect([]);
      assert.deepEqual((await all()).map(({ path }) => path), [two, five]);
    });
    await t.step("a profile that hail made is taken away with its generations", async () => {
      await nix().switchTo(five);
      await assert.rejects(nix().remove(two), { code: "switch-failed" });
      await nix().remove(five);
      await nix().remove(five);
      assert.deepEqual((await all()).map(({ path, current }) => [path, current]), [[two, false]]);
      assert.equal(await nixFiles.readLink(profile), null);
      await nix().switchTo(one);
      assert.equal((await all()).find(({ current }) => current)?.path, one, "Nix makes a new one");
    });
    await t.step("a generation that Nix cannot remove is a warning", async () => {
      events.length = 0;
      const numbers = (await all()).filter(({ current }) => !current).map(({ number }) => number);
      assert.equal(numbers.length, 1);
      const script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
      const readOnly = ["sh", "-c", script, "/nix/var/nix/profiles/hail-profiles"];
      await nix({ generations: 1 }, Date.now(), runIn(tree, readOnly).run).collect([one, three]);
      assert.equal(events.at(-1)?.name, "generations-kept", JSON.stringify(events));
    });
  });

  Deno.test(`${suite}: hail removes old generations after a deployment has succeeded`, async (t) => {
    await using world = await World.make(suite);
    const links = async () => (await world.profileFolder()).filter((name) => /^web-\d+-link$/.test(name));
    const deploy = async (version: string, ...more: string[]) => {
      await world.release({ version });
      const { status, stderr } = await world.oneshot(more);
      assert.equal(status, 0, stderr);
      return stderr;
    };

    await t.step("none go unless hail is told so", async () => {
      for (const version of ["1.0", "2.0", "3.0", "4.0"]) await deploy(version);
      assert.deepEqual(await links(), ["web-1-link", "web-2-link", "web-3-link", "web-4-link"]);
    });
    await t.step("the current one, the one before, and one that another link uses stay", async () => {
      const roots = world.tree.outside("/nix/var/nix/gcroots");
      await Deno.symlink("/nix/var/nix/profiles/hail-profiles/web-2-link", `${roots}/pin`);
      const stderr = await deploy("5.0", "--keep-generations", "1");
      assert.deepEqual(await links(), ["web-2-link", "web-4-link", "web-5-link"]);
      assert.match(stderr, /removed the old generation/);
      await Deno.remove(`${roots}/pin`);
    });
    await t.step("none go that are younger than so many days", async () => {
      await deploy("6.0", "--keep-generations", "1", "--keep-days", "1");
      assert.deepEqual(await links(), ["web-2-link", "web-4-link", "web-5-link", "web-6-link"]);
    });
    await t.step("none go where the deployment fails", async () => {
      await world.release({ version: "7.0", activate: "#!/bin/sh\nexit 1\n" });
      const { status, stderr } = await world.oneshot(["--keep-generations", "1"]);
      assert.equal(status, 14, stderr);
      for (const link of ["web-5-link", "web-6-link"]) assert.ok((await links()).includes(link), link);
      await deploy("8.0", "--keep-generations", "1");
      const profile = world.tree.outside("/nix/var/nix/profiles/hail-profiles/web");
      const names = (await generations(parseProfile(profile, ""), "/nix/store")).map(({ path }) =>
        path.slice(44)
      );
      assert.deepEqual([...new Set(names)], ["web-6.0", "web-8.0"], "the new version and the one before");
    });
  });
}
