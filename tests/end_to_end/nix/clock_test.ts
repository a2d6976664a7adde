import assert from "node:assert/strict";
import { eventually } from "../../support/command.ts";
import { ACTIVATE, World } from "./world.ts";

/** It gives the program that it is loaded into another wall clock, and leaves the monotonic one alone. */
const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const HOUR = 3600;

/** A health check that always passes, so that the soak time is waited for. */
const WELL = { "bin/health-check": { text: "#!/bin/sh\nexit 0\n", executable: true } };

Deno.test("the wall clock jumps an hour forth and back while hail runs", async (t) => {
  await using world = await World.make("bookworm");
  const file = `${world.tree.folder}/clock`;
  let offset = 0;
  const jump = async (seconds: number) => {
    offset += seconds;
    await Deno.writeTextFile(`${file}.new`, `${offset < 0 ? "-" : "+"}${Math.abs(offset)}\n`);
    await Deno.rename(`${file}.new`, file);
  };
  await jump(0);
  const env = {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  let version = 1;
  const one = await world.release({ version: "1.0" });
  await using hail = world.tree.start(
    world.command(
      ...["--log-level", "debug", "--poll-period", "2s", "--soak-time", "3s", "--health-timeout", "20s"],
      ...["--activation-timeout", "20s", "--request-timeout", "20s"],
    ),
    { env },
  );
  /** Waits until hail has come to rest with a build, and gives the time that it took, in milliseconds. */
  const deployed = async (path: string): Promise<number> => {
    const begun = performance.now();
    await eventually("the deployment", () => {
      const { record } = world.remembered();
      return record.state === "active" && record.active?.path === path;
    }).catch((error) => {
      throw new Error(`${error}\n${hail.tail()}`);
    });
    return performance.now() - begun;
  };
  const hourOf = () => hail.stderr.trim().split("\n").at(-1)?.slice(0, 13);
  await eventually("the first deployment", async () => await world.current() === one.storePath);
  await deployed(one.storePath);

  for (const [name, seconds] of [["forth", HOUR], ["back", -HOUR], ["back once more", -HOUR]] as const) {
    await t.step(`${name}, while it waits for the next poll`, async () => {
      const before = hourOf();
      await jump(seconds);
      const release = await world.release({ version: `${++version}.0` });
      assert.ok(await deployed(release.storePath) < 15_000);
      assert.notEqual(hourOf(), before, "hail has seen the other time");
    });

    await t.step(`${name}, while an activation runs`, async () => {
      const release = await world.release({
        version: `${++version}.0`,
        activate: `${ACTIVATE}touch ${file}.activating\nsleep 2\n`,
      });
      await eventually("the activation", () => exists(`${file}.activating`));
      await jump(seconds);
      await Deno.remove(`${file}.activating`);
      assert.ok(await deployed(release.storePath) < 15_000);
    });

    await t.step(`${name}, while the soak time runs`, async () => {
      const release = await world.release({ version: `${++version}.0`, files: WELL });
      await eventually("the soak time", () => world.remembered().record.state === "verifying");
      await jump(seconds);
      const took = await deployed(release.storePath);
      assert.ok(took > 2_000 && took < 15_000, `it took ${took} ms`);
    });
  }

  await t.step("nothing was blamed on a build, and the history has no gap", () => {
    const { record, transitions, deployments } = world.remembered();
    assert.deepEqual(record.bad, []);
    assert.deepEqual(deployments.map(({ fault }) => fault).filter((fault) => fault !== null), []);
    assert.deepEqual(transitions.map(({ seq }) => seq), transitions.map((_, index) => index + 1));
    assert.equal(deployments.length, version);
    assert.doesNotMatch(hail.stderr, /error: /);
  });

  await t.step("a pause is until a time of the wall clock: a jump over its end ends it", async () => {
    assert.equal((await world.operator(["pause", "--for", "30m"], { env })).status, 0);
    const before = await world.current();
    const release = await world.release({ version: `${++version}.0` });
    await eventually("that it is held", () => world.remembered().record.state === "held");
    await jump(-HOUR);
    // Two polls and more.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    assert.equal(await world.current(), before);
    await jump(2 * HOUR);
    await deployed(release.storePath);
  });

  await t.step("the commands can tell of all this", async () => {
    for (const command of ["status", "history"]) {
      const { status, stderr } = await world.operator([command], { env });
      assert.equal(status, 0, stderr);
    }
  });
});

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
