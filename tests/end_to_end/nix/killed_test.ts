import assert from "node:assert/strict";
import { NIX_SUITES } from "../../support/nix_tree.ts";
import { World } from "./world.ts";

// Each point is a program that hail starts, and whether hail is killed before or after the program's work.
const POINTS = [
  ["nix-store", "before"],
  ["nix-store", "after"],
  ["nix-env", "before"],
  ["nix-env", "after"],
] as const;

/** A stand-in for a program of Nix, first on PATH, that kills hail, its parent, at a point of the program's work. */
function killer(program: string, when: "before" | "after"): string {
  const work = `PATH=\${PATH#*:} ${program} "$@"`;
  // A question is no work.
  const kill = 'case " $* " in *" --dry-run "*) ;; *) kill -9 $PPID ;; esac';
  return ["#!/bin/sh", ...(when === "before" ? [kill, work] : [work, kill]), ""].join("\n");
}

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: a hail that is killed by a program that it has started goes on at its next start`, async (t) => {
    await using world = await World.make(suite);
    await world.release({ version: "0" });
    assert.equal((await world.oneshot()).status, 0);

    for (const [index, [program, when]] of POINTS.entries()) {
      await t.step(`killed ${when} ${program}`, async () => {
        const folder = `${world.tree.folder}/kill-${index}`;
        await Deno.mkdir(folder);
        await Deno.writeTextFile(`${folder}/${program}`, killer(program, when), { mode: 0o755 });
        const before = await world.current();
        const profile = await world.release({ version: `1.${index}` });
        const killed = await world.oneshot([], { env: { PATH: `${folder}:${world.tree.env["PATH"]}` } });
        assert.equal(killed.status, 137, killed.stderr);
        const between = await world.current();
        assert.ok(
          between === before || between === profile.storePath,
          "the profile is the old or the new one",
        );
        // A collection takes nothing that the next start needs. (Where nix-store was killed with hail's own word
        // still missing, nothing is there to be kept.)
        await world.tree.run(["nix-store", "--gc"]);
        const asked = world.cache.requests.length;
        const next = await world.oneshot();
        if (program === "nix-env" || when === "after") {
          assert.equal(world.cache.requests.length, asked, "nothing has to be fetched again");
        }
        assert.equal(next.status, 0, next.stderr);
        assert.equal(await world.current(), profile.storePath);
        assert.match(next.stderr, new RegExp(`^.*version 1\\.${index}$`, "m"), "and it was activated");
        assert.ok(!(await world.profileFolder()).includes(".web.hail-root"), "the root was cleaned away");
      });
    }

    await t.step("killed during the activation, which is run again", async () => {
      const marker = `${world.tree.folder}/killed-once`;
      const profile = await world.release({
        version: "2.0",
        activate:
          `#!/bin/sh\n[ -e ${marker} ] && echo activated again && exit 0\n: >${marker}\nkill -9 $PPID\n`,
      });
      assert.equal((await world.oneshot()).status, 137);
      const next = await world.oneshot();
      assert.equal(next.status, 0, next.stderr);
      assert.match(next.stderr, /activated again/);
      assert.equal(await world.current(), profile.storePath);
    });

    await t.step("a root that a killed hail left behind is taken over", async () => {
      const root = world.tree.outside("/nix/var/nix/profiles/hail-profiles/.web.hail-root");
      await Deno.symlink("/nix/store/00000000000000000000000000000000-gone", root);
      const profile = await world.release({ version: "3.0" });
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.equal(await world.current(), profile.storePath);
    });
  });
}
