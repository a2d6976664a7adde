import assert from "node:assert/strict";
import { CONFIG, cutEverywhere, IdleWorld } from "../../tests/support/idle_world.ts";
import { filesClosed } from "../../tests/support/open_files.ts";
import { openJournal } from "../journal/open.ts";
import { lockProfile } from "../nix/profile_lock.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { encodeSettings, storedSettings } from "../settings/stored.ts";
import { takeOverRenamed } from "./rename.ts";
import { findOrphans } from "./strays.ts";

/** A service `shop`, which was called `web` before. */
function shopOf(world: IdleWorld, more: Partial<ServiceSettings> = {}): ServiceSettings {
  return world.settings("shop", { renamedFrom: "web", ...more });
}

function takeOver(world: IdleWorld, service: ServiceSettings, busy: readonly ProfilePath[] = []) {
  const { state: folder, report, stop, shared } = world;
  const options = { services: [service], busy, config: CONFIG, folder, report, stop };
  return takeOverRenamed(service, options, shared);
}

/** Begins a change of name, and loses the power at a point. */
async function cutAt(world: IdleWorld, point: string): Promise<void> {
  world.onStep = (step) => {
    if (step === point) throw new Error("killed");
  };
  await assert.rejects(takeOver(world, shopOf(world)), /killed/);
  world.onStep = () => {};
}

Deno.test("a service with another name goes on with all that was remembered, and nothing is run", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const { record, ids } = world.stored("web");
  const service = shopOf(world);
  await takeOver(world, service);
  assert.deepEqual(world.sight(), {
    profiles: {
      ".shop.hail-lock": "",
      ".web.hail-lock": "",
      "shop": "shop-2-link",
      "shop-1-link": world.version(2).replace(`${world.folder}/`, ""),
      "shop-2-link": world.version(3).replace(`${world.folder}/`, ""),
    },
    state: ["shop.sqlite"],
  });
  const stored = world.stored("shop");
  assert.deepEqual([stored.record, stored.ids], [record, ids]);
  assert.deepEqual([stored.profile, stored.jobUri], [service.profile, service.jobUri.text]);
  const copyOf = world.profile("web");
  assert.deepEqual(stored.settings, { ...storedSettings(service, CONFIG), copyOf });
  assert.deepEqual(world.activations, []);
  assert.deepEqual(world.named("renamed").map(({ service }) => service), ["shop"]);
  const before = world.sight();
  world.events.length = 0;
  await takeOver(world, service);
  assert.deepEqual([world.sight(), world.events], [before, []], "once is enough");
});

Deno.test("cut off anywhere and done again, a change of name ends the same", async () => {
  const steps = await cutEverywhere(
    () => {
      const world = new IdleWorld();
      world.keep("web");
      return world;
    },
    (world) => takeOver(world, shopOf(world)),
    (world) => ({
      ...world.sight(),
      active: world.stored("shop").record.active?.buildId,
      ran: world.activations,
    }),
    (cut, whole, step) => assert.deepEqual(cut, whole, step),
  );
  assert.ok(steps.length > 15, steps.join("\n"));
});

Deno.test("cut off when there may be two, neither is deactivated or taken away, whatever the file says then", async () => {
  for (const point of ["rename copied", "rename unlinked"]) {
    for (const how of ["keep", "deactivate", "purge"] as const) {
      using world = new IdleWorld();
      world.keep("web");
      const { record } = world.stored("web");
      await cutAt(world, point);
      const before = world.sight();
      await Promise.all([world.remove("web", how), world.remove("shop", how)]);
      assert.deepEqual(world.sight(), before);
      assert.deepEqual(world.activations, []);
      assert.deepEqual(world.named("removal").map(({ level }) => level), ["warning", "warning"]);
      for (const name of ["web", "shop"]) {
        assert.deepEqual(world.stored(name).record, record);
        assert.match(JSON.stringify(world.stored(name).settings), /"removed":"keep"/);
      }
      // The operator knows, unless it is the only one that has a profile.
      const { message } = await world.remove("shop", "purge", { config: null });
      const isOnly = point === "rename unlinked";
      assert.equal(/which has no profile/.test(message), isOnly);
      assert.equal("shop" in world.links(), isOnly);
      await world.remove("web", "purge", { config: null });
      assert.equal(world.activations.length, isOnly ? 0 : 1);
      assert.deepEqual(world.sight().state, isOnly ? ["shop.sqlite"] : []);
    }
  }
});

Deno.test("a change of name that was cut off and taken back can be made again, with what was done meanwhile", async () => {
  for (const point of ["rename pointed", "rename copying", "rename copied"]) {
    using world = new IdleWorld();
    const service = world.keep("web");
    await cutAt(world, point);
    // Somebody begins with the old one again.
    const journal = openJournal({
      folder: world.state,
      profile: service.profile,
      jobUri: service.jobUri.text,
      settings: encodeSettings(storedSettings(service, CONFIG)),
      gid: null,
      storeFolder: world.store,
      now: Date.now,
      report: world.report,
    });
    journal.note({ pause: { reason: "fair", since: 1, until: null } });
    journal.close();
    await takeOver(world, shopOf(world));
    assert.deepEqual(world.sight().state, ["shop.sqlite"], point);
    assert.equal(world.stored("shop").record.pause?.reason, "fair");
    const links = world.links();
    assert.equal(links[links["shop"] ?? ""], world.version(3).replace(`${world.folder}/`, ""));
    assert.equal("web" in links, false);
  }
});

Deno.test("a change of name whose copy has lost its profile gives it that again before the old one goes", async () => {
  using world = new IdleWorld();
  world.keep("web");
  await cutAt(world, "rename copied");
  for (const name of Object.keys(world.links())) {
    if (/^shop/.test(name)) Deno.removeSync(`${world.profiles}/${name}`);
  }
  await takeOver(world, shopOf(world));
  const links = world.links();
  assert.equal(links[links["shop"] ?? ""], world.version(3).replace(`${world.folder}/`, ""));
  assert.equal("web" in links, false);
});

Deno.test("a change of name that is taken back while it is under way takes nothing away", async () => {
  for (const point of ["rename noted", "rename pointed", "rename copying", "rename copied"]) {
    using world = new IdleWorld();
    world.keep("web");
    const { record } = world.stored("web");
    let holds = true;
    world.onStep = (step) => {
      if (step === point) holds = false;
    };
    const { state: folder, report, stop, shared } = world;
    const options = { busy: [], config: CONFIG, folder, report, stop, holds: () => holds };
    await takeOverRenamed(shopOf(world), { ...options, services: [shopOf(world)] }, shared);
    assert.deepEqual(world.stored("web").record, record, point);
    const links = world.links();
    assert.equal(links[links["web"] ?? ""], world.version(3).replace(`${world.folder}/`, ""));
    assert.deepEqual(world.named("renamed"), []);
  }
});

Deno.test("a change of name that was cut off and given up is none: what becomes of the old service is what was said", async () => {
  for (const how of ["keep", "deactivate", "purge"] as const) {
    using world = new IdleWorld();
    world.keep("web");
    await cutAt(world, "rename pointed");
    // Its new name is that of a service of its own by now.
    world.keep("shop", { versions: 0 });
    const { record } = world.stored("shop");
    const before = world.links();
    await world.remove("web", how);
    assert.equal(world.activations.length, how === "keep" ? 0 : 1);
    const left = (names: readonly string[]) => names.filter((name) => name.startsWith("shop"));
    assert.deepEqual(
      left(Object.keys(world.links())),
      left(Object.keys(before)),
      "the new one is left alone",
    );
    assert.equal("web" in world.links(), how !== "purge");
    assert.deepEqual(world.stored("shop").record, record);
    assert.deepEqual(world.named("renamed"), []);
  }
});

Deno.test("where it cannot be known whether a service goes on under its new name, it is left as it is", async () => {
  for (const isThere of [true, false]) {
    using world = new IdleWorld();
    world.keep("web");
    await cutAt(world, "rename copying");
    if (isThere) world.keep("shop", { versions: 0 });
    const before = world.links();
    await world.remove("web", "purge");
    if (!isThere) {
      assert.equal("web" in world.links(), false, "nothing was copied");
      continue;
    }
    assert.deepEqual(world.links(), before);
    assert.deepEqual(world.activations, []);
    assert.deepEqual(world.named("removal").map(({ level }) => level), ["warning"]);
    assert.match(JSON.stringify(world.stored("web").settings), /"removed":"keep"/);
  }
});

Deno.test("a copy is all there is when the change of name is done: it is taken out as it is to be", async () => {
  using world = new IdleWorld();
  world.keep("web");
  await takeOver(world, shopOf(world));
  await world.remove("shop", "purge");
  assert.equal(world.activations.length, 1);
  assert.deepEqual(world.sight().state, []);
});

Deno.test("what was begun anew under the new name is not taken for the copy of what was there before", async () => {
  using world = new IdleWorld();
  world.keep("web", { more: { onRemoval: "purge" } });
  await cutAt(world, "rename copying");
  // It is given up, and put back when the new name is that of a service of its own.
  const off = new AbortController();
  world.onStep = (step) => {
    if (step !== "removal noted") return;
    world.onStep = () => {};
    world.keep("shop", { versions: 0 });
    off.abort();
  };
  assert.match((await world.remove("web", "purge", { calledOff: off.signal })).message, /called off/);
  const before = world.sight();
  world.events.length = 0;
  await takeOver(world, shopOf(world));
  assert.deepEqual(world.events.map(({ name }) => name), ["rename-refused"]);
  assert.deepEqual(world.sight(), before);
});

Deno.test("a service that goes on under one new name already is not taken for another one's", async () => {
  using world = new IdleWorld();
  world.keep("web");
  await cutAt(world, "rename copied");
  const before = world.sight().state;
  await takeOver(world, world.settings("store", { renamedFrom: "web" }));
  assert.deepEqual(world.sight().state, before);
  assert.match(world.named("rename-refused")[0]?.message ?? "", /it may go on as \S+\/shop already/);
});

Deno.test("a deployment that was under way goes on under the new name, when what runs of it has ended", async () => {
  using world = new IdleWorld();
  const leader = { pid: Deno.pid, bootId: "boot" };
  const work = world.deployment(3, { endedAt: null, outcome: null, leader });
  world.keep("web", { record: { state: "activating", work } });
  world.leftover = 2;
  await takeOver(world, shopOf(world));
  assert.deepEqual(world.named("activation-left").map(({ fields }) => fields?.["pid"]), [Deno.pid]);
  const { record } = world.stored("shop");
  assert.deepEqual([record.state, record.work], ["activating", work]);
  assert.deepEqual(world.activations, []);
});

Deno.test("a service that was never deployed keeps what is remembered", async () => {
  using world = new IdleWorld();
  world.keep("web", {
    versions: 0,
    record: { state: "idle", pause: { reason: "fair", since: 1, until: null } },
  });
  await takeOver(world, shopOf(world));
  assert.deepEqual(world.sight(), {
    profiles: { ".shop.hail-lock": "", ".web.hail-lock": "" },
    state: ["shop.sqlite"],
  });
  assert.equal(world.stored("shop").record.pause?.reason, "fair");
});

Deno.test("nothing is done where nothing is remembered, or it is not this agent's, or has another name", async () => {
  using world = new IdleWorld();
  world.keep("web", { config: "/etc/other.toml" });
  world.keep("cms");
  world.keep("api", { config: null });
  const before = world.sight();
  await takeOver(world, shopOf(world));
  await takeOver(world, world.settings("shop", { renamedFrom: "api" }));
  await takeOver(world, world.settings("shop"));
  assert.deepEqual(world.sight(), before);
  assert.deepEqual(world.events.map(({ name, level }) => `${name} ${level}`), [
    "rename-unknown debug",
    "rename-unknown debug",
  ]);
  world.events.length = 0;
  const busy = world.settings("shop", { renamedFrom: "cms" });
  await takeOver(world, busy, [world.profile("cms")]);
  assert.deepEqual(world.sight(), before);
});

Deno.test("the profile stays where it is named: then there is nothing to do", async () => {
  using world = new IdleWorld();
  const { profile } = world.keep("web");
  const before = world.sight();
  await takeOver(world, shopOf(world, { profile }));
  assert.deepEqual([world.sight(), world.events], [before, []]);
});

Deno.test("a new profile that is in use is not overwritten, and the old one is not taken out for it", async () => {
  for (const what of ["state", "damaged state", "profile", "folder"] as const) {
    using world = new IdleWorld();
    world.keep("web", { more: { onRemoval: "purge" } });
    if (what === "state") world.keep("shop", { versions: 1 });
    if (what === "damaged state") Deno.writeTextFileSync(world.file("shop"), "rubbish");
    if (what === "profile") world.point(world.profile("shop"), 1, world.version(9));
    if (what === "folder") Deno.mkdirSync(world.profile("shop"));
    const before = world.sight();
    const service = shopOf(world);
    await takeOver(world, service);
    const { ".web.hail-lock": _one, ".shop.hail-lock": _other, ...profiles } = world.links();
    assert.deepEqual({ ...world.sight(), profiles }, before);
    assert.deepEqual(world.named("rename-refused").map(({ level }) => level), ["warning"]);
    const { state: folder, store: storeFolder, report } = world;
    const options = { folder, config: CONFIG, services: [service], storeFolder, report };
    assert.deepEqual(findOrphans(options), []);
  }
});

Deno.test("a profile that another hail holds is not touched", async () => {
  for (const name of ["web", "shop"]) {
    using world = new IdleWorld();
    world.keep("web");
    const lock = await lockProfile(world.profile(name), world.store);
    const { state } = world.sight();
    await assert.rejects(takeOver(world, shopOf(world)), { code: "profile-held" });
    assert.deepEqual([world.sight().state, world.commands], [state, []]);
    lock.release();
    await takeOver(world, shopOf(world));
    assert.deepEqual(world.sight().state, ["shop.sqlite"]);
    await filesClosed(world.folder);
  }
});

Deno.test("a removal that is called off leaves a change of name where it was", async () => {
  for (const place of ["before", "in its turn"]) {
    using world = new IdleWorld();
    world.keep("web");
    await cutAt(world, "rename pointed");
    const off = new AbortController();
    if (place === "before") off.abort();
    world.onStep = (step) => {
      if (step === "removal noted") off.abort();
    };
    const { message } = await world.remove("web", "purge", { calledOff: off.signal });
    assert.match(message, /called off/);
    await takeOver(world, shopOf(world));
    assert.equal(world.named("renamed").length, 1, place);
    assert.deepEqual(world.sight().state, ["shop.sqlite"]);
  }
});
