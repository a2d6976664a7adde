/** `hail agent` as a process: services get other names. */
import assert from "node:assert/strict";
import { eventually } from "../support/command.ts";
import { AgentWorld } from "./agent_world.ts";

Deno.test("a change of name that failed and is given up leaves the old service as its on-removal says", async () => {
  await using its = await AgentWorld.keeping({ web: { "on-removal": '"keep"' } });
  const other = await its.release("other");
  const nix = `${its.folder}/bin/nix-env`;
  const sound = await Deno.readTextFile(nix);
  const full = 'case "$2" in */shop) echo "error: no space left" >&2; exit 1;; esac';
  await Deno.writeTextFile(nix, sound.replace("#!/bin/sh\n", `#!/bin/sh\n${full}\n`));
  const shop = { "on-removal": '"keep"' };
  await its.change({ shop: { ...shop, ...its.job("web"), "renamed-from": '"web"' } });
  await eventually("it fails", () => its.log.includes("no space left"));
  await Deno.writeTextFile(nix, sound);
  // The new name is for something else.
  await its.change({ shop: { ...shop, ...its.job("other") } });
  await its.activated(`other ${other}`);
  await eventually("web is left", () => /web: .*nothing is done to the service/.test(its.log));
  assert.match(await its.profile("web"), /-web-/);
  assert.match(await its.profile("shop"), /-other-/);
});

/** Begins to call web shop, of which all is copied, and nothing can be taken away; the result makes that possible. */
async function stuckAtItsEnd(
  its: AgentWorld,
  more: Readonly<Record<string, string>>,
): Promise<() => Promise<void>> {
  const root = `${its.folder}/var/profiles/.web.hail-back-root`;
  await Deno.mkdir(`${root}/x`, { recursive: true });
  await its.change({ shop: { ...its.job("web"), ...more, "renamed-from": '"web"' } });
  await eventually("it fails", () => /error: shop/.test(its.log));
  return () => Deno.remove(root, { recursive: true });
}

for (const how of ["keep", "deactivate", "purge"]) {
  Deno.test(`a change of name that fails at its end and is taken back leaves the service as it was: ${how}`, async () => {
    const removal = { "on-removal": `"${how}"` };
    await using its = await AgentWorld.keeping({ web: removal });
    await its.hail("pause", "web", "--reason", "fair");
    const free = await stuckAtItsEnd(its, removal);
    await free();
    await its.change({ web: removal });
    await eventually("the copy is left", () => /shop: it is left as it is.*--purge/.test(its.log));
    await eventually("web is kept", async () => /fair/.test((await its.hail("status", "web")).stdout));
    assert.equal((await its.activations()).includes("web off"), false);
    assert.match(await its.profile("web"), /-web-/);
    // As the warning says.
    assert.equal((await its.hail("remove", "shop", "--purge")).status, 0);
    await assert.rejects(its.profile("shop"), Deno.errors.NotFound);
    assert.deepEqual(Object.keys(await its.states()), ["web"]);
    assert.match(await its.profile("web"), /-web-/);
    assert.equal((await its.activations()).includes("web off"), false);
  });
}

Deno.test("where a change of name is stuck and both names go, both stay", async () => {
  const removal = { "on-removal": '"purge"' };
  await using its = await AgentWorld.keeping({ web: removal });
  const free = await stuckAtItsEnd(its, removal);
  await free();
  await its.change({});
  await eventually("both are left", () => its.log.split("it is left as it is").length === 3);
  for (const name of ["web", "shop"]) assert.match(await its.profile(name), /-web-/);
  assert.equal((await its.activations()).includes("web off"), false);
});

Deno.test("what is said of a service while its change of name is stuck goes with it", async () => {
  await using its = await AgentWorld.keeping({ web: {} });
  const free = await stuckAtItsEnd(its, {});
  await its.stop();
  assert.equal((await its.hail("pause", "web", "--reason", "fair")).status, 0);
  await free();
  await its.start();
  await eventually("shop goes on", () => its.log.includes("shop goes on from where web was"));
  await eventually("shop is kept", async () => /fair/.test((await its.hail("status", "shop")).stdout));
  assert.match(await its.profile("shop"), /-web-/);
  await assert.rejects(its.profile("web"), Deno.errors.NotFound);
});

Deno.test("a service goes on under a new name and profile, also where only its name was changed before", async () => {
  await using its = await AgentWorld.make();
  const id = await its.release("web");
  const job = its.job("web");
  await its.configure({ web: { ...job, profile: '"data/web"' } });
  await its.start();
  await its.activated(`web ${id}`);
  await its.change({ site: { ...job, profile: '"data/web"' } });
  await eventually("the new name", () => its.log.includes("its new settings are in force"));
  await its.change({ shop: { ...job, profile: '"data/shop"', "renamed-from": '"site"' } });
  await eventually("the new profile", () => its.log.includes("goes on from where site was"));
  assert.match(await its.profile("data/shop"), /-web-/);
  await assert.rejects(its.profile("data/web"), Deno.errors.NotFound);
});

Deno.test("a service that gets two new names during a deployment goes on under the last", async () => {
  await using its = await AgentWorld.keeping({ web: { "on-removal": '"purge"', profile: '"data/x"' } });
  const more = { ...its.job("web"), "on-removal": '"purge"' };
  await its.deploying("web", "sleep 2");
  await its.change({ site: { ...more, profile: '"data/x"' } });
  const poll = await its.hail("poll", "site");
  assert.equal(poll.status, 0, `by its new name: ${poll.stderr}`);
  await its.change({ shop: { ...more, profile: '"data/y"', "renamed-from": '"site"' } });
  await eventually("it goes on", () => its.log.includes("shop goes on from where site was"));
  await assert.rejects(its.profile("data/x"), Deno.errors.NotFound);
  assert.match(await its.profile("data/y"), /-web-/);
  assert.equal((await its.activations()).includes("web off"), false);
});

Deno.test("who comes after a service that gets another name during a deployment waits for the end of that", async () => {
  await using its = await AgentWorld.keeping({ db: { profile: '"data/db"' }, web: { after: '["db"]' } });
  const web = await its.release("web");
  const db = await its.deploying("db", `sleep 3; echo "db is done" >> ${its.folder}/activations`);
  const base = { ...its.job("db"), profile: '"data/db"' };
  await its.change({ base, web: { after: '["base"]' } });
  await its.activated(`web ${web}`);
  assert.deepEqual((await its.activations()).slice(2), [`db ${db}`, "db is done", `web ${web}`]);
});

Deno.test("where a new name is another one before it was taken over, the last one goes on", async () => {
  await using its = await AgentWorld.make();
  const id = await its.release("web", "sleep 2");
  const job = { ...its.job("web"), "on-removal": '"purge"' };
  await its.configure({ web: job });
  await its.start();
  await its.activated(`web ${id}`);
  for (const name of ["shop", "store"]) await its.change({ [name]: { ...job, "renamed-from": '"web"' } });
  await eventually("it goes on", () => its.log.includes("store goes on from where web was"));
  assert.match(await its.profile("store"), /-web-/);
  await assert.rejects(its.profile("shop"), Deno.errors.NotFound);
  assert.equal((await its.activations()).includes("web off"), false);
});

Deno.test("a mistake that is taken back during a deployment leaves the order as it was", async () => {
  const api = { after: '["web"]' };
  await using its = await AgentWorld.keeping({ web: { profile: '"data/web"' }, api });
  await its.release("other");
  const web = { ...its.job("web"), profile: '"data/web"' };
  await its.deploying("web", `until [ -e ${its.folder}/go ]; do sleep 0.1; done`);
  await its.change({ site: web, web: { ...its.job("other"), profile: '"data/other"' }, api });
  await its.change({ web, api });
  await Deno.writeTextFile(`${its.folder}/go`, "");
  await eventually("web is at rest", async () => (await its.states())["web"] === "active");
  const second = [await its.release("web", "sleep 1"), await its.release("api")];
  await its.hail("poll", "api");
  await its.activated(`api ${second[1]}`);
  assert.deepEqual((await its.activations()).filter((line) => /^(web|api) /.test(line)).slice(-2), [
    `web ${second[0]}`,
    `api ${second[1]}`,
  ]);
});

Deno.test("a service that gets two new names while it cannot be kept goes on under the last", async () => {
  await using its = await AgentWorld.keeping({ web: { "on-removal": '"purge"', profile: '"data/x"' } });
  const job = { ...its.job("web"), "on-removal": '"purge"' };
  const bad = { ...job, profile: '"data/x"', "netrc-file": '"/nonexistent/netrc"' };
  await its.stop();
  await its.configure({ web: bad });
  await its.start();
  await eventually("it cannot be kept", () => its.log.includes("does not exist"));
  await its.change({ site: bad });
  await its.change({ shop: { ...job, "renamed-from": '"site"' } });
  await eventually("it goes on", () => its.log.includes("shop goes on from where site was"));
  assert.equal((await its.activations()).includes("web off"), false);
});

Deno.test("a service that is kept already takes over nothing, and says so", async () => {
  await using its = await AgentWorld.keeping({ web: { "on-removal": '"purge"' }, shop: {} });
  await its.change({ shop: { "renamed-from": '"web"' } });
  assert.match(
    its.log,
    /shop: it does not take over from \S+\/web, which stays until [^]*: it is kept itself already/,
  );
  assert.match(await its.profile("web"), /-web-/);
});
