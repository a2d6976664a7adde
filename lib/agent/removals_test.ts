import assert from "node:assert/strict";
import { CONFIG, IdleWorld } from "../../tests/support/idle_world.ts";
import { filesClosed } from "../../tests/support/open_files.ts";
import { eventually } from "../../tests/support/command.ts";
import { lockProfile } from "../nix/profile_lock.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Removals } from "./removals.ts";

/** The removals of an agent that has kept `web`, in virtual time. */
function removing(world: IdleWorld) {
  const clock = new VirtualClock();
  const gently = new AbortController();
  let wanted: readonly ServiceSettings[] = [];
  const removals = new Removals({
    shared: { ...world.shared, clock },
    stop: { gently: gently.signal, now: world.stop.now },
    report: world.report,
    folder: world.state,
    config: CONFIG,
    wanted: () => new Map<ProfilePath, ServiceSettings>(wanted.map((one) => [one.profile, one])),
  });
  const orphan = { profile: world.profile("web"), name: "web", how: "purge", resumed: false } as const;
  return {
    removals,
    clock,
    gently,
    remove: () => removals.remove(orphan),
    want(...services: readonly ServiceSettings[]) {
      wanted = services;
      removals.reconsider();
    },
  };
}

Deno.test("removals: what the configuration names, or goes on from, is not taken out", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const before = world.sight();
  const { remove, want } = removing(world);
  for (const service of [world.settings("web"), world.settings("shop", { renamedFrom: "web" })]) {
    want(service);
    await remove();
    assert.deepEqual(world.sight(), before);
  }
});

Deno.test("removals: a service that has another profile under its name is kept as it is, also where that comes late", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const { remove, want } = removing(world);
  const elsewhere = { ...world.settings("elsewhere"), name: "web" };
  world.onStep = (step) => {
    if (step === "removal noted") want(elsewhere);
  };
  await remove();
  assert.deepEqual(world.activations, []);
  assert.ok("web" in world.links());
  assert.deepEqual(world.named("removed").map(({ fields }) => fields?.["how"]), ["keep"]);
});

Deno.test("removals: one that fails is tried again later, or as soon as the configuration says something else", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const { removals, clock, remove, want } = removing(world);
  const lock = await lockProfile(world.profile("web"), world.store);
  let over = false;
  const removed = remove().then(() => over = true);
  await removals.untilStuck(world.profile("web"), removed.then(() => {}));
  assert.equal(over, false, "whoever comes to the profile's name need not wait for it");
  assert.deepEqual(world.named("failure").map(({ service }) => service), ["web"]);
  await removals.untilStuck(world.profile("web"), removed.then(() => {}));
  want();
  await eventually("another try", () => world.named("failure").length === 2);
  lock.release();
  await filesClosed(world.folder);
  await clock.advance(15 * 60_000);
  await removed;
  assert.deepEqual(Object.keys(world.links()), [".web.hail-lock"]);
});

Deno.test("removals: one that waits to be tried again ends when hail is told to stop", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const { gently, remove } = removing(world);
  const lock = await lockProfile(world.profile("web"), world.store);
  const removed = remove();
  await eventually("a try", () => world.named("failure").length === 1);
  gently.abort(new Error("stop"));
  await removed;
  lock.release();
  await filesClosed(world.folder);
  assert.ok("web" in world.links());
});
