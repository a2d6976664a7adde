import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { CONFIG, IdleWorld } from "../../tests/support/idle_world.ts";
import { databaseName } from "../journal/state_folder.ts";
import type { ServiceSettings } from "../settings/service.ts";
import type { StoredSettings } from "../settings/stored.ts";
import { findOrphans, orphanOf, readStrays } from "./strays.ts";

function orphans(world: IdleWorld, services: readonly ServiceSettings[] = []) {
  const { state: folder, store: storeFolder, report } = world;
  return findOrphans({ folder, config: CONFIG, services, storeFolder, report });
}

Deno.test("an orphan is what this agent has kept, and the configuration names no more", () => {
  using world = new IdleWorld();
  const profile = world.profile("web");
  const ours = { name: "web", config: CONFIG, onRemoval: "purge" } as const;
  const theirs = { ...ours, config: "/etc/other.toml" };
  const decide = (settings: Partial<StoredSettings>, services: readonly ServiceSettings[] = []) =>
    orphanOf({ profile, settings: { words: [], agent: null, removing: null, ...settings } }, {
      config: CONFIG,
      services,
    });
  const orphan = { profile, name: "web", how: "purge", resumed: false };
  assert.deepEqual(decide({ agent: ours }), orphan);
  assert.deepEqual(decide({ agent: ours }, [world.settings("shop")]), orphan);
  assert.equal(decide({ agent: theirs }), null);
  assert.equal(decide({ agent: theirs, removing: "purge" }), null);
  assert.equal(decide({}), null, "a classic hail keeps it, or nobody");
  // A removal that was cut off, of whatever was decided then.
  assert.deepEqual(decide({ agent: ours, removing: "deactivate" }), {
    ...orphan,
    how: "deactivate",
    resumed: true,
  });
  assert.deepEqual(decide({ removing: "keep" }), { profile, name: profile, how: "keep", resumed: true });
  // What has another name is no orphan, and what has another profile is let go without harm.
  const renamed = world.settings("shop", { renamedFrom: "web" });
  assert.equal(decide({ agent: ours }, [renamed]), null);
  assert.equal(decide({ agent: ours, removing: "purge" }, [renamed]), null);
  const moved = world.settings("web", { profile: world.profile("other") });
  assert.deepEqual(decide({ agent: ours }, [moved]), { ...orphan, how: "keep" });
});

Deno.test("the databases of services that are configured, or busy, are not opened", () => {
  using world = new IdleWorld();
  const kept = world.keep("web", { versions: 1 });
  world.keep("api", { versions: 1, more: { onRemoval: "deactivate" } });
  // They would be reported if they were.
  Deno.writeTextFileSync(world.file("web"), "damaged");
  assert.deepEqual(orphans(world, [kept]).map(({ profile, name, how }) => [profile, name, how]), [
    [world.profile("api"), "api", "deactivate"],
  ]);
  const { state: folder, store: storeFolder, report } = world;
  const options = { folder, config: CONFIG, services: [], storeFolder, report };
  assert.deepEqual(readStrays({ ...options, busy: [kept.profile, world.profile("api")] }), []);
  assert.deepEqual(world.events, []);
});

Deno.test("what cannot be read is told, and left alone", () => {
  using world = new IdleWorld();
  for (const name of ["damaged", "newer", "copied", "odd", "fine"]) world.keep(name, { versions: 1 });
  Deno.truncateSync(world.file("damaged"), 4096);
  const newer = new DatabaseSync(world.file("newer"));
  newer.exec("PRAGMA user_version = 99");
  newer.close();
  Deno.renameSync(world.file("copied"), `${world.state}/${databaseName("/somewhere/else")}`);
  const odd = new DatabaseSync(world.file("odd"));
  odd.exec(`UPDATE service SET settings = '{"of": "a newer hail"}'`);
  odd.close();
  // Those of other hails.
  Deno.mkdirSync(`${world.state}/sub`);
  Deno.writeTextFileSync(`${world.state}/sub/${databaseName("/p")}`, "");
  Deno.writeTextFileSync(`${world.state}/readme.txt`, "");
  const before = world.sight();
  assert.deepEqual(orphans(world).map(({ name }) => name), ["fine"]);
  assert.deepEqual(world.sight(), before);
  const told = world.events.map(({ name, level, message }) => `${name} ${level} ${message}`);
  assert.equal(told.length, 4);
  for (const why of [/damaged|cut short|malformed/, /newer hail/, /another profile/, /not understand/]) {
    assert.equal(
      told.filter((text) => /^state-left warning/.test(text) && why.test(text)).length,
      1,
      `${why}`,
    );
  }
});

Deno.test("there are none where there is no state folder, or it cannot be read", () => {
  using world = new IdleWorld();
  const options = { config: CONFIG, services: [], storeFolder: world.store, report: world.report };
  assert.deepEqual(findOrphans({ ...options, folder: `${world.folder}/none` }), []);
  assert.deepEqual(world.events, []);
  Deno.writeTextFileSync(`${world.folder}/file`, "");
  assert.deepEqual(findOrphans({ ...options, folder: `${world.folder}/file` }), []);
  assert.deepEqual(world.events.map(({ name }) => name), ["state-left"]);
});
