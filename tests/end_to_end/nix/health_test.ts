import assert from "node:assert/strict";
import { NIX_SUITES } from "../../support/nix_tree.ts";
import { ACTIVATE, World } from "./world.ts";

/** A `bin/health-check`. */
const shipped = (text: string) => ({
  "bin/health-check": { text: `#!/bin/sh\n${text}\n`, executable: true },
});

/**
 * A program that behaves to each version of the service as its number says: `good`; `flapping`, well every other time;
 * `dying`, well once only.
 */
const CHECKER = `#!/bin/sh
count="$0-$(cat "$HAIL_STORE_PATH/version")"
echo >>"$count"
case $(cat "$HAIL_STORE_PATH/version"):$(wc -l <"$count") in
  flapping:*[02468]) echo "out of memory"; exit 1 ;;
  dying:1) ;;
  dying:*) echo "out of memory"; exit 1 ;;
esac
`;

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: hail goes back when a version is not well`, async (t) => {
    await using world = await World.make(suite);
    const checker = `${world.tree.folder}/checker`;
    await Deno.writeTextFile(checker, CHECKER, { mode: 0o755 });
    const one = await world.release({ version: "good", files: shipped("exit 0") });
    assert.equal((await world.oneshot(["--soak-time", "0s"])).status, 0);

    await t.step("by the check that it ships, with 16", async () => {
      const two = await world.release({ version: "2.0", files: shipped("echo no table; exit 1") });
      const { status, stderr } = await world.oneshot(["--soak-time", "0s", "--health-timeout", "1s"]);
      assert.equal(status, 16, stderr);
      assert.match(stderr, /version 2\.0[^]*rolling back[^]*version good/);
      assert.match(stderr, /bin\/health-check.*never passed.*rolled back to .*-web-good/);
      assert.equal(await world.current(), one.storePath);
      const [bad] = world.remembered().record.bad;
      assert.equal(bad?.path, two.storePath);
      assert.equal(bad?.step, "health");
      const again = await world.oneshot(["--soak-time", "0s"]);
      assert.equal(again.status, 18, again.stderr);
      assert.match(again.stderr, /is not deployed: its health failed at/);
    });

    await t.step("by one that fails while it is to hold", async () => {
      await world.release({ version: "dying" });
      const { status, stderr } = await world.oneshot([
        ...["--soak-time", "3s", "--health-timeout", "10s"],
        ...["--health-check", `exec ${checker} interval=1s threshold=1`],
      ]);
      assert.equal(status, 16, stderr);
      assert.match(stderr, /it failed after it had passed.*rolled back to .*-web-good/);
      assert.match(stderr, /healthy after .*, held for 3(\.\d+)?s/, "the version before holds");
      assert.equal(await world.current(), one.storePath);
    });

    await t.step("by one that flaps", async () => {
      await world.release({ version: "flapping" });
      const { status, stderr } = await world.oneshot([
        ...["--soak-time", "2s", "--health-timeout", "4s"],
        ...["--health-check", `exec ${checker} interval=1s threshold=2`],
      ]);
      assert.equal(status, 16, stderr);
      assert.match(stderr, /it flapped.*rolled back to .*-web-good/);
      assert.equal(await world.current(), one.storePath);
    });

    await t.step("an advisory check changes nothing, but is told of", async () => {
      const three = await world.release({ version: "3.0" });
      const { status, stderr } = await world.oneshot([
        ...["--soak-time", "0s", "--health-check", `exec ${checker} interval=1s`],
        ...["--health-check", "tcp 127.0.0.1:1 name=port interval=1s advisory"],
      ]);
      assert.equal(status, 0, stderr);
      assert.match(stderr, /warning: advisory health check 'port' fails/);
      assert.equal(await world.current(), three.storePath);
    });

    await t.step("a version before that is not well either is a roll-back that failed, with 17", async () => {
      await world.release({ version: "4.0", activate: `${ACTIVATE}exit 1\n` });
      const check = ["--health-check", `exec ${checker}-gone interval=1s`];
      const { status, stderr } = await world.oneshot([
        "--soak-time",
        "0s",
        "--health-timeout",
        "1s",
        ...check,
      ]);
      assert.equal(status, 17, stderr);
      assert.equal((await world.oneshot(["--soak-time", "0s"])).status, 18, "it is well without that check");
    });
  });

  Deno.test(`${suite}: hail goes back when it cannot reach Hydra any more`, async (t) => {
    await using world = await World.make(suite);
    const options = ["--confirm-hydra", "--confirm-timeout", "7s", "--request-timeout", "1s"];
    /** Hydra is gone from the moment on at which hail knows the latest build, for so many milliseconds. */
    const breaksFor = (time: number) => {
      const gone = Promise.withResolvers<void>();
      world.hydra.onRequest = ({ path }) => {
        if (!path.startsWith("/build/")) return;
        world.hydra.onRequest = null;
        world.hydra.fault = "hang";
        setTimeout(() => {
          world.hydra.fault = null;
          gone.resolve();
        }, time);
      };
      return gone.promise;
    };
    const one = await world.release({ version: "1.0" });
    assert.equal((await world.oneshot(options)).status, 0);

    await t.step("one that is slow to come back is waited for", async () => {
      const two = await world.release({ version: "2.0" });
      const back = breaksFor(2_500);
      const { status, stderr } = await world.oneshot(options);
      await back;
      assert.equal(status, 0, stderr);
      assert.match(stderr, /Hydra still answers \(after/);
      assert.equal(await world.current(), two.storePath);
      world.announce(one, one.id);
      assert.equal((await world.oneshot(options)).status, 0);
    });

    await t.step("one that stays away means 16", async () => {
      const three = await world.release({ version: "3.0" });
      const back = breaksFor(11_000);
      const { status, stderr } = await world.oneshot(options);
      assert.equal(status, 16, stderr);
      assert.match(
        stderr,
        /it answered before the activation, but not within 7s.*rolled back to .*-web-1\.0/,
      );
      assert.equal(await world.current(), one.storePath);
      const { record } = world.remembered();
      assert.deepEqual(record.bad.map(({ path, step }) => [path, step]), [[three.storePath, "confirmation"]]);
      await back;
      assert.equal((await world.oneshot(options)).status, 18);
    });

    await t.step("one that was away before is no fault of the build that runs", async () => {
      world.hydra.fault = "database-down";
      const { status, stderr } = await world.oneshot(options);
      assert.equal(status, 10, stderr);
      assert.equal(await world.current(), one.storePath);
      assert.equal(world.remembered().record.active?.path, one.storePath);
    });
  });
}
