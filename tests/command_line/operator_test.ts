import assert from "node:assert/strict";
import { phaseOf } from "../../lib/agent/phase.ts";
import { databaseName, socketName } from "../../lib/journal/state_folder.ts";
import { eventually } from "../support/command.ts";
import { findMistakes, readSchema } from "./json_schema.ts";
import { SmallWorld } from "./small_world.ts";

/** The period of the hails here, in milliseconds. */
const HOUR = 3_600_000;

Deno.test("the commands say so where no service is known", async () => {
  await using world = await SmallWorld.make();
  const status = await world.hail("status");
  assert.equal(status.status, 0, status.stderr);
  assert.match(status.stdout, /^No service is known in \/.*\/state\.\n$/);
  assert.deepEqual(await world.json("status", "status"), { version: 1, services: [] });
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
  await world.deploy();
  const second = await world.release(12);

  const check = await world.hail("check");
  assert.equal(check.status, 0, check.stderr);
  assert.match(check.stdout, /^web: build 12 \(web-12\.0\) would be deployed\n/);
  assert.equal(await world.profile(), first);
  const checked = await world.json("check", "check");
  assert.deepEqual([checked.verdict.do, checked.latest.build_id, checked.current], ["deploy", 12, first]);

  const pause = await world.hail("pause", "--for", "8h", "--reason", "the shop is busy");
  assert.equal(pause.status, 0, pause.stderr);
  assert.equal(pause.stdout.split("\n").length, 2, pause.stdout);
  const status = await world.hail("status");
  assert.match(status.stdout, /Waits for +`hail resume`, or .* \(in (7 h 59 min|8 h)\):[^]*the shop is busy/);
  assert.match(status.stdout, /Agent +none runs/);
  const held = await world.oneshot();
  assert.equal(held.status, 18, held.stderr);
  assert.equal((await world.json("check", "check")).verdict.code, "paused");

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
  const { deployments } = await world.json("history", "history", "web", "--limit", "2");
  assert.equal(deployments.length, 2);

  const retry = await world.hail("retry", "--json");
  assert.equal(retry.status, 0, retry.stderr);
  assert.deepEqual(findMistakes(JSON.parse(retry.stdout), await readSchema("change")), []);
  await world.deploy();
  assert.equal(await world.profile(), second);
  await world.json("status", "status");
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
  await world.deploy();
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
  await world.deploy();
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

Deno.test("a database that cannot be used is said, and does not hide the others", async () => {
  await using world = await SmallWorld.make();
  await world.release(11);
  await world.deploy("web");
  await world.deploy("api");
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

Deno.test("a host with a number polls at the place of its number", async () => {
  await using world = await SmallWorld.make();
  await world.release(11);
  const file = `${world.folder}/number`;
  const profile = `${world.folder}/var/profiles/web`;
  for (const number of [0, 41]) {
    await Deno.writeTextFile(file, `${number}\n`);
    const hail = await world.start("web", "--host-number-file", file, "--soak-time", "0");
    const place = await phaseOf({ machineId: "", number }, profile, HOUR);
    await eventually(`the plan of host ${number}`, async () => {
      const { services: [service] } = await world.json("status", "status");
      return Date.parse(service.next_poll ?? "") % HOUR === place;
    });
    hail.kill("SIGTERM");
    await hail.finish();
  }
  await Deno.writeTextFile(file, "forty-one");
  const hail = await world.start("web", "--host-number-file", file);
  await hail.untilPrinted(/\/number: it holds no whole number from 0 to 999999999\. This host polls/);
});
