import assert from "node:assert/strict";
import { databaseName } from "../../lib/journal/state_folder.ts";
import { eventually } from "../support/command.ts";
import { findMistakes, readSchema } from "./json_schema.ts";
import { JOB, SmallWorld } from "./small_world.ts";

Deno.test("with several services one is named, or several, or all, and all are shown", async () => {
  await using world = await SmallWorld.make();
  await world.release(11);
  await world.deploy("shop/web");
  await world.deploy("shop/api");
  const { stdout } = await world.hail("status");
  assert.match(stdout, /^NAME +STATE +ACTIVE +NOTE\nshop\/api +active +build 11, .*\nshop\/web +active /);
  assert.match(stdout, /\n\n2 services: 2 active\nAgent: none runs\n$/);
  const pages = /^shop\/api\n +Profile [^]*\n\nshop\/web\n +Profile /;
  assert.match((await world.hail("status", "--long")).stdout, pages);
  assert.match((await world.hail("status", "web", "api")).stdout, pages);
  assert.equal((await world.json("status", "status", "api")).services.length, 1);
  assert.equal((await world.json("status", "status", "--all")).services.length, 2);
  assert.equal((await world.hail("history", "shop/web")).status, 0);
  const nameless = await world.hail("pause");
  assert.equal(nameless.status, 2, nameless.stderr);
  assert.match(
    nameless.stderr,
    /which of 2 is meant\. Name one or more of: shop\/api, shop\/web; or say --all\.\n$/,
  );
  const wrong = await world.hail("pause", "shop/wbe");
  assert.equal(wrong.status, 2, wrong.stderr);
  assert.match(wrong.stderr, /Did you mean shop\/web\?\n$/);
});

Deno.test("a command for several services answers for each, and what fails holds up no other", async () => {
  await using world = await SmallWorld.make();
  await world.release(11);
  for (const profile of ["api", "batch", "web"]) await world.deploy(profile);
  await using agent = await world.start("api");

  const paused = await world.hail("pause", "--all", "--reason", "inventory");
  assert.equal(paused.status, 0, paused.stderr);
  const said = paused.stdout.split("\n");
  assert.deepEqual(said.map((line) => line.split(":")[0]), ["api", "batch", "web", ""]);
  const table = await world.hail("status");
  assert.match(table.stdout, /\napi +active .* paused until `hail resume`: inventory\n/);
  assert.match(table.stdout, /\n3 services: 3 active\nAgent: runs for 1; none runs for batch, web\n$/);
  assert.equal(agent.running, true);

  const histories = await world.hail("history", "web", "batch");
  assert.match(histories.stdout, /^batch\nID .*\n.* first .*\n\nweb\nID .*\n.* first .*\n$/);
  const { services } = await world.json("history", "history", "--all", "--limit", "1");
  assert.deepEqual(services.map(({ service }: { service: string }) => service), ["api", "batch", "web"]);
  await world.release(12);
  const checks = await world.json("check", "check", "web", "batch");
  assert.deepEqual(checks.services.map((one: { verdict: { code: string } }) => one.verdict.code), [
    ...["paused", "paused"],
  ]);
  assert.match((await world.hail("check", "--all")).stdout, /^api: build 12 [^]*\n\nbatch: build 12 /);

  const resumed = await world.json("change", "resume", "batch", "web");
  assert.deepEqual([resumed.services.length, resumed.failures], [2, []]);
  // No hail runs for two of them, and one of these holds still.
  assert.equal((await world.hail("pause", "batch")).status, 0);
  const polled = await world.hail("poll", "web", "batch");
  assert.equal(polled.status, 18, polled.stderr);
  assert.equal(polled.stdout, "web: the profile is now at build 12 (web-12.0)\n");
  assert.match(polled.stderr, /^error: batch: build 12 is not deployed: deployments are paused/m);
  assert.match(polled.stderr, /^web: .*activating/m);
  const both = await world.hail("poll", "batch", "web", "--json");
  assert.equal(both.status, 18, both.stderr);
  const document = JSON.parse(both.stdout);
  assert.deepEqual(findMistakes(document, await readSchema("change")), []);
  assert.deepEqual(
    document.failures.map((one: { service: string; code: string }) => [one.service, one.code]),
    [
      ["batch", "paused"],
    ],
  );
  // One that cannot be read is no reason to leave the others alone, and not passed over either.
  await Deno.writeTextFile(
    `${world.folder}/state/${databaseName(`${world.folder}/var/profiles/batch`)}`,
    "rubbish",
  );
  const rest = await world.hail("pause", "--all");
  assert.equal(rest.status, 1, rest.stderr);
  assert.deepEqual(rest.stdout.split("\n").map((line) => line.split(":")[0]), ["api", "web", ""]);
  assert.match(rest.stderr, /^error: .*batch-.*\.sqlite/);
});

Deno.test("an agent answers for its services by their names, and for no others", async () => {
  await using world = await SmallWorld.make();
  await world.release(11);
  await world.deploy("old");
  await Deno.mkdir(`${world.folder}/inhibit.d`);
  const service = (name: string, more = "") =>
    `[services.${name}]\njob-uri = ${JSON.stringify(world.hydra.jobUri(JOB))}\n${more}\n`;
  const config = await world.configure([
    'poll-period = "1h"',
    service("api"),
    service("shop", 'profile = "front/web"'),
    service("gated", `gate = [${JSON.stringify(`inhibit ${world.folder}/inhibit.d`)}]`),
  ].join("\n"));
  await using agent = await world.startAgent(config);
  const table = async () => (await world.hail("status")).stdout;
  await eventually("three active services", async () => /\n4 services: 4 active\n/.test(await table()));
  assert.match(await table(), /\nAgent: runs for 3; none runs for old\n$/);
  assert.match((await world.hail("status", "shop")).stdout, /^shop\n +Profile +\/.*\/front\/web\n/);
  assert.match((await world.hail("status", "old")).stdout, /Agent +none runs\n/);

  await Deno.writeTextFile(`${world.folder}/inhibit.d/disk`, "the disk is being exchanged\n");
  const second = await world.release(12);
  const polled = await world.hail("poll", "--all");
  assert.equal(polled.status, 0, polled.stderr);
  assert.match(polled.stdout, /^api: .*\ngated: .*\nold: the profile is now at build 12 .*\nshop: .*\n$/);
  await eventually(
    "all but one at build 12",
    async () => /\n4 services: 3 active, 1 held\n/.test(await table()),
  );
  assert.match(await table(), /\ngated +held +build 11, \S+ +inhibit gate: the disk is being exchanged/);
  const page = await world.hail("status", "gated");
  assert.match(
    page.stdout,
    /Waits for +the gate 'inhibit [^]*`hail\s+poll\s+--past-gates`:[^]*disk is\s+being/,
  );
  const { services: [gated] } = await world.json("status", "status", "gated");
  assert.deepEqual([gated.gate.gate.split(" ")[0], gated.refusal.code], ["inhibit", "gate-closed"]);
  const past = await world.hail("poll", "gated", "--past-gates");
  assert.equal(past.status, 0, past.stderr);
  await eventually("build 12", () => world.profile("gated").then((path) => path === second));

  // It is kept, so it is not to be removed; another one is not.
  const kept = await world.hail("remove", "shop");
  assert.equal(kept.status, 15, kept.stderr);
  assert.ok(kept.stderr.includes(`Take it out of ${config} and reload`), kept.stderr);
  assert.equal((await world.hail("remove", "old", "--purge")).status, 0);
  await assert.rejects(world.profile("old"), Deno.errors.NotFound);
  const back = await world.hail("rollback", "--all");
  assert.equal(back.status, 0, back.stderr);
  assert.match(back.stderr, /^shop: .*rolling back to/m);
  assert.equal(agent.running, true);
});

Deno.test("services of an agent are called by their names, and act, while it does not run", async () => {
  await using world = await SmallWorld.make();
  const first = await world.release(11);
  const config = await world.configure(
    `[services.shop]
job-uri = ${JSON.stringify(world.hydra.jobUri(JOB))}
profile = "front/web"
on-removal = "purge"
[services.api]
job-uri = ${JSON.stringify(world.hydra.jobUri(JOB))}
`,
  );
  {
    await using agent = await world.startAgent(config);
    await eventually(
      "two active services",
      async () => /\n2 services: 2 active\n/.test((await world.hail("status")).stdout),
    );
    agent.kill();
    assert.equal((await agent.finish()).status, 0);
  }
  await world.release(12);
  const polled = await world.hail("poll", "shop");
  assert.equal(polled.status, 0, polled.stderr);
  assert.match((await world.hail("status", "shop")).stdout, /^shop\n[^]*Agent +none runs/);
  assert.equal((await world.hail("rollback", "shop", "--to", "1")).status, 0);
  assert.equal(await world.profile("front/web"), first);
  assert.match((await world.hail("history", "shop")).stdout, / rollback +11 /);
  // What the configuration said of a removal is remembered.
  const removed = await world.hail("remove", "shop");
  assert.equal(removed.status, 0, removed.stderr);
  await assert.rejects(world.profile("front/web"), Deno.errors.NotFound);
  assert.match((await world.hail("status")).stdout, /^api\n/);
});

Deno.test("a service that is removed is kept, deactivated or purged, and its data stays", async () => {
  await using world = await SmallWorld.make();
  const data = `${world.folder}/data`;
  const path = await world.release(11);
  await Deno.writeTextFile(`${path}/bin/deactivate`, `#!/bin/sh\necho gone >>${data}\n`, { mode: 0o755 });
  for (const profile of ["api", "batch", "web"]) await world.deploy(profile);
  const databases = () =>
    [...Deno.readDirSync(`${world.folder}/state`)].map(({ name }) => name).filter((name) =>
      name.endsWith(".sqlite")
    ).length;

  await using agent = await world.start("web");
  const kept = await world.hail("remove", "web", "--purge");
  assert.equal(kept.status, 15, kept.stderr);
  assert.match(kept.stderr, /^error: \/.*\/web: a hail keeps it\. Stop the hail that keeps it/);
  assert.equal(agent.running, true);
  assert.equal((await world.hail("remove")).status, 2);

  const alone = await world.hail("remove", "batch");
  assert.equal(alone.status, 0, alone.stderr);
  assert.equal(alone.stdout.split("\n").length, 2, alone.stdout);
  assert.equal(await world.profile("batch"), path);
  assert.throws(() => Deno.statSync(data), Deno.errors.NotFound);

  const { status, stdout, stderr } = await world.hail("remove", "batch", "api", "--deactivate", "--json");
  assert.equal(status, 0, stderr);
  assert.deepEqual(findMistakes(JSON.parse(stdout), await readSchema("change")), []);
  assert.equal(await Deno.readTextFile(data), "gone\ngone\n");
  assert.equal(await world.profile("api"), path);
  assert.equal(databases(), 3);

  const some = await world.hail("remove", "--all", "--purge");
  assert.equal(some.status, 15, some.stderr);
  assert.match(some.stderr, /^error: web: \/.*\/web: a hail keeps it/m);
  assert.match(some.stdout, /^api: .*\nbatch: .*\n$/);
  await assert.rejects(world.profile("api"), Deno.errors.NotFound);
  assert.equal(databases(), 1);
  assert.match(await Deno.readTextFile(data), /^(gone\n)+$/);
  assert.match((await world.hail("status")).stdout, /^web\n/);
});
