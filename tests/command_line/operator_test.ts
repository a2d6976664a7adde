import assert from "node:assert/strict";
import { databaseName, socketName } from "../../lib/journal/state_folder.ts";
import { eventually } from "../support/command.ts";
import { findMistakes, readSchema } from "./json_schema.ts";
import { JOB, SmallWorld } from "./small_world.ts";

async function json(world: SmallWorld, schema: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = await world.hail(...args, "--json");
  assert.equal(status, 0, stderr);
  const document = JSON.parse(stdout);
  assert.deepEqual(findMistakes(document, await readSchema(schema)), []);
  return document;
}

/** Deploys once, which has to succeed. */
async function deploy(world: SmallWorld, profile?: string) {
  const { status, stderr } = await world.oneshot(profile);
  assert.equal(status, 0, stderr);
}

Deno.test("the commands say so where no service is known", async () => {
  await using world = await SmallWorld.make();
  const status = await world.hail("status");
  assert.equal(status.status, 0, status.stderr);
  assert.match(status.stdout, /^No service is known in \/.*\/state\.\n$/);
  assert.deepEqual(await json(world, "status", "status"), { version: 1, services: [] });
  const commands = ["history", "check", "poll", "pause", "resume", "retry", "rollback", "remove"];
  const asked = commands.flatMap((one) => one === "remove" ? [[one, "--all"]] : [[one], [one, "--all"]]);
  for (const { status, stdout, stderr } of await Promise.all(asked.map((one) => world.hail(...one)))) {
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: .*\/state: no service is known there\. Start one with/);
  }
});

Deno.test("an operator goes through a day without an agent", async () => {
  await using world = await SmallWorld.make();
  const first = await world.release(11);
  await deploy(world);
  const second = await world.release(12);

  const check = await world.hail("check");
  assert.equal(check.status, 0, check.stderr);
  assert.match(check.stdout, /^web: build 12 \(web-12\.0\) would be deployed\n/);
  assert.equal(await world.profile(), first);
  const checked = await json(world, "check", "check");
  assert.deepEqual([checked.verdict.do, checked.latest.build_id, checked.current], ["deploy", 12, first]);

  const pause = await world.hail("pause", "--for", "8h", "--reason", "the shop is busy");
  assert.equal(pause.status, 0, pause.stderr);
  assert.equal(pause.stdout.split("\n").length, 2, pause.stdout);
  const status = await world.hail("status");
  assert.match(status.stdout, /Waits for +`hail resume`, or .* \(in (7 h 59 min|8 h)\):[^]*the shop is busy/);
  assert.match(status.stdout, /Agent +none runs/);
  const held = await world.oneshot();
  assert.equal(held.status, 18, held.stderr);
  assert.equal((await json(world, "check", "check")).verdict.code, "paused");

  const resume = await world.hail("resume");
  assert.equal(resume.status, 0, resume.stderr);
  const poll = await world.hail("poll");
  assert.equal(poll.status, 0, poll.stderr);
  assert.match(poll.stdout, /^the profile is now at build 12 \(web-12\.0\)\n$/);
  assert.match(poll.stderr, /activating/);
  assert.equal(await world.profile(), second);

  const back = await world.hail("rollback");
  assert.equal(back.status, 0, back.stderr);
  assert.equal(await world.profile(), first);
  assert.match(back.stderr, /rolling back to/);
  assert.match((await world.hail("status")).stdout, /rolled back from build 12, as the operator asked/);
  assert.equal((await world.oneshot()).status, 18);

  const history = await world.hail("history");
  assert.match(history.stdout, /^ID .*\n(.*\n)* *\d+ .* rollback +11 +rolled-back .* from build 12\n/);
  const { deployments } = await json(world, "history", "history", "web", "--limit", "2");
  assert.equal(deployments.length, 2);

  const retry = await world.hail("retry", "--json");
  assert.equal(retry.status, 0, retry.stderr);
  assert.deepEqual(findMistakes(JSON.parse(retry.stdout), await readSchema("change")), []);
  await deploy(world);
  assert.equal(await world.profile(), second);
  await json(world, "status", "status");
});

Deno.test("an operator speaks with the agent that runs", async () => {
  await using world = await SmallWorld.make();
  const first = await world.release(11);
  await using _agent = await world.start();
  await eventually("build 11", () => world.profile().then((path) => path === first, () => false));
  await eventually(
    "an agent at rest",
    async () => /State +active\n/.test((await world.hail("status")).stdout),
  );
  const status = await world.hail("status");
  assert.match(status.stdout, /Agent +runs\n/);

  const paused = await world.hail("pause", "web", "--until", "2999-01-01 08:00");
  assert.equal(paused.status, 0, paused.stderr);
  const second = await world.release(12);
  const polls = world.hydra.requests.length;
  assert.equal((await world.hail("poll")).status, 0);
  await eventually("a poll", () => world.hydra.requests.length > polls);
  assert.match((await world.hail("status")).stdout, /or 2999-01-01 08:00:00/);
  assert.equal(await world.profile(), first);
  assert.equal((await world.hail("resume")).status, 0);
  await eventually("build 12", () => world.profile().then((path) => path === second));
  await eventually(
    "an agent at rest",
    async () => /State +active\n/.test((await world.hail("status")).stdout),
  );

  const back = await world.hail("rollback", "--to", "1");
  assert.equal(back.status, 0, back.stderr);
  assert.match(back.stderr, /rolling back to/);
  assert.match(back.stdout, /11/);
  assert.equal(await world.profile(), first);
  assert.equal((await world.hail("retry")).status, 0);
  await eventually("build 12 again", () => world.profile().then((path) => path === second));
});

Deno.test("a roll-back goes on when the one who asked for it goes", async () => {
  await using world = await SmallWorld.make();
  const first = await world.release(11, `[ -e "${world.folder}/slow" ] && sleep 2; exit 0`);
  await using agent = await world.start();
  await eventually("build 11", () => world.profile().then((path) => path === first, () => false));
  const second = await world.release(12);
  await world.hail("poll");
  await eventually("build 12", () => world.profile().then((path) => path === second));
  await eventually(
    "an agent at rest",
    async () => /State +active\n/.test((await world.hail("status")).stdout),
  );
  await Deno.writeTextFile(`${world.folder}/slow`, "");
  const profile = `${world.folder}/var/profiles/web`;
  const connection = await Deno.connect({
    transport: "unix",
    path: `${world.folder}/state/${socketName(profile)}`,
  });
  await connection.write(new TextEncoder().encode('{"version":1,"command":"rollback","to":null}\n'));
  await eventually("the roll-back", () => world.profile().then((path) => path === first));
  connection.close();
  await eventually("its end", async () => /State +rolled back/.test((await world.hail("status")).stdout));
  assert.equal(agent.running, true);
});

Deno.test("the completion knows every command and its options", async () => {
  await using world = await SmallWorld.make();
  const complete = async (...words: readonly string[]) =>
    (await world.hail("complete", "--", ...words)).stdout.split("\n").map((line) => line.split("\t")[0]);
  const commands = await complete("");
  for (
    const command of [
      "status",
      "history",
      "check",
      "poll",
      "pause",
      "resume",
      "retry",
      "rollback",
      "remove",
      "apply-units",
    ]
  ) assert.ok(commands.includes(command), command);
  for (const option of ["--reason", "--for", "--until", "--all", "--json", "--state-dir"]) {
    assert.ok((await complete("pause", "--")).includes(option), option);
  }
  assert.deepEqual((await complete("--on-manual-change", "")).slice(0, 3), ["respect", "hold", "ignore"]);
});

Deno.test("what is wrong with --to is said", async () => {
  await using world = await SmallWorld.make();
  await world.release(11);
  await deploy(world);
  const bare = `${world.folder}/store/${"2".repeat(32)}-bare`;
  await Deno.mkdir(bare);
  for (
    const [to, says] of [
      [bare, /it has no bin\/activate/],
      ["7", /generation 7 of .*: there is none\. There are: 1\.\n$/],
      ["/etc/passwd", /neither a number nor a store path/],
      [`${world.folder}/store/${"1".repeat(32)}-gone`, /it is not in the store/],
    ] as const
  ) {
    const { status, stderr } = await world.hail("rollback", "--to", to);
    assert.equal(status, 2, stderr);
    assert.match(stderr, says);
  }
});

Deno.test("a copy of a service's state is never taken for the service", async () => {
  await using world = await SmallWorld.make();
  await world.release(11);
  await deploy(world);
  const folder = `${world.folder}/state`;
  const [name = ""] = [...Deno.readDirSync(folder)].map((entry) => entry.name).filter((one) =>
    one.endsWith(".sqlite")
  );
  await Deno.mkdir(`${folder}/backup`);
  await Deno.copyFile(`${folder}/${name}`, `${folder}/backup/${name}`);
  const twins = await world.hail("pause");
  assert.equal(twins.status, 2, twins.stderr);
  assert.match(twins.stderr, /one of them is a copy/);
  await Deno.remove(`${folder}/backup`, { recursive: true });
  await Deno.copyFile(`${folder}/${name}`, `${folder}/other-000000000000.sqlite`);
  const misnamed = await world.hail("pause");
  assert.equal(misnamed.status, 0, misnamed.stderr);
  assert.match(misnamed.stderr, /is not named after it, so it is a copy/);
});

Deno.test("with several services one is named, or several, or all, and all are shown", async () => {
  await using world = await SmallWorld.make();
  await world.release(11);
  await deploy(world, "shop/web");
  await deploy(world, "shop/api");
  const { stdout } = await world.hail("status");
  assert.match(stdout, /^NAME +STATE +ACTIVE +NOTE\nshop\/api +active +build 11, .*\nshop\/web +active /);
  assert.match(stdout, /\n\n2 services: 2 active\nAgent: none runs\n$/);
  const pages = /^shop\/api\n +Profile [^]*\n\nshop\/web\n +Profile /;
  assert.match((await world.hail("status", "--long")).stdout, pages);
  assert.match((await world.hail("status", "web", "api")).stdout, pages);
  assert.equal((await json(world, "status", "status", "api")).services.length, 1);
  assert.equal((await json(world, "status", "status", "--all")).services.length, 2);
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
  for (const profile of ["api", "batch", "web"]) await deploy(world, profile);
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
  const { services } = await json(world, "history", "history", "--all", "--limit", "1");
  assert.deepEqual(services.map(({ service }: { service: string }) => service), ["api", "batch", "web"]);
  await world.release(12);
  const checks = await json(world, "check", "check", "web", "batch");
  assert.deepEqual(checks.services.map((one: { verdict: { code: string } }) => one.verdict.code), [
    ...["paused", "paused"],
  ]);
  assert.match((await world.hail("check", "--all")).stdout, /^api: build 12 [^]*\n\nbatch: build 12 /);

  const resumed = await json(world, "change", "resume", "batch", "web");
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
  await deploy(world, "old");
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
  const { services: [gated] } = await json(world, "status", "status", "gated");
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
  for (const profile of ["api", "batch", "web"]) await deploy(world, profile);
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

Deno.test("a database that cannot be used is said, and does not hide the others", async () => {
  await using world = await SmallWorld.make();
  await world.release(11);
  await deploy(world, "web");
  await deploy(world, "api");
  await Deno.writeTextFile(
    `${world.folder}/state/${databaseName(`${world.folder}/var/profiles/api`)}`,
    "rubbish",
  );
  const all = await world.hail("status");
  assert.equal(all.status, 0, all.stderr);
  assert.match(all.stdout, /^web\n/);
  assert.match(all.stderr, /^error: .*api-.*\.sqlite/);
  const one = await world.hail("status", "api");
  assert.equal(one.status, 1, one.stderr);
  assert.equal(one.stdout, "");
});
