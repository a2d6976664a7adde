import assert from "node:assert/strict";
import { NIX_SUITES } from "../../support/nix_tree.ts";
import { ACTIVATE, World } from "./world.ts";

const BROKEN = `${ACTIVATE}echo "no database" >&2\nexit 3\n`;

/** The versions whose activation was begun, in order. */
const activated = (log: string) =>
  [...log.matchAll(/^(?:\S+ )?version (\S+)$/gm)].map(([, version]) => version);

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: hail goes back to what was active when an activation fails`, async (t) => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0" });
    assert.equal((await world.oneshot()).status, 0);
    const other = await world.samples.build({ version: "other", activate: ACTIVATE });
    // Whoever goes back by number comes to this one.
    await world.byHand("--set", other.storePath);
    await world.byHand("--switch-generation", "1");
    const two = await world.release({ version: "2.0", activate: BROKEN });

    await t.step("to the path that was active, not to the generation before, and with 14", async () => {
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 14, stderr);
      assert.equal(await world.current(), one.storePath);
      assert.deepEqual(activated(stderr), ["1.0", "2.0", "1.0"], stderr);
      assert.match(stderr, /no database/);
      const back = stderr.slice(stderr.lastIndexOf("version 1.0"));
      assert.ok(back.includes(`HAIL_STORE_PATH=${one.storePath}`), stderr);
      assert.ok(back.includes(`HAIL_PREVIOUS_STORE_PATH=${two.storePath}`), stderr);
      assert.ok(back.includes(`HAIL_BUILD_ID=${one.id}`), stderr);
      assert.match(back, /build \d+: .*it ended with status 3; rolled back to \/nix\/store\/.*-web-1\.0/);
    });

    await t.step("the build is remembered with its path, id, step and reason", () => {
      const { record, deployments } = world.remembered();
      const [{ path, buildId, step, reason } = {}] = record.bad;
      assert.deepEqual({ path, buildId, step }, { path: two.storePath, buildId: two.id, step: "activation" });
      assert.match(reason ?? "", /it ended with status 3/);
      assert.equal(record.bad.length, 1);
      assert.equal(record.active?.path, one.storePath);
      assert.equal(deployments.at(-1)?.outcome, "rolled-back");
    });

    await t.step("it is not tried again, which ends with 18 and says why and what to do", async () => {
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 18, stderr);
      assert.deepEqual(activated(stderr), ["1.0"]);
      assert.match(stderr, /is not deployed: its activation failed at .*status 3.*say `hail retry`/);
      assert.equal(await world.current(), one.storePath);
    });

    await t.step("the same path under a new number is no other build", async () => {
      world.announce(two);
      assert.equal((await world.oneshot()).status, 18);
      assert.equal(await world.current(), one.storePath);
    });

    await t.step("`hail retry` has it tried once more", async () => {
      const { status, stdout } = await world.operator(["retry"]);
      assert.equal(status, 0);
      assert.match(stdout, /is not marked bad any more/);
      const tried = await world.oneshot();
      assert.equal(tried.status, 14, tried.stderr);
      assert.deepEqual(activated(tried.stderr), ["1.0", "2.0", "1.0"]);
    });

    await t.step("and another build is deployed", async () => {
      const three = await world.release({ version: "3.0" });
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.equal(await world.current(), three.storePath);
    });
  });

  Deno.test(`${suite}: hail takes back a first deployment that fails`, async (t) => {
    await using world = await World.make(suite);
    const deactivate = '#!/bin/sh\necho "deactivate $(cat "$HAIL_PROFILE/version") $HAIL_STORE_PATH"\n';

    await t.step("bin/deactivate runs, and the profile is gone as it was before", async () => {
      const files = { "bin/deactivate": { text: deactivate, executable: true } };
      const one = await world.release({ version: "1.0", activate: BROKEN, files });
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 14, stderr);
      assert.ok(stderr.includes(`deactivate 1.0 ${one.storePath}`), stderr);
      assert.match(stderr, /it was taken back, and the profile is gone/);
      assert.deepEqual(await world.profileFolder(), [".web.hail-lock"]);
      assert.equal(world.remembered().record.active, null);
    });

    await t.step("it is not tried again", async () => {
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 18, stderr);
      assert.deepEqual(activated(stderr), []);
      assert.deepEqual(await world.profileFolder(), [".web.hail-lock"]);
    });

    await t.step("also where bin/deactivate fails, or is not there", async () => {
      const files = { "bin/deactivate": { text: "#!/bin/sh\nexit 7\n", executable: true } };
      for (const sample of [{ version: "2.0", files }, { version: "3.0" }]) {
        await world.release({ ...sample, activate: BROKEN });
        const { status, stderr } = await world.oneshot();
        assert.equal(status, 14, stderr);
        assert.deepEqual(await world.profileFolder(), [".web.hail-lock"]);
      }
    });

    await t.step("and the next build is the first one", async () => {
      const four = await world.release({ version: "4.0" });
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.ok(stderr.includes("HAIL_PREVIOUS_STORE_PATH=\n"), stderr);
      assert.equal(await world.current(), four.storePath);
      assert.deepEqual(await world.profileFolder(), [".web.hail-lock", "web", "web-1-link"]);
    });
  });

  Deno.test(`${suite}: hail is loud about a roll-back that fails, and tries it until it succeeds`, async (t) => {
    await using world = await World.make(suite);
    const flag = `${world.tree.folder}/spoilt`;
    const one = await world.release({ version: "1.0", activate: `${ACTIVATE}[ ! -e ${flag} ] || exit 5\n` });
    assert.equal((await world.oneshot()).status, 0);
    await world.release({ version: "2.0", activate: `${ACTIVATE}touch ${flag}\nexit 3\n` });

    await t.step("with 17", async () => {
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 17, stderr);
      assert.match(
        stderr,
        /status 3; the roll-back to .*-web-1\.0 failed: .*status 5\. The service may be down/,
      );
      assert.equal(world.remembered().record.state, "failed");
      assert.equal(await world.current(), one.storePath, "the profile is right at least");
    });

    await t.step("the roll-back is tried again, and never the build", async () => {
      const { record: { deployments } } = world.remembered();
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 17, stderr);
      assert.deepEqual(activated(stderr), ["1.0"]);
      assert.equal(world.remembered().record.deployments, deployments, "it is the same deployment");
    });

    await t.step("a hail that runs on backs off, and succeeds as soon as it can", async () => {
      await using hail = world.start();
      await hail.untilPrinted(/Next try in/);
      assert.deepEqual(activated(hail.stderr), ["1.0"], "not twice in one breath");
      await Deno.remove(flag);
      hail.kill("SIGHUP");
      await hail.untilPrinted(/rolled back to .*-web-1\.0/);
      await hail.untilPrinted(/not deployed: build/);
      assert.deepEqual(activated(hail.stderr), ["1.0", "1.0"]);
      hail.kill("SIGTERM");
      assert.equal((await hail.finish()).status, 0);
      const { record } = world.remembered();
      assert.equal(record.state, "rolled-back");
      assert.equal(record.active?.path, one.storePath);
      assert.equal(record.failures, 0);
    });
  });

  Deno.test(`${suite}: hail tells a degraded activation from one that failed`, async () => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0", activate: `${ACTIVATE}exit 4\n` });
    const { status, stderr } = await world.oneshot(["--activation-degraded-status", "4"]);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /warning: activated .*, degraded/);
    assert.equal(await world.current(), one.storePath);
    assert.equal(world.remembered().record.active?.degraded, true);
    await world.release({ version: "2.0", activate: `${ACTIVATE}exit 4\n` });
    assert.equal(
      (await world.oneshot(["--activation-degraded-status", "5,6"])).status,
      17,
      "for both of them",
    );
  });

  Deno.test(`${suite}: hail follows Hydra backwards, but not to a bad build, nor against its orders`, async (t) => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0" });
    assert.equal((await world.oneshot()).status, 0);
    const two = await world.release({ version: "2.0" });
    assert.equal((await world.oneshot()).status, 0);

    await t.step("--refuse-downgrade refuses, with 18", async () => {
      world.announce(one, one.id);
      const { status, stderr } = await world.oneshot(["--refuse-downgrade"]);
      assert.equal(status, 18, stderr);
      assert.match(stderr, /it is older than build \d+, which is active, and refuse-downgrade is set/);
      assert.equal(await world.current(), two.storePath);
    });
    await t.step("without it Hydra is followed, with a warning", async () => {
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.equal(await world.current(), one.storePath);
    });
    await t.step("but not to a build that is marked bad", async () => {
      world.announce(two, two.id);
      assert.equal((await world.oneshot()).status, 0);
      assert.equal((await world.operator(["rollback"])).status, 0);
      const three = await world.release({ version: "3.0" });
      assert.equal((await world.oneshot()).status, 0);
      world.announce(two, two.id);
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 18, stderr);
      assert.match(stderr, /moved back from \d+ to \d+[^]*it was rolled back from at/);
      assert.equal(await world.current(), three.storePath);
    });
  });
}
