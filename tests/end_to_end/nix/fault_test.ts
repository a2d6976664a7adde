import assert from "node:assert/strict";
import { readService } from "../../../lib/journal/read.ts";
import { findServices } from "../../../lib/journal/read.ts";
import { eventually, RunningCommand } from "../../support/command.ts";
import { MountedFolder, onReadOnly, onSmallDisk } from "../../support/faults/small_disk.ts";
import { HttpServer } from "../../support/http_server.ts";
import { NIX_SUITES } from "../../support/nix_tree.ts";
import { ACTIVATE, PROFILES, World } from "./world.ts";

const BROKEN = `${ACTIVATE}echo "no database" >&2\nexit 3\n`;

/** A hail that runs beside the test behind a command, and polls only when it is told to. */
function start(world: World, prefix: readonly string[], more: readonly string[] = []): RunningCommand {
  const options = ["--poll-period", "1h", "--log-level", "debug", ...more];
  return world.tree.start([...prefix, ...world.command(...options)]);
}

/** Has hail poll, and waits for what it says then. */
async function poll(hail: RunningCommand, said: RegExp): Promise<void> {
  const before = hail.stderr.length;
  hail.kill("SIGHUP");
  await eventually(`${said}`, () => {
    if (said.test(hail.stderr.slice(before))) return true;
    if (!hail.running) throw new Error(`hail has ended:\n${hail.tail()}`);
    return false;
  }).catch((error) => {
    throw new Error(`${error}\n${hail.tail()}`);
  });
}

/** Whether nothing is missing in the history that a state folder holds; and the record. */
function whole(folder: string) {
  const [file] = findServices(folder);
  assert.ok(file !== undefined, "there is a database");
  const stored = readService(file);
  try {
    const transitions = stored.transitions(1_000).toReversed();
    assert.deepEqual(transitions.map(({ seq }) => seq), transitions.map((_, index) => index + 1));
    for (const [index, { from }] of transitions.entries()) {
      assert.equal(from, transitions[index - 1]?.to ?? "idle");
    }
    const deployments = stored.history(1_000).toReversed();
    assert.deepEqual(deployments.map(({ id }) => id), deployments.map((_, index) => index + 1));
    assert.equal(stored.record.deployments, deployments.length);
    return stored.record;
  } finally {
    stored.close();
  }
}

const IDLE = /deployed build \d+; next poll|nothing new at build \d+; next poll/;

Deno.test("the disk of the state folder is full: hail says so, goes on, and writes all of it later", async (t) => {
  await using world = await World.make("trixie");
  const one = await world.release({ version: "1.0" });
  await using hail = start(world, onSmallDisk(world.stateFolder, "size=1m"));
  const folder = new MountedFolder(hail, world.stateFolder);
  await hail.untilPrinted(IDLE);
  assert.equal(await world.current(), one.storePath);

  await t.step("a deployment", async () => {
    await folder.fill();
    const two = await world.release({ version: "2.0" });
    await poll(hail, IDLE);
    assert.equal(await world.current(), two.storePath);
    assert.match(hail.stderr, /the disk is full/);
    assert.match(hail.stderr, /hail goes on in memory and writes everything when it can/);
  });
  await t.step("a build that fails, which is remembered in memory", async () => {
    const before = await world.current();
    const three = await world.release({ version: "3.0", activate: BROKEN });
    await poll(hail, /rolled back to .*-web-2\.0/);
    assert.equal(await world.current(), before);
    await poll(hail, /not deployed: build \d+; next poll/);
    assert.equal(hail.stderr.split("version 3.0").length - 1, 1, "it was activated once");
    assert.notEqual(three.storePath, before);
  });
  await t.step("there is room again: nothing is missing in the history", async () => {
    await folder.free();
    const four = await world.release({ version: "4.0" });
    await poll(hail, IDLE);
    const record = whole(folder.path);
    assert.equal(record.active?.path, four.storePath);
    assert.deepEqual(record.bad.map(({ step }) => step), ["activation"]);
  });
});

Deno.test("the disk of the state folder is full from the beginning", async () => {
  await using world = await World.make("trixie");
  const one = await world.release({ version: "1.0" });
  await using hail = start(world, onSmallDisk(world.stateFolder, "size=4k"));
  const folder = new MountedFolder(hail, world.stateFolder);
  await hail.untilPrinted(IDLE);
  assert.equal(await world.current(), one.storePath);
  assert.match(hail.stderr, /the disk is full/);
  assert.deepEqual(findServices(folder.path), []);
  await world.release({ version: "2.0", activate: BROKEN });
  await poll(hail, /rolled back to .*-web-1\.0.* Next try in/);
  await poll(hail, /not deployed: build \d+; next poll/);
  assert.equal(await world.current(), one.storePath);
  await folder.remount("size=1m");
  const three = await world.release({ version: "3.0" });
  await poll(hail, IDLE);
  assert.match(hail.stderr, /the state can be written again, .*; \d+ transitions had waited\n/);
  assert.equal(await world.current(), three.storePath);
  const record = whole(folder.path);
  assert.equal(record.active?.path, three.storePath);
  assert.equal(record.bad.length, 1);
});

Deno.test("the state folder is read-only: hail knows what it knew, says so, and goes on", async (t) => {
  await using world = await World.make("trixie");
  const one = await world.release({ version: "1.0" });
  assert.equal((await world.oneshot()).status, 0);
  await world.release({ version: "2.0", activate: BROKEN });
  assert.equal((await world.oneshot()).status, 14);
  const before = world.remembered();
  await using hail = start(world, onReadOnly(world.stateFolder));
  const folder = new MountedFolder(hail, world.stateFolder);

  await t.step("what was marked bad stays so", async () => {
    await hail.untilPrinted(/not deployed: build \d+; next poll/);
    assert.equal(await world.current(), one.storePath);
    assert.match(hail.stderr, /error: .*\.sqlite: .*(read-only|cannot be opened)/);
    assert.match(hail.stderr, /hail goes on in memory/);
    assert.doesNotMatch(hail.stderr, /version 2\.0/);
  });
  await t.step("a deployment", async () => {
    const three = await world.release({ version: "3.0" });
    await poll(hail, IDLE);
    assert.equal(await world.current(), three.storePath);
    assert.deepEqual(world.remembered().transitions, before.transitions, "nothing was written");
  });
  await t.step("it can be written again: nothing is missing in the history", async () => {
    await folder.remount("bind,rw");
    const four = await world.release({ version: "4.0" });
    await poll(hail, /the state can be written again/);
    await eventually("the end of the deployment", () => whole(world.stateFolder).state === "active");
    const record = whole(world.stateFolder);
    assert.equal(record.active?.path, four.storePath);
    assert.equal(record.bad.length, 1);
  });
});

Deno.test("two hails are started at once: one deploys, the other ends with 15", async () => {
  await using world = await World.make("trixie");
  const slow = `${ACTIVATE}sleep 1\n`;
  for (let round = 1; round <= 5; round++) {
    const release = await world.release({ version: `${round}.0`, activate: slow });
    const results = await Promise.all([world.oneshot(), world.oneshot(), world.oneshot()]);
    assert.deepEqual(results.map(({ status }) => status).toSorted((a, b) => a - b), [0, 15, 15]);
    for (const { status, stderr } of results) {
      if (status === 15) assert.match(stderr, /another hail|held/i);
    }
    const log = results.map(({ stderr }) => stderr).join("");
    assert.equal(log.split(`version ${round}.0`).length - 1, 1, "it was activated once");
    assert.equal(await world.current(), release.storePath);
    assert.equal(whole(world.stateFolder).active?.path, release.storePath);
  }
});

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: the disk of the profiles is full while hail switches`, async (t) => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0" });
    await using hail = start(world, onSmallDisk(PROFILES, "nr_inodes=60"));
    const folder = new MountedFolder(hail, PROFILES);
    await hail.untilPrinted(IDLE);
    const current = async () => {
      const generation = await Deno.readLink(`${folder.path}/${world.service}`);
      return await Deno.readLink(`${folder.path}/${generation}`);
    };
    assert.equal(await current(), one.storePath);
    let version = 1;
    let before: string = one.storePath;
    const cameTo: string[] = [];
    for (const free of [0, 1, 2, 3, 4]) {
      await t.step(`with room for ${free} more links`, async () => {
        await folder.fillInodes(free);
        const release = await world.release({ version: `${++version}.0` });
        await poll(hail, /next poll|Next try in/);
        const now = await current();
        assert.ok(now === before || now === release.storePath, "the profile leads to one of both");
        cameTo.push(now === before ? "stayed" : "switched");
        if (now === before) assert.match(hail.tail(), /No space left on device|the disk is full/i);
        await folder.free();
        if (now === before) await poll(hail, IDLE);
        assert.equal(await current(), release.storePath);
        assert.doesNotMatch(hail.stderr, /marked bad/);
        before = release.storePath;
        const record = whole(world.stateFolder);
        assert.deepEqual([record.state, record.active?.path], ["active", release.storePath]);
        assert.deepEqual(record.bad, []);
      });
    }
    assert.equal(cameTo[0], "stayed");
    assert.equal(cameTo.at(-1), "switched");
  });
}

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: the disk of the store gets full while hail realises: it tries again`, async (t) => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0" });
    await using hail = start(world, onSmallDisk("/nix/store", "size=80m"));
    const store = new MountedFolder(hail, "/nix/store");
    await hail.untilPrinted(IDLE);
    // Another cache on the same folder, in which something happens before it hands out an archive.
    let before = () => Promise.resolve();
    await using cache = new HttpServer(async ({ target }) => {
      if (target.startsWith("/nar/")) await before();
      const body = await Deno.readFile(world.samples.cacheFolder + target).catch(() => null);
      return body === null ? { status: 404 } : { status: 200, body };
    });
    await world.configure({ substituters: [cache.origin] });
    const two = await world.release({ version: "2.0", payloadBytes: 8_000_000 });

    await t.step("another program takes up the room that there was", async () => {
      before = () => store.fill();
      await poll(hail, /Next try in/);
      assert.match(hail.stderr, /: the disk is full/);
      assert.equal(await world.current(), one.storePath);
      const record = whole(world.stateFolder);
      assert.deepEqual([record.state, record.bad], ["waiting", []]);
    });
    await t.step("there is room again", async () => {
      before = () => Promise.resolve();
      await store.free();
      await poll(hail, IDLE);
      assert.equal(await world.current(), two.storePath);
      assert.equal(whole(world.stateFolder).active?.path, two.storePath);
    });
  });
}

Deno.test("health that flaps: hail goes back; a dip that passes is no reason to", async (t) => {
  await using world = await World.make("trixie");
  const counter = `${world.tree.folder}/looks`;
  // The number of a look decides whether it finds the service well.
  const check = (well: string) => ({
    "bin/health-check": {
      text: `#!/bin/sh
look=$(($(cat ${counter} 2>/dev/null || echo 0) + 1))
echo $look >${counter}
${well} || {
  echo "look $look: no answer"
  exit 1
}
`,
      executable: true,
    },
  });
  const options = ["--health-timeout", "5s", "--soak-time", "3s"];
  const one = await world.release({ version: "1.0" });
  assert.equal((await world.oneshot(options)).status, 0);

  await t.step("every other look fails", async () => {
    const two = await world.release({ version: "2.0", files: check("[ $((look % 2)) = 1 ]") });
    const { status, stderr } = await world.oneshot(options);
    assert.equal(status, 16, stderr);
    assert.equal(await world.current(), one.storePath);
    assert.match(stderr, /build \d+: .*bin\/health-check.*look \d+: no answer.*; rolled back to .*-web-1\.0/);
    const [bad, more] = world.remembered().record.bad;
    assert.deepEqual([bad?.path, bad?.step, more], [two.storePath, "health", undefined]);
  });
  await t.step("one look fails", async () => {
    await Deno.remove(counter);
    const three = await world.release({ version: "3.0", files: check("[ $look != 2 ]") });
    const { status, stderr } = await world.oneshot(options);
    assert.equal(status, 0, stderr);
    assert.equal(await world.current(), three.storePath);
    assert.match(stderr, /warning: .*look 2: no answer/);
    assert.match(stderr, /healthy after .*, held for/);
  });
});

Deno.test("an activation that forks away: hail does not wait for the daemon, and lets it live", async () => {
  await using world = await World.make("trixie");
  const file = `${world.tree.folder}/daemon`;
  // It keeps the output of the activation open, as daemons of a careless kind do.
  await world.release({
    version: "1.0",
    activate: `${ACTIVATE}setsid sh -c 'echo $$ >${file}; exec sleep 300' &\n`,
  });
  const begun = performance.now();
  assert.equal((await world.oneshot()).status, 0);
  assert.ok(performance.now() - begun < 20_000);
  const pid = Number(await Deno.readTextFile(file));
  try {
    await world.release({ version: "2.0", activate: BROKEN });
    await Deno.writeTextFile(file, "");
    assert.equal((await world.oneshot()).status, 14);
    const later = Number(await Deno.readTextFile(file));
    assert.notEqual(later, pid, "the version before was activated again");
    Deno.kill(later, "SIGKILL");
  } finally {
    Deno.kill(pid, "SIGKILL");
  }
});

Deno.test("an activation that kills hail: the next hail goes on", async () => {
  await using world = await World.make("trixie");
  await world.release({ version: "1.0" });
  assert.equal((await world.oneshot()).status, 0);
  const marks = `${world.tree.folder}/marks`;
  const two = await world.release({
    version: "2.0",
    activate: `${ACTIVATE}echo begun >>${marks}
[ "$(grep -c begun ${marks})" -gt 2 ] || kill -KILL $PPID
sleep 1
echo ended >>${marks}
`,
  });
  for (let death = 1; death <= 2; death++) {
    const { status, stderr } = await world.oneshot();
    assert.equal(status, 128 + 9, stderr);
    assert.equal(world.remembered().record.state, "activating");
  }
  const { status, stderr } = await world.oneshot();
  assert.equal(status, 0, stderr);
  assert.match(stderr, /was cut off while activating; it goes on/);
  assert.equal(await world.current(), two.storePath);
  // Never two at once.
  assert.equal(await Deno.readTextFile(marks), "begun\nended\n".repeat(3));
  assert.equal(whole(world.stateFolder).active?.path, two.storePath);
});

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: a nix-env that was killed in the middle leaves nothing that hinders hail`, async () => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0", activate: BROKEN });
    // What it leaves between symlink(2) and rename(2). Nix itself takes the name for that of generation 1.
    const folder = world.tree.outside(PROFILES);
    await Deno.mkdir(folder, { recursive: true });
    await Deno.symlink(one.storePath, `${folder}/web-1-link.tmp-4711-1`);
    assert.equal((await world.oneshot()).status, 14);
    assert.equal(await world.current(), null);
    const two = await world.release({ version: "2.0" });
    assert.equal((await world.oneshot()).status, 0);
    assert.equal(await world.current(), two.storePath);
    assert.match(await Deno.readLink(`${folder}/web`), /^web-[0-9]+-link$/);
  });
}
