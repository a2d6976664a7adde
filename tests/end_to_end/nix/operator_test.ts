import assert from "node:assert/strict";
import { NIX_SUITES } from "../../support/nix_tree.ts";
import { World } from "./world.ts";

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: hail does what the operator says, whether it runs or not`, async (t) => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0" });
    assert.equal((await world.oneshot()).status, 0);
    const two = await world.release({ version: "2.0" });
    assert.equal((await world.oneshot()).status, 0);
    const says = async (words: string[], pattern: RegExp) => {
      const { status, stdout, stderr } = await world.operator(words);
      assert.equal(status, 0, `${words}\n${stdout}${stderr}`);
      assert.match(stdout, pattern);
    };
    const state = () => world.remembered().record.state;

    await t.step("check: it says what a poll would do, and does nothing of it", async () => {
      const next = await world.release({ version: "2.5" });
      const { status, stdout, stderr } = await world.operator(["check", "--json"]);
      assert.equal(status, 0, stderr);
      const { verdict, latest, preview } = JSON.parse(stdout);
      assert.equal(verdict.do, "deploy");
      assert.equal(latest.path, next.storePath);
      assert.equal(preview.note, null);
      assert.equal(preview.enough, true);
      assert.equal(preview.paths_to_fetch, 2);
      const names = (changes: readonly { name: string }[]) => changes.map(({ name }) => name);
      assert.deepEqual(names(preview.difference.changed), ["web", "web-payload"], stdout);
      assert.deepEqual([...names(preview.difference.added), ...names(preview.difference.removed)], []);
      await says(["check"], /would be deployed[^]*web +2\.0 -> 2\.5/);
      assert.equal(await world.current(), two.storePath);
      const valid = await world.tree.run(["nix-store", "--check-validity", next.storePath], {
        mayFail: true,
      });
      assert.notEqual(valid.status, 0, "nothing was fetched");
    });

    await t.step("paused: nothing new is deployed, with 18 and the reason", async () => {
      await says(["pause", "--reason", "audit week"], /paused since/);
      await world.release({ version: "3.0" });
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 18, stderr);
      assert.match(
        stderr,
        /is not deployed: deployments are paused since .*: audit week\. Say `hail resume`/,
      );
      assert.equal(await world.current(), two.storePath);
      assert.equal(state(), "held");
    });

    await t.step("a roll-back is done all the same, to where it is told", async () => {
      await says(["rollback", "--to", "1"], /the profile is back at .*-web-1\.0; .* is marked bad/);
      assert.equal(await world.current(), one.storePath);
      assert.equal(state(), "rolled-back");
    });

    await t.step("resumed: the latest build is deployed, since it is not the one that was left", async () => {
      await says(["resume"], /the pause since .* is over/);
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.match(await world.current() ?? "", /-web-3\.0$/);
    });

    await t.step("while hail runs: pause, poll, rollback, retry", async () => {
      await using hail = world.start();
      await hail.untilPrinted(/nothing new/);
      await says(["pause", "--for", "1h"], /paused since .* until/);
      const four = await world.release({ version: "4.0" });
      await says(["poll"], /./);
      await hail.untilPrinted(/is not deployed: deployments are paused/);
      await says(["resume"], /is over/);
      await hail.untilPrinted(new RegExp(`version 4\\.0[^]*nothing new at build ${four.id}`));
      await says(["rollback"], /the profile is back at .*-web-3\.0/);
      assert.match(await world.current() ?? "", /-web-3\.0$/);
      await hail.untilPrinted(/is not deployed: it was rolled back from/);
      await says(["retry"], /is not marked bad any more/);
      await hail.untilPrinted(
        new RegExp(`rolled back from[^]*version 4\\.0[^]*nothing new at build ${four.id}`),
      );
      const { status, stdout } = await world.operator(["status", "--json"]);
      assert.equal(status, 0, stdout);
      assert.ok(stdout.includes(four.storePath), stdout);
      hail.kill("SIGTERM");
      assert.equal((await hail.finish()).status, 0);
      assert.equal(await world.current(), four.storePath);
    });
  });
}
