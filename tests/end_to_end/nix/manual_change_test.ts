import assert from "node:assert/strict";
import { NIX_SUITES } from "../../support/nix_tree.ts";
import { ACTIVATE, World } from "./world.ts";

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: hail respects what somebody does to the profile`, async (t) => {
    await using world = await World.make(suite);
    const other = await world.samples.build({ version: "other", activate: ACTIVATE });
    let next = 1;
    /** Two more versions, of which the second one is active, and Hydra's latest. */
    const deployTwo = async () => {
      const deployed = [];
      for (let count = 0; count < 2; count++) {
        deployed.push(await world.release({ version: `${next++}.0` }));
        const { status, stderr } = await world.oneshot();
        assert.equal(status, 0, stderr);
      }
      const [before, latest] = deployed;
      assert.ok(before !== undefined && latest !== undefined);
      return { before, latest };
    };

    const generationOf = async (path: string): Promise<string> => {
      for (const name of await world.profileFolder()) {
        const number = /-([0-9]+)-link$/.exec(name)?.[1];
        if (number !== undefined && await world.tree.profile(`hail-profiles/${name}`) === path) return number;
      }
      throw new Error(`no generation leads to ${path}`);
    };

    for (const way of ["--rollback", "--set", "--switch-generation"] as const) {
      for (const runs of [false, true]) {
        await t.step(`nix-env ${way} while hail ${runs ? "runs" : "does not run"}`, async () => {
          const { before, latest } = await deployTwo();
          const chosen = way === "--set" ? other.storePath : before.storePath;
          const change = async () =>
            await world.byHand(
              way,
              ...(way === "--rollback" ? [] : [way === "--set" ? chosen : await generationOf(chosen)]),
            );
          if (runs) {
            await using hail = world.start();
            await hail.untilPrinted(/nothing new/);
            const begun = hail.stderr.length;
            await change();
            hail.kill("SIGHUP");
            await hail.untilPrinted(/not deployed: build/);
            const said = hail.stderr.slice(begun);
            assert.ok(said.includes(`was changed by somebody else and now points at ${chosen}`), said);
            assert.doesNotMatch(said, /activating/, "whoever changes it while hail runs activates it, too");
            hail.kill("SIGTERM");
            assert.equal((await hail.finish()).status, 0);
          } else await change();

          const { status, stderr } = await world.oneshot();
          assert.equal(status, 18, stderr);
          assert.match(stderr, /is not deployed: it was left at .*by hand.*say `hail retry`/);
          assert.equal(await world.current(), chosen);
          const { record, deployments } = world.remembered();
          assert.equal(record.active?.path, chosen);
          assert.equal(record.active.how, "by-hand");
          const mark = record.bad.find(({ path }) => path === latest.storePath);
          assert.equal(mark?.step, "by-hand");
          const change_ = deployments.findLast(({ kind }) => kind === "by-hand");
          assert.equal(change_?.target.path, chosen, "it stands in the history");
          assert.ok((change_?.begunAt ?? 0) > 0);
        });
      }
    }

    await t.step("a build that was left is not deployed again, but a newer one is", async () => {
      const newer = await world.release({ version: "newer" });
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.equal(await world.current(), newer.storePath);
    });

    await t.step("a profile that is removed is not made again for the same build", async () => {
      for (const name of await world.profileFolder()) {
        if (name.startsWith("web")) {
          await Deno.remove(world.tree.outside(`/nix/var/nix/profiles/hail-profiles/${name}`));
        }
      }
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 18, stderr);
      assert.match(stderr, /somebody else and now is gone/);
      assert.equal(await world.current(), null);
      const newest = await world.release({ version: "newest" });
      assert.equal((await world.oneshot()).status, 0);
      assert.equal(await world.current(), newest.storePath);
    });

    await t.step("whoever sets the profile to the latest build has done hail's work", async () => {
      const { storePath } = await world.release({ version: "forwards" });
      await world.tree.run(["nix-store", "--realise", storePath]);
      await world.byHand("--set", storePath);
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.equal(await world.current(), storePath);
    });
  });

  Deno.test(`${suite}: hail holds or ignores what somebody does to the profile, where it is told so`, async (t) => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0" });
    assert.equal((await world.oneshot()).status, 0);
    const two = await world.release({ version: "2.0" });
    assert.equal((await world.oneshot()).status, 0);
    const hold = ["--on-manual-change", "hold"];

    await t.step("hold: not even a newer build is deployed, with 18", async () => {
      await world.byHand("--rollback");
      assert.equal((await world.oneshot(hold)).status, 18);
      await world.release({ version: "3.0" });
      const { status, stderr } = await world.oneshot(hold);
      assert.equal(status, 18, stderr);
      assert.match(stderr, /is not deployed: the profile was changed by hand at .*Say `hail resume`/);
      assert.equal(await world.current(), one.storePath);
    });

    await t.step("until `hail resume`", async () => {
      const { status, stdout } = await world.operator(["resume"]);
      assert.equal(status, 0);
      assert.match(stdout, /the hold since .* is over/);
      const deployed = await world.oneshot(hold);
      assert.equal(deployed.status, 0, deployed.stderr);
      assert.match(await world.current() ?? "", /-web-3\.0$/);
    });

    await t.step("ignore: the latest build is deployed again", async () => {
      await world.byHand("--set", two.storePath);
      const { status, stderr } = await world.oneshot(["--on-manual-change", "ignore"]);
      assert.equal(status, 0, stderr);
      assert.match(await world.current() ?? "", /-web-3\.0$/);
      assert.deepEqual(world.remembered().record.bad.filter(({ path }) => path.endsWith("-web-3.0")), []);
    });
  });
}
