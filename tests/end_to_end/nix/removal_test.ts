import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import type { ServiceRecord } from "../../../lib/deployment/record.ts";
import { Failure } from "../../../lib/failure/failure.ts";
import { readService } from "../../../lib/journal/read.ts";
import { databaseName } from "../../../lib/journal/state_folder.ts";
import { type CommandOptions, eventually, type RunningCommand } from "../../support/command.ts";
import { NIX_SUITES } from "../../support/nix_tree.ts";
import type { SampleVersion } from "../../support/sample_profile.ts";
import { World } from "./world.ts";

/** Where the profiles of an agent's services are, by their names. */
const PROFILES = "/nix/var/nix/profiles";

/** A `bin/deactivate` that writes down that it has run, and for which profile. */
const deactivates = (diary: string): Pick<SampleVersion, "files"> => ({
  files: {
    "bin/deactivate": {
      text: `#!/bin/sh\necho "$HAIL_PROFILE $(cat "$HAIL_STORE_PATH/version")" >>${diary}\necho bye\n`,
      executable: true,
    },
  },
});

async function lines(file: string): Promise<string[]> {
  return (await Deno.readTextFile(file).catch(() => "")).split("\n").filter((line) => line !== "");
}

/** What of these is in the store once the garbage collector has run. */
async function kept(world: World, paths: readonly string[]): Promise<string[]> {
  await world.tree.run(["nix-store", "--gc"]);
  return paths.filter((path) => existsSync(world.tree.outside(path)));
}

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: hail remove takes a service out, as far as it is told to`, async (t) => {
    await using world = await World.make(suite);
    const diary = `${world.tree.folder}/diary`;
    const data = `${world.tree.folder}/data`;
    await Deno.writeTextFile(data, "of the service");
    const one = await world.release({ version: "1.0", ...deactivates(diary) });
    assert.equal((await world.oneshot()).status, 0);
    const two = await world.release({ version: "2.0", ...deactivates(diary) });
    assert.equal((await world.oneshot()).status, 0);
    const paths = [one.storePath, one.payloadPath, two.storePath, two.payloadPath];
    const remove = (how: string, options: CommandOptions = {}) =>
      world.operator(["remove", "web", how], options);

    await t.step("not while a hail keeps it", async () => {
      await using hail = world.start();
      await hail.untilPrinted(/nothing new/);
      const { status, stderr } = await remove("--purge");
      assert.equal(status, 15, stderr);
      assert.match(stderr, /Stop the hail that keeps it/);
      hail.kill("SIGTERM");
      assert.equal((await hail.finish()).status, 0);
      assert.deepEqual(await lines(diary), []);
    });

    await t.step("--keep: it runs on", async () => {
      const { status, stdout, stderr } = await remove("--keep");
      assert.equal(status, 0, stderr);
      assert.match(stdout, /does not keep .*\/web any more; nothing is done to the service/);
      assert.equal(await world.current(), two.storePath);
      assert.deepEqual(await lines(diary), []);
      assert.deepEqual(await kept(world, paths), paths);
    });

    await t.step("--deactivate: bin/deactivate runs, the profile stays", async () => {
      const { status, stdout, stderr } = await remove("--deactivate");
      assert.equal(status, 0, stderr);
      assert.match(stdout, /its bin\/deactivate has run/);
      assert.match(stderr, /^bye$/m);
      assert.equal(await world.current(), two.storePath);
      assert.deepEqual(await lines(diary), [`${world.profile} 2.0`]);
      assert.deepEqual(await kept(world, paths), paths);
    });

    await t.step("a hail that is started on it afterwards activates it again", async () => {
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.match(stderr, /version 2\.0/);
      assert.equal(world.remembered().record.active?.path, two.storePath);
    });

    await t.step("--purge, killed again and again: it is finished by the next one", async () => {
      for (const point of ["removal noted", "removal deactivated", "removal unlinked"]) {
        const killed = await remove("--purge", { env: { HAIL_FAIL_POINT: point } });
        assert.equal(killed.status, 137, `${point}\n${killed.stderr}`);
      }
      // What was decided is remembered.
      const { status, stdout, stderr } = await world.operator(["remove", "web"]);
      assert.equal(status, 0, stderr);
      assert.match(stdout, /web is gone with its generations/);
      assert.deepEqual(await world.profileFolder(), [".web.hail-lock"]);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(world.stateFolder)), []);
      assert.deepEqual(await kept(world, paths), []);
      assert.deepEqual(await lines(diary), new Array(3).fill(`${world.profile} 2.0`));
      assert.equal(await Deno.readTextFile(data), "of the service");
    });

    await t.step("a service of the same name begins anew", async () => {
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stderr, /damaged/);
      assert.equal(await world.current(), two.storePath);
      assert.deepEqual(world.remembered().deployments.map(({ kind }) => kind), ["first"]);
    });

    await t.step("a bin/deactivate that fails does not keep it", async () => {
      const files = { "bin/deactivate": { text: "#!/bin/sh\nexit 3\n", executable: true } };
      const three = await world.release({ version: "3.0", files });
      assert.equal((await world.oneshot()).status, 0);
      const { status, stdout, stderr } = await remove("--purge");
      assert.equal(status, 0, stderr);
      assert.match(`${stdout}${stderr}`, /bin\/deactivate: it ended with status 3/);
      assert.match(stdout, /its bin\/deactivate has failed/);
      assert.deepEqual(await world.profileFolder(), [".web.hail-lock"]);
      assert.deepEqual(await kept(world, [...paths, three.storePath]), []);
    });
  });

  Deno.test(`${suite}: an agent takes out what its configuration names no more, and renames what has another name`, async (t) => {
    await using world = await World.make(suite);
    const agent = new Agent(world);
    const diary = `${world.tree.folder}/diary`;
    const release = async (name: string, version: string) => {
      const profile = await world.samples.release({
        name,
        version,
        activate: `#!/bin/sh\necho "$HAIL_PROFILE up at ${version}"\n`,
        ...deactivates(diary),
      });
      world.hydra.setLatest(`demo/main/${name}`, { id: ++agent.builds, path: profile.storePath });
      return profile;
    };
    const web = [await release("web", "1.0")];
    const api = await release("api", "1.0");
    const cms = await release("cms", "1.0");
    const others = {
      api: { job: "api", "on-removal": "deactivate" },
      cms: { job: "cms", "on-removal": "keep" },
    };
    await agent.configure({ web: { job: "web", "on-removal": "purge" }, ...others });
    {
      await using hail = agent.start();
      await agent.active(hail, "web", "api", "cms");
      web.push(await release("web", "2.0"));
      assert.equal((await agent.hail("poll", "web")).status, 0);
      await hail.untilPrinted(/profiles\/web up at 2\.0/);
      await agent.until("web is active", () => agent.record("web")?.active?.path === web[1]?.storePath);

      await t.step(
        "a reload with another name: it goes on where it was, and is not deactivated",
        async () => {
          const before = agent.stored("web");
          await agent.configure({
            shop: { job: "web", "on-removal": "purge", "renamed-from": "web" },
            ...others,
          });
          hail.kill("SIGHUP");
          await hail.untilPrinted(/shop up at 2\.0/);
          await agent.until("web is forgotten", () => agent.record("web") === null);
          const after = agent.stored("shop");
          const ids = before?.ids ?? [];
          assert.deepEqual(after?.ids.slice(-ids.length), ids);
          assert.deepEqual(after?.record.active?.buildId, before?.record.active?.buildId);
          assert.equal(after?.record.previous?.path, web[0]?.storePath);
          assert.equal(await world.tree.profile("web"), null);
          assert.equal(await world.tree.profile("shop"), web[1]?.storePath);
          assert.deepEqual(await lines(diary), []);
          const paths = web.map(({ storePath }) => storePath);
          assert.deepEqual(await kept(world, paths), paths, "also what may be gone back to");
          const { status, stdout } = await agent.hail("rollback", "shop");
          assert.equal(status, 0, stdout);
          assert.equal(await world.tree.profile("shop"), web[0]?.storePath);
        },
      );

      await t.step("a reload without them: what on-removal says", async () => {
        await agent.configure({});
        hail.kill("SIGHUP");
        await agent.until(
          "all are taken out",
          () => (hail.stderr.match(/hail does not keep|frees the space/g) ?? []).length === 3,
        );
        assert.deepEqual((await lines(diary)).toSorted(), [`${PROFILES}/api 1.0`, `${PROFILES}/shop 1.0`]);
        assert.equal(await world.tree.profile("api"), api.storePath);
        assert.equal(await world.tree.profile("cms"), cms.storePath);
        assert.equal(await world.tree.profile("shop"), null);
        assert.equal(agent.record("shop"), null);
        const paths = [...web, api, cms].map(({ storePath }) => storePath);
        assert.deepEqual(await kept(world, paths), [api.storePath, cms.storePath]);
      });
      hail.kill("SIGTERM");
      assert.equal((await hail.finish()).status, 0);
    }

    await t.step(
      "what was taken out while no agent ran is finished at its start, also when that is killed",
      async () => {
        await agent.configure(others);
        {
          await using hail = agent.start();
          await agent.active(hail, "api", "cms");
          hail.kill("SIGTERM");
          assert.equal((await hail.finish()).status, 0);
        }
        await Deno.remove(diary);
        await agent.configure({ cms: others.cms });
        await agent.killed("removal noted");
        await agent.killed("removal deactivated");
        await using hail = agent.start();
        await hail.untilPrinted(/api: its bin\/deactivate has run/);
        assert.deepEqual(await lines(diary), [`${PROFILES}/api 1.0`, `${PROFILES}/api 1.0`]);
        assert.equal(await world.tree.profile("api"), api.storePath);
        await agent.active(hail, "cms");
        hail.kill("SIGTERM");
        assert.equal((await hail.finish()).status, 0);
      },
    );

    await t.step("a change of name that is killed anywhere is finished at the next start", async () => {
      await Deno.remove(diary);
      let name = "cms";
      const points = ["rename noted", "rename pointed", "rename copying", "rename copied", "rename unlinked"];
      for (const [index, point] of points.entries()) {
        const before = agent.record(name);
        const next = `cms${index}`;
        await agent.configure({ [next]: { job: "cms", "on-removal": "purge", "renamed-from": name } });
        await agent.killed(point);
        await using hail = agent.start();
        await hail.untilPrinted(new RegExp(`${next} up at 1\\.0`));
        await agent.until(`${next} is active`, () => agent.record(next)?.state === "active");
        assert.equal(agent.record(name), null);
        assert.equal(agent.record(next)?.active?.path, cms.storePath);
        assert.equal(agent.record(next)?.deployments, (before?.deployments ?? 0) + 1);
        assert.equal(await world.tree.profile(name), null);
        hail.kill("SIGTERM");
        assert.equal((await hail.finish()).status, 0);
        name = next;
      }
      assert.deepEqual(await lines(diary), [], "nothing was deactivated");
      const links = (await Array.fromAsync(Deno.readDir(world.tree.outside(PROFILES)))).map(({ name }) =>
        name
      );
      assert.deepEqual(links.filter((link) => /^cms/.test(link)).toSorted(), ["cms4", "cms4-1-link"]);
    });
  });
}

/** How a service is configured: the name of its job, and more keys. */
type Configured = Readonly<Record<string, string>> & { readonly job: string };

/** The compiled agent in a world. */
class Agent {
  builds = 0;
  readonly #config: string;
  readonly #state: string;

  constructor(private readonly world: World) {
    this.#config = `${world.tree.folder}/config.toml`;
    this.#state = `${world.tree.folder}/state/agent`;
  }

  /** Writes the configuration. */
  async configure(services: Readonly<Record<string, Configured>>): Promise<void> {
    const text = [
      `state-dir = "${this.#state}"`,
      `netrc-file = "${this.world.netrcFile}"`,
      `poll-period = "1h"`,
      // systemd, where it runs, sees another /nix than this hail.
      `activation-runner = "child"`,
      ...Object.entries(services).flatMap(([name, { job, ...more }]) => [
        `[services.${name}]`,
        `job-uri = "${this.world.hydra.jobUri(`demo/main/${job}`)}"`,
        ...Object.entries(more).map(([key, value]) => `${key} = "${value}"`),
      ]),
    ];
    await Deno.writeTextFile(this.#config, text.join("\n") + "\n", { mode: 0o600 });
  }

  start(options: Pick<CommandOptions, "env"> = {}): RunningCommand {
    return this.world.tree.start([this.world.executable, "agent", "--config", this.#config], options);
  }

  /** Starts an agent that is killed at a point. */
  async killed(point: string): Promise<void> {
    await using hail = this.start({ env: { HAIL_FAIL_POINT: point } });
    const { status, stderr } = await hail.finish();
    assert.equal(status, 137, `${point}\n${stderr}`);
  }

  /** Runs an operator's command. */
  hail(...words: readonly string[]) {
    return this.world.tree.run([this.world.executable, ...words, "--state-dir", this.#state], {
      mayFail: true,
    });
  }

  /** Waits until services are active. */
  async active(hail: RunningCommand, ...names: readonly string[]): Promise<void> {
    for (const name of names) {
      await hail.untilPrinted(new RegExp(`/${name} up at`));
      await this.until(`${name} is active`, () => this.record(name)?.state === "active");
    }
  }
  /** What is remembered of the service on a profile; null for nothing. */
  stored(name: string) {
    const file = `${this.#state}/${databaseName(`${PROFILES}/${name}`)}`;
    if (!existsSync(file)) return null;
    const service = readService(file);
    try {
      return { record: service.record, ids: service.history(1_000).map(({ id }) => id) };
    } finally {
      service.close();
    }
  }

  record(name: string): ServiceRecord | null {
    return this.stored(name)?.record ?? null;
  }

  /** Waits until something is so. */
  async until(what: string, holds: () => boolean): Promise<void> {
    await eventually(what, () => {
      try {
        return holds();
      } catch (error) {
        // It was just being made, or removed.
        if (error instanceof Failure) return false;
        throw error;
      }
    });
  }
}
