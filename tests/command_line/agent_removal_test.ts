/** `hail agent` as a process: services leave, and come back. */
import assert from "node:assert/strict";
import { eventually } from "../support/command.ts";
import { AgentWorld } from "./agent_world.ts";

Deno.test("a service that leaves and comes back is one after the other, and its removal is off", async () => {
  await using its = await AgentWorld.make();
  const slow = await its.release("web", "sleep 2");
  await its.configure({ web: { "on-removal": '"purge"' } });
  await its.start();
  await its.activated(`web ${slow}`);
  await its.change({});
  await its.change({ web: {} });
  await eventually("web is active", async () => (await its.states())["web"] === "active");
  assert.match(await its.profile("web"), /-web-/);
  assert.equal((await its.activations()).includes("web off"), false);
});

Deno.test("a service that is put back while its removal waits for a turn is not taken out, and is kept at once", async () => {
  const purged = { web: { "on-removal": '"purge"' } };
  const top = { "max-activations": "1" };
  await using its = await AgentWorld.keeping(purged, top);
  const hangs = await its.release("hangs", its.hang);
  const slow = { hangs: { "activation-timeout": '"40s"' } };
  await its.change({ ...purged, ...slow }, top);
  await its.activated(`hangs ${hangs}`);
  await its.change(slow, top);
  await its.change({ ...purged, ...slow }, top);
  await eventually("it is called off", () => its.log.includes("web: its removal is called off"));
  await eventually("web is kept again", async () => (await its.hail("poll", "web")).status === 0);
  assert.match(await its.profile("web"), /-web-/);
  assert.equal((await its.activations()).includes("web off"), false);
  await its.stop("SIGKILL");
});

Deno.test("a removal that stood back for a change of name is done when there is no such change any more", async () => {
  await using its = await AgentWorld.keeping({ web: { "on-removal": '"purge"' } });
  await its.release("shop");
  await using _holder = await its.classic("shop");
  await its.change({ shop: { ...its.job("web"), "renamed-from": '"web"' } });
  await eventually("shop waits for its profile", () => /shop: .*another hail holds it/.test(its.log));
  assert.match(await its.profile("web"), /-web-/, "it is for shop");
  await its.change({});
  await its.activated("web off");
  await eventually("web is gone", async () => !("web" in await its.states()));
});

Deno.test("a removal that was found at the start is called off for a new name, which goes on from there", async () => {
  await using its = await AgentWorld.keeping({ web: { "on-removal": '"purge"' } });
  const id = its.built("web");
  await its.stop();
  await Deno.writeTextFile(
    `${its.storePath("web", id)}/bin/deactivate`,
    `until [ -e ${its.folder}/go ]; do sleep 0.1; done\n`,
    { append: true },
  );
  await its.configure({});
  await its.start();
  await its.activated("web off");
  await its.change({ shop: { ...its.job("web"), "renamed-from": '"web"' } });
  await Deno.writeTextFile(`${its.folder}/go`, "");
  await eventually("the new name", () => its.log.includes("goes on from where web was"));
  assert.match(its.log, /web: its removal is called off/);
  assert.match(await its.profile("shop"), /-web-/);
  await eventually(
    "it is activated again",
    async () => (await its.activations()).filter((line) => line === `web ${id}`).length === 2,
  );
});

Deno.test("an agent that was killed goes on, and takes out what its configuration does not name any more", async () => {
  await using its = await AgentWorld.make();
  const ids = [await its.release("web", "sleep 1"), await its.release("old")];
  await its.configure({ web: {}, old: { "on-removal": '"purge"' } });
  await its.start();
  await its.activated(`web ${ids[0]}`, `old ${ids[1]}`);
  await eventually("old is active", async () => (await its.states())["old"] === "active");
  await its.stop("SIGKILL");
  await its.configure({ web: {} });
  await its.start();
  await its.activated("old off");
  await eventually("web is active", async () => (await its.states())["web"] === "active");
  await eventually("old is gone", async () => !("old" in await its.states()));
  await assert.rejects(its.profile("old"), Deno.errors.NotFound);
});

Deno.test("what was taken out and deactivated is shown so, and is not started again by a command for all", async () => {
  await using its = await AgentWorld.keeping({ web: {}, old: { "on-removal": '"deactivate"' } });
  await its.change({ web: {} });
  await its.activated("old off");
  await eventually(
    "it is shown",
    async () => (await its.hail("status")).stdout.includes("taken out, deactivated"),
  );
  await its.stop();
  const before = (await its.activations()).length;
  const all = await its.hail("poll", "--all");
  assert.equal(all.status, 0, all.stderr);
  assert.doesNotMatch(all.stdout, /^old:/m);
  const one = await its.hail("poll", "old");
  assert.equal(one.status, 2);
  assert.match(one.stderr, /old: it was taken out and deactivated/);
  assert.deepEqual((await its.activations()).slice(before), [`web ${its.built("web")}`]);
  assert.match((await its.hail("status", "old")).stdout, /its bin\/deactivate has run/);
});

Deno.test("a service that was never kept is left alone when it is taken out", async () => {
  const reasons = { "netrc-file": '"/nonexistent/netrc"', "health-check": '["http https://127.0.0.1:1/"]' };
  for (const reason of Object.entries(reasons)) {
    await using its = await AgentWorld.make();
    const [web, api] = [await its.release("web"), await its.release("api")];
    // Somebody else has made the profile.
    const link = `${its.folder}/var/profiles/web`;
    await Deno.symlink(its.storePath("web", web), `${link}-1-link`);
    await Deno.symlink("web-1-link", link);
    const bad = { "on-removal": '"purge"', ...Object.fromEntries([reason]) };
    const environment = { NIX_SSL_CERT_FILE: "/nonexistent/certificates" };
    await its.configure({ api: {}, web: bad });
    await its.start(environment);
    await its.activated(`api ${api}`);
    await eventually("web is shown", async () => "web" in await its.states());
    await its.change({ api: {} });
    await eventually("web is shown no more", async () => !("web" in await its.states()));
    assert.match(await its.profile("web"), /-web-/);
    // Nor is it, where no agent runs meanwhile.
    await its.change({ api: {}, web: bad });
    await eventually("web is shown again", async () => "web" in await its.states());
    await its.stop("SIGKILL");
    assert.deepEqual(
      Object.keys(await its.states()),
      ["api"],
      "what a dead agent has said of it counts no more",
    );
    await its.configure({ api: {} });
    await its.start(environment);
    await eventually("web is gone again", async () => !("web" in await its.states()));
    assert.match(await its.profile("web"), /-web-/);
    assert.deepEqual((await its.activations()).filter((line) => line.startsWith("web")), []);
  }
});

Deno.test("a service that was kept and cannot be now goes as the file said last", async () => {
  await using its = await AgentWorld.keeping({ web: { "on-removal": '"keep"' } });
  await its.stop();
  const netrc = { "netrc-file": `"${its.folder}/none"` };
  await its.configure({ web: { ...netrc, "on-removal": '"purge"' } });
  await its.start();
  await eventually("it is told", async () => {
    const { stdout } = await its.hail("status", "web");
    return stdout.replaceAll(/\s+/g, " ").includes("it does not exist");
  });
  await its.change({});
  await its.activated("web off");
  await eventually("web is gone", async () => !("web" in await its.states()));
});

Deno.test("what becomes of a service is what the file said last, also where a deployment was under way", async () => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await using its = await AgentWorld.keeping({ web: { "on-removal": '"purge"' } });
    await its.deploying("web", "sleep 2");
    await its.change({ web: { "on-removal": '"keep"' } });
    await its.configure({});
    await its.stop(signal);
    await its.start();
    await eventually("it is left", () => its.log.includes("nothing is done to the service"));
    assert.match(await its.profile("web"), /-web-/);
    assert.equal((await its.activations()).includes("web off"), false);
  }
});

Deno.test("a service with another profile begins when the bin/deactivate of the old one has ended", async () => {
  await using its = await AgentWorld.make();
  const web = await its.release("web");
  await Deno.writeTextFile(
    `${its.storePath("web", web)}/bin/deactivate`,
    `sleep 2; echo "web is off" >> ${its.folder}/activations\n`,
    { append: true },
  );
  await its.configure({ web: { "on-removal": '"purge"', profile: '"data/x"' } });
  await its.start();
  await its.activated(`web ${web}`);
  await its.atRest("web");
  await its.change({});
  await its.activated("web off");
  await its.change({ web: { profile: '"data/y"' } });
  await eventually("it is deployed anew", async () => (await its.activations()).length === 4);
  assert.deepEqual(await its.activations(), [`web ${web}`, "web off", "web is off", `web ${web}`]);
  assert.match(await its.profile("data/x"), /-web-/, "what is under the same name may need it");
});

Deno.test("a service that moves on and on during a deployment ends where the file said last, and the agent can stop", async () => {
  await using its = await AgentWorld.make();
  const id = await its.release("web", "sleep 2");
  const at = (place: string) => ({ web: { profile: `"data/${place}"` } });
  await its.configure(at("a"));
  await its.start();
  await its.activated(`web ${id}`);
  for (const place of ["b", "c", "d"]) await its.change(at(place));
  await eventually("it is at its last place", () => its.profile("data/d").then(() => true, () => false));
  await its.atRest("web");
  for (const place of ["b", "c"]) await assert.rejects(its.profile(`data/${place}`), Deno.errors.NotFound);
  assert.equal(await its.stop(), 0);
});
