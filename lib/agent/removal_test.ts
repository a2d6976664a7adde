import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { CONFIG, cutEverywhere, IdleWorld } from "../../tests/support/idle_world.ts";
import { filesClosed } from "../../tests/support/open_files.ts";
import { lockProfile } from "../nix/profile_lock.ts";
import type { OnRemoval } from "../settings/service.ts";
import { Queue } from "./turns.ts";

function remove(world: IdleWorld, how: OnRemoval, config: string | null = CONFIG) {
  return world.remove("web", how, { config });
}

Deno.test("keep: nothing is done to the service, and no agent keeps it any more", async () => {
  using world = new IdleWorld();
  const { words } = world.keep("web");
  const before = world.links();
  const { message } = await remove(world, "keep");
  assert.match(message, /does not keep .*\/web any more; nothing is done to the service$/);
  assert.deepEqual(world.links(), { ".web.hail-lock": "", ...before });
  const { settings, record } = world.stored("web");
  assert.deepEqual(settings, { words, agent: null, removing: null, removed: "keep" });
  assert.equal(record.active?.path, world.version(3));
  assert.deepEqual(world.commands, []);
  assert.deepEqual(world.named("removed").map(({ fields, service }) => [fields?.["how"], service]), [
    ["keep", "web"],
  ]);
});

Deno.test("deactivate: bin/deactivate runs once, and the profile stays", async () => {
  using world = new IdleWorld();
  const { words, profile } = world.keep("web");
  const before = world.links();
  const { message } = await remove(world, "deactivate");
  assert.match(message, /^its bin\/deactivate has run, and hail does not keep .*\/web any more$/);
  assert.deepEqual(world.links(), { ".web.hail-lock": "", ...before });
  const { settings } = world.stored("web");
  assert.deepEqual(settings, { words, agent: null, removing: null, removed: "deactivate" });
  const [deactivate, ...more] = world.commands.filter(({ program }) => program.includes("/bin/"));
  assert.deepEqual([deactivate?.program, more], [`${profile}/bin/deactivate`, []]);
  assert.deepEqual(deactivate?.env, {
    HAIL_PROFILE: profile,
    HAIL_STORE_PATH: world.version(3),
    HAIL_PREVIOUS_STORE_PATH: "",
    HAIL_BUILD_ID: "103",
    HAIL_JOB_URI: "http://h/job/a/b/c/latest",
  });
});

Deno.test("purge: the profile goes with all that Nix and hail have made for it, and nothing else", async () => {
  using world = new IdleWorld();
  const { profile } = world.keep("web");
  world.keep("web-staging", { versions: 1 });
  for (const name of [".web.hail-root", ".web.hail-back-root", "web-4-link.tmp-12-34", "mine"]) {
    Deno.symlinkSync(world.version(1), `${world.profiles}/${name}`);
  }
  Deno.symlinkSync("/elsewhere", `${profile}-9-link`);
  Deno.writeTextFileSync(`${profile}-8-link`, "");
  for (const end of [".v1", ".damaged-20260101T000000Z", ".damaged-20260101T000000Z-wal"]) {
    Deno.writeTextFileSync(`${world.file("web")}${end}`, "");
  }
  const { message } = await remove(world, "purge");
  assert.match(
    message,
    /^its bin\/deactivate has run, and .*\/web is gone.*nix-collect-garbage. frees the space$/,
  );
  const { profiles, state } = world.sight();
  assert.deepEqual(Object.keys(profiles), [
    ...[".web.hail-lock", "mine", "web-8-link", "web-9-link", "web-staging", "web-staging-1-link"],
  ]);
  assert.deepEqual(state, ["web-staging.sqlite"]);
  assert.deepEqual(world.activations, [`${profile}/bin/deactivate`]);
  assert.ok(Deno.statSync(world.version(3)).isDirectory, "what is in the store is for the garbage collector");
  assert.deepEqual(await remove(world, "purge"), { message: "hail remembers nothing of it" });
});

Deno.test("a bin/deactivate that fails, or hangs, or is not there, does not keep the service", async () => {
  const cases = [
    [{ status: 3 }, "failed", /ended with status 3/],
    [{ status: 143, ended: "time-limit" }, "failed", /longer than its time limit/],
    [{}, "missing", null],
  ] as const;
  for (const [deactivation, outcome, why] of cases) {
    using world = new IdleWorld();
    if (why === null) world.programs = ["activate"];
    world.keep("web");
    world.deactivation = deactivation;
    const { message } = await remove(world, "purge");
    assert.match(
      message,
      outcome === "failed" ? /^its bin\/deactivate has failed/ : /^it has no bin\/deactivate/,
    );
    assert.deepEqual(Object.keys(world.links()), [".web.hail-lock"]);
    assert.match(world.named("deactivate-failed")[0]?.message ?? "", why ?? /^$/);
  }
});

for (const how of ["keep", "deactivate", "purge"] as const) {
  Deno.test(`${how}: cut off anywhere and asked for again, it ends the same`, async () => {
    const steps = await cutEverywhere(
      () => {
        const world = new IdleWorld();
        world.keep("web");
        return world;
      },
      (world) => remove(world, how),
      (world) => ({
        ...world.sight(),
        settings: how === "purge"
          ? null
          : JSON.stringify(world.stored("web").settings).replaceAll(world.folder, ""),
      }),
      (cut, whole, step) => assert.deepEqual(cut, whole, step),
    );
    assert.ok(steps.length >= { keep: 0, deactivate: 4, purge: 12 }[how], steps.join("\n"));
  });
}

Deno.test("what is to be done is written down before anything is", async () => {
  using world = new IdleWorld();
  const { words } = world.keep("web", { more: { onRemoval: "keep" } });
  const before = world.links();
  world.onStep = (step) => {
    if (step === "removal noted") throw new Error("killed");
  };
  await assert.rejects(remove(world, "purge"), /killed/);
  const agent = { name: "web", config: CONFIG, onRemoval: "keep" };
  assert.deepEqual(world.stored("web").settings, { words, agent, removing: "purge" });
  assert.deepEqual(world.links(), { ".web.hail-lock": "", ...before });
  assert.deepEqual(world.commands, []);
});

Deno.test("where that cannot be written down, nothing is done", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const before = world.links();
  const database = new DatabaseSync(world.file("web"));
  database.exec("CREATE TRIGGER no BEFORE UPDATE ON service BEGIN SELECT RAISE(ABORT, 'no'); END");
  database.close();
  for (const how of ["keep", "deactivate", "purge"] as const) {
    await assert.rejects(remove(world, how), { code: "state-unwritable", why: /nothing is done to it/ });
  }
  assert.deepEqual(world.links(), { ".web.hail-lock": "", ...before });
  assert.deepEqual(world.commands, []);
});

Deno.test("a profile that another hail holds is left alone", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const lock = await lockProfile(world.profile("web"), world.store);
  const before = world.sight();
  await assert.rejects(remove(world, "purge"), {
    code: "profile-held",
    next: "Stop that hail first, or take the service out of the configuration of its agent.",
  });
  assert.deepEqual(world.sight(), before);
  lock.release();
  await remove(world, "purge");
  assert.deepEqual(Object.keys(world.links()), [".web.hail-lock"]);
  await filesClosed(world.folder);
});

Deno.test("an agent takes out only what it has kept last; the operator anything", async () => {
  for (const config of [null, "/etc/other.toml"]) {
    using world = new IdleWorld();
    world.keep("web", { config });
    const before = world.sight();
    const { message } = await remove(world, "purge");
    assert.match(message, /^it is left alone: it is not of \/etc\/hail\/config.toml any more$/);
    assert.deepEqual(world.sight(), { ...before, profiles: { ".web.hail-lock": "", ...before.profiles } });
    const { message: done } = await remove(world, "purge", null);
    assert.equal(/take it out of \/etc\/other.toml, too/.test(done), config !== null);
    assert.deepEqual(Object.keys(world.links()), [".web.hail-lock"]);
  }
});

Deno.test("an activation that an earlier hail has left running is waited for, also without a bin/deactivate", async () => {
  for (const programs of [["activate", "deactivate"], ["activate"]]) {
    using world = new IdleWorld();
    world.programs = programs;
    const leader = { pid: Deno.pid, bootId: "boot" };
    const work = world.deployment(3, { endedAt: null, outcome: null, leader });
    world.keep("web", { record: { state: "activating", work } });
    world.leftover = 3;
    await remove(world, "purge");
    assert.deepEqual(world.named("activation-left").map(({ fields }) => fields?.["pid"]), [Deno.pid]);
    assert.deepEqual(world.named("activation-lost"), []);
    assert.match(
      world.named("removal")[0]?.message ?? "",
      /deployment 3 is not finished: it was cut off while activating/,
    );
    const programsRun = world.commands.map(({ program }) => program.replace(world.profiles, ""));
    const first = programsRun.findIndex((program) => program !== "grep");
    assert.ok(first >= 3, "nothing is done before it has ended");
    assert.equal(programsRun.includes("/web/bin/deactivate"), programs.length === 2);
    assert.deepEqual(Object.keys(world.links()), [".web.hail-lock"]);
  }
});

Deno.test("a bin/deactivate that outlives a hail that is killed can be waited for", async () => {
  using world = new IdleWorld();
  world.keep("web");
  world.onStep = (step) => {
    if (step.endsWith("/bin/deactivate has ended")) throw new Error("killed");
    if (step === "removal deactivated") throw new Error("killed");
  };
  await assert.rejects(remove(world, "deactivate"), /killed/);
  assert.deepEqual(world.stored("web").record.work?.leader, { pid: Deno.pid, bootId: "boot" });
});

Deno.test("what is no profile is left alone, and the rest goes", async () => {
  for (const what of ["folder", "link"] as const) {
    using world = new IdleWorld();
    const { profile } = world.keep("web");
    Deno.removeSync(profile);
    if (what === "folder") Deno.mkdirSync(profile);
    else Deno.symlinkSync(world.state, profile);
    const { message } = await remove(world, "purge");
    assert.match(message, /^its bin\/deactivate has failed/);
    assert.deepEqual(Object.keys(world.links()), [".web.hail-lock", "web"]);
    assert.deepEqual(world.sight().state, []);
    assert.equal(world.named("profile-kept").length, 1);
    assert.deepEqual(world.activations, []);
  }
});

Deno.test("a service whose options are not understood is taken out with the usual ones", async () => {
  using world = new IdleWorld();
  world.programs = ["activate"];
  world.keep("web", { more: { words: ["--of-a-newer-hail"] } });
  await remove(world, "purge");
  assert.deepEqual(Object.keys(world.links()), [".web.hail-lock"]);
});

Deno.test("a hail that is told to stop goes no further than what it has begun", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const reason = new Error("stop");
  const stop = { gently: AbortSignal.abort(reason), now: world.stop.now };
  await assert.rejects(world.remove("web", "purge", { stop }), (error) => error === reason);
  assert.deepEqual(world.commands, []);
});

Deno.test("a removal that is called off before the profile goes leaves the service as it is, and forgets what was to be done", async () => {
  const places = ["removal noted", "/bin/deactivate begins", "removal deactivated"];
  for (const how of ["deactivate", "purge"] as const) {
    for (const place of places) {
      if (how === "deactivate" && place !== "removal noted") continue;
      using world = new IdleWorld();
      const { words } = world.keep("web");
      const before = world.sight();
      const off = new AbortController();
      world.onStep = (step) => {
        if (step.endsWith(place)) off.abort();
      };
      const { message } = await world.remove("web", how, { calledOff: off.signal });
      assert.match(message, /^its removal is called off/, place);
      assert.deepEqual(world.sight(), { ...before, profiles: { ".web.hail-lock": "", ...before.profiles } });
      const agent = { name: "web", config: CONFIG, onRemoval: "keep" };
      assert.deepEqual(world.stored("web").settings, { words, agent, removing: null });
      assert.equal(world.activations.length, place === "removal noted" ? 0 : 1, `${how}, ${place}`);
      assert.deepEqual(world.named("removal").map(({ service }) => service), ["web"]);
    }
  }
});

Deno.test("a removal that is called off while it waits for its turn gives up its place", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const { settings } = world.stored("web");
  const queue = new Queue(1, Infinity, world.shared.clock);
  const { promise: hangs, resolve: end } = Promise.withResolvers<void>();
  const other = queue.take(new AbortController().signal, () => hangs);
  const off = new AbortController();
  world.onStep = (step) => {
    if (step === "removal noted") setTimeout(() => off.abort(), 0);
  };
  const turns = { ...world.shared.turns, activation: queue };
  const { message } = await world.remove("web", "purge", { calledOff: off.signal }, {
    ...world.shared,
    turns,
  });
  assert.match(message, /^its removal is called off/);
  assert.deepEqual(world.stored("web").settings, settings, "nothing is to be done any more");
  assert.deepEqual(world.commands, []);
  end();
  await other;
});

Deno.test("a removal that is called off before it begins writes nothing; what has begun to go is taken away to its end", async () => {
  using world = new IdleWorld();
  world.keep("web");
  const { settings } = world.stored("web");
  for (const how of ["keep", "deactivate", "purge"] as const) {
    await world.remove("web", how, { calledOff: AbortSignal.abort() });
    assert.deepEqual(world.stored("web").settings, settings);
  }
  const off = new AbortController();
  world.onStep = (step) => {
    if (step.startsWith("remove ")) off.abort();
  };
  await world.remove("web", "purge", { calledOff: off.signal });
  assert.deepEqual(Object.keys(world.links()), [".web.hail-lock"]);
});
