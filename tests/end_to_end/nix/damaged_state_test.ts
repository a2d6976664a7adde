import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { findServices } from "../../../lib/journal/read.ts";
import type { SampleProfile } from "../../support/sample_profile.ts";
import { Numbers } from "../../support/random/numbers.ts";
import { type CommandResult, eventually } from "../../support/command.ts";
import { ACTIVATE, World } from "./world.ts";

/** How often each kind of damage is done. */
const TIMES = 6;

// To repeat a run: HAIL_RANDOM_SEED, as it stands in the message of a failure.
const seed = Number(Deno.env.get("HAIL_RANDOM_SEED") ?? Math.floor(Math.random() * 2 ** 32));
const numbers = new Numbers(seed);

/** The database of the service. */
function databaseOf(world: World): string {
  const [file] = findServices(world.stateFolder);
  assert.ok(file !== undefined);
  return file;
}

/** The files that were moved aside, with what is in them. */
async function aside(world: World): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for await (const { name } of Deno.readDir(world.stateFolder)) {
    if (/\.sqlite\.damaged-[0-9TZ]+(-[0-9]+)?$/.test(name)) {
      found.set(name, await Deno.readFile(`${world.stateFolder}/${name}`));
    }
  }
  return found;
}

/** Two versions that Hydra names in turn, so that there is always something to deploy. */
async function alternate(world: World): Promise<() => SampleProfile> {
  const versions = [await world.release({ version: "1.0" }), await world.release({ version: "2.0" })];
  let turn = 0;
  return () => {
    const version = versions[turn++ % 2];
    assert.ok(version !== undefined);
    world.announce(version);
    return version;
  };
}

/** Lets Hydra have another build, and hail deploy it: whatever there was, hail comes to it, and its state is whole. */
async function recovers(world: World, next: () => SampleProfile, what: string): Promise<CommandResult> {
  const release = next();
  const result = await world.oneshot();
  const told = `${what} (seed ${seed})\n${result.stderr}`;
  assert.equal(result.status, 0, told);
  assert.equal(await world.current(), release.storePath, told);
  const { record, transitions, deployments } = world.remembered();
  assert.equal(record.state, "active", told);
  assert.equal(record.active?.path, release.storePath, told);
  assert.equal(record.deployments, deployments.at(-1)?.id, told);
  assert.equal(transitions.at(-1)?.to, "active", told);
  return result;
}

Deno.test("a database that was cut short at a random byte is kept aside, and hail goes on", async () => {
  await using world = await World.make("trixie");
  const next = await alternate(world);
  await recovers(world, next, "nothing is wrong");
  for (let time = 1; time <= TIMES; time++) {
    const file = databaseOf(world);
    const bytes = await Deno.readFile(file);
    const length = time === 1 ? 0 : numbers.below(bytes.length);
    await Deno.truncate(file, length);
    const before = await aside(world);
    const what = `cut at ${length} of ${bytes.length}`;
    const { stderr } = await recovers(world, next, what);
    const [moved, more] = [...await aside(world)].filter(([name]) => !before.has(name));
    assert.ok(moved !== undefined && more === undefined, `${what} (seed ${seed})\n${stderr}`);
    assert.deepEqual(moved[1], bytes.slice(0, length), "what is kept is what was there");
    assert.match(stderr, /error: .*\.sqlite: .*It was moved to .*\.damaged-.* and a new one is begun/);
    assert.match(
      stderr,
      /from what the profile shows; what was marked bad, a pause and the history are forgotten/,
    );
  }
});

Deno.test("a database with garbage in it is found out or does no harm", async () => {
  await using world = await World.make("trixie");
  const next = await alternate(world);
  await recovers(world, next, "nothing is wrong");
  let found = 0;
  for (let time = 1; time <= TIMES; time++) {
    const file = databaseOf(world);
    const bytes = await Deno.readFile(file);
    // Beyond the header, whose version says whether the database is of a newer hail; at last nothing but garbage.
    const from = time === TIMES ? 0 : 100 + numbers.below(bytes.length - 100);
    const length = Math.min(bytes.length - from, time === TIMES ? bytes.length : 1 + numbers.below(6_000));
    for (let at = from; at < from + length; at++) bytes[at] = numbers.below(256);
    await Deno.writeFile(file, bytes);
    const before = await aside(world);
    const what = `${length} bytes of garbage at ${from}`;
    const { stderr } = await recovers(world, next, what);
    const moved = [...await aside(world)].filter(([name]) => !before.has(name));
    if (moved.length > 0) {
      assert.deepEqual(moved.map(([, kept]) => kept), [bytes]);
      assert.match(stderr, /It was moved to .* and a new one is begun/);
      found++;
    }
  }
  assert.ok(found > 0);
});

Deno.test("a log of the database that was cut short or is full of garbage does no harm", async () => {
  await using world = await World.make("trixie");
  // New ones each time: a state of earlier times makes hail believe that somebody has left the version of that time.
  const versions: SampleProfile[] = [];
  for (let time = 0; time <= 2 * TIMES; time++) {
    versions.push(await world.samples.release({ activate: ACTIVATE, version: `${time}.0` }));
  }
  const next = () => {
    const version = versions.shift();
    assert.ok(version !== undefined);
    world.announce(version);
    return version;
  };
  await recovers(world, next, "nothing is wrong");
  for (let time = 1; time <= TIMES; time++) {
    const release = next();
    {
      await using hail = world.start();
      await eventually("the deployment", async () => await world.current() === release.storePath);
      hail.kill("SIGKILL");
      await hail.finish();
    }
    const log = `${databaseOf(world)}-wal`;
    const bytes = await Deno.readFile(log);
    const at = numbers.below(bytes.length);
    const garbage = numbers.chance(0.5);
    if (garbage) { for (let index = at; index < bytes.length; index++) bytes[index] = numbers.below(256); }
    await Deno.writeFile(log, garbage ? bytes : bytes.slice(0, at));
    await Deno.remove(`${databaseOf(world)}-shm`).catch(() => {});
    await recovers(world, next, `the log ${garbage ? "is garbage from" : "was cut at"} ${at}`);
  }
});

Deno.test("something else is in the place of the database: hail says so and deploys", async () => {
  await using world = await World.make("trixie");
  const next = await alternate(world);
  await recovers(world, next, "nothing is wrong");
  const file = databaseOf(world);
  await Deno.remove(file);
  await Deno.mkdir(file);
  const release = next();
  const { status, stderr } = await world.oneshot();
  assert.equal(status, 0, stderr);
  assert.equal(await world.current(), release.storePath);
  assert.match(stderr, /something other than a file is in its place\. hail goes on in memory/);
  assert.ok((await Deno.stat(file)).isDirectory);
  await Deno.remove(file);
  await recovers(world, next, "a folder was in its place");
});

Deno.test("a database that a newer hail has written is left alone, and nothing is deployed", async () => {
  await using world = await World.make("trixie");
  const one = await world.release({ version: "1.0" });
  assert.equal((await world.oneshot()).status, 0);
  const file = databaseOf(world);
  const database = new DatabaseSync(file);
  database.exec("PRAGMA user_version = 99");
  database.close();
  const bytes = await Deno.readFile(file);
  await world.release({ version: "2.0" });
  const { status, stderr } = await world.oneshot();
  assert.equal(status, 2);
  assert.match(stderr, /a newer hail has written it \(version 99; this hail knows \d+\)/);
  assert.match(stderr, /Use the newer hail, or name another state-dir/);
  assert.equal(await world.current(), one.storePath);
  assert.deepEqual(await Deno.readFile(file), bytes);
  assert.equal((await aside(world)).size, 0);
});
