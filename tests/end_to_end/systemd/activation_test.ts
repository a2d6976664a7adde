import assert from "node:assert/strict";
import { BinaryCache } from "../../support/binary_cache.ts";
import { eventually } from "../../support/command.ts";
import { hailExecutable } from "../../support/executable.ts";
import { FakeHydra } from "../../support/fake_hydra.ts";
import { type Nix, nixConf } from "../../support/nix.ts";
import { type SampleProfile, SampleProfiles } from "../../support/sample_profile.ts";
import { Stage, type Suite, SUITES } from "../../support/stage.ts";

const JOB = "demo/main/web";
const UNIT = "hail-web";
const PROFILE = "/nix/var/nix/profiles/hail-profiles/web";
/** In seconds: more than any activation takes that is to succeed. */
const TIME_LIMIT = 9;

function unit(jobUri: string): string {
  const options = "--poll-period 1h --activation-degraded-status 4";
  return `[Unit]
StartLimitIntervalSec=0
[Service]
Type=notify
Restart=always
RestartSec=200ms
KillMode=mixed
TimeoutStopSec=20s
StateDirectory=hail/web
ExecReload=/bin/kill -HUP $MAINPID
Environment=NIX_REMOTE=daemon
ExecStart=/usr/local/bin/hail --profile hail-profiles/web --job-uri ${jobUri} ${options} --activation-timeout ${TIME_LIMIT}s
[Install]
WantedBy=multi-user.target
`;
}

/** Says when it begins and ends, so that a second run or one that was cut off is noticed. */
function activate(work: string): string {
  return `#!/bin/sh
version=$(cat "$HAIL_PROFILE/version")
echo "begun $version" | tee -a /srv/runs
${work}
echo "finished $version" | tee -a /srv/runs
`;
}

/** A booted Debian with one hail, whose activations are units of their own. */
class Host implements AsyncDisposable {
  #lastBuild = 0;

  private constructor(
    readonly stage: Stage,
    readonly hydra: FakeHydra,
    private readonly samples: SampleProfiles,
    private readonly executable: string,
    private readonly cleanUp: AsyncDisposableStack,
  ) {}

  static async make(suite: Suite): Promise<Host> {
    const cleanUp = new AsyncDisposableStack();
    try {
      const executable = await hailExecutable();
      const folder = await Deno.makeTempDir({ prefix: "hail-activation-" });
      cleanUp.defer(() => Deno.remove(folder, { recursive: true }));
      const stage = cleanUp.use(await Stage.make({ suite, folders: { [folder]: folder } }));
      const nix: Nix = {
        run: (command, options) =>
          stage.exec(command, { ...options, env: { NIX_REMOTE: "daemon", ...options?.env } }),
      };
      const samples = await SampleProfiles.make(nix, folder);
      await Deno.mkdir(samples.cacheFolder, { recursive: true });
      const cache = cleanUp.use(new BinaryCache(samples.cacheFolder));
      const hydra = cleanUp.use(new FakeHydra());
      await stage.write(
        "/etc/nix/nix.conf",
        nixConf({ substituters: [cache.uri], trustedPublicKeys: [samples.publicKey] }, "/etc/nix/netrc")
          .replace("build-users-group =", "build-users-group = nixbld"),
      );
      await stage.exec(["systemctl", "restart", "nix-daemon.socket"], { mayFail: true });
      const host = new Host(stage, hydra, samples, executable, cleanUp);
      await host.update();
      await stage.write(`/etc/systemd/system/${UNIT}.service`, unit(hydra.jobUri(JOB)));
      await stage.exec(["systemctl", "daemon-reload"]);
      return host;
    } catch (error) {
      await cleanUp.disposeAsync();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cleanUp.disposeAsync();
  }

  /** Puts hail in place anew, as an update does: the file is another one. */
  async update(): Promise<void> {
    await this.stage.push(this.executable, "/usr/local/bin/hail");
  }

  /** Lets Hydra have a build with this activation, and hail look for it. */
  async release(work: string): Promise<{ id: number; version: string; profile: SampleProfile }> {
    const id = ++this.#lastBuild;
    const profile = await this.samples.release({ version: `${id}.0`, activate: activate(work) });
    this.hydra.setLatest(JOB, { id, path: profile.storePath });
    const running = await this.show("ActiveState") === "active";
    await this.stage.exec(["systemctl", running ? "reload" : "start", UNIT]);
    return { id, version: profile.version, profile };
  }

  /** A property of hail's unit; empty while systemd does not answer. */
  async show(property: string): Promise<string> {
    const command = ["systemctl", "show", UNIT, "--value", `--property=${property}`];
    return (await this.stage.exec(command, { mayFail: true })).stdout.trim();
  }

  /** What activations have said on the disk, in order. */
  async runs(): Promise<string[]> {
    const { stdout } = await this.stage.exec(["cat", "/srv/runs"], { mayFail: true });
    return stdout.split("\n").filter((line) => line !== "");
  }

  async began(version: string): Promise<void> {
    await eventually(
      `the activation of ${version} begins`,
      async () => (await this.runs()).includes(`begun ${version}`),
    );
  }

  /** Waits until hail says that it is at a build. */
  async isAt(id: number): Promise<void> {
    await eventually(
      `hail is at build ${id}`,
      async () => (await this.show("StatusText")).startsWith(`at build ${id} `),
    ).catch(async (error) => {
      throw new Error(
        `${error}\n${await this.show("StatusText")}\n${await this.log()}\n${await this.stage.journal()}`,
      );
    });
  }

  async log(): Promise<string> {
    return await this.stage.journal(`${UNIT}.service`);
  }

  async pointsAt(): Promise<string> {
    return (await this.stage.exec(["readlink", "-f", PROFILE])).stdout.trim();
  }

  /** The units of activations that systemd still has. */
  async units(): Promise<string[]> {
    const { stdout } = await this.stage.exec([
      ...["systemctl", "list-units", "--all", "--plain", "--no-legend", "activate-hail-*"],
    ]);
    return stdout.split("\n").map((line) => line.split(" ")[0] ?? "").filter((name) => name !== "");
  }
}

/** How often each thing stands in a list. */
function count(list: readonly string[], item: string): number {
  return list.filter((other) => other === item).length;
}

for (const suite of SUITES) {
  Deno.test(`${suite}: an activation is a unit of its own, whatever happens to hail`, async (t) => {
    // Each step goes on from where the one before it has led.
    const step = async (name: string, work: () => Promise<void>) => {
      if (!await t.step(name, work)) throw new Error(`not beyond this step: ${name}`);
    };
    await using host = await Host.make(suite);
    const { stage } = host;
    const ranOnce = async (version: string) => {
      const runs = await host.runs();
      assert.equal(count(runs, `begun ${version}`), 1, runs.join("; "));
      assert.equal(count(runs, `finished ${version}`), 1, runs.join("; "));
    };
    const noUnits = () => eventually("no unit is left", async () => (await host.units()).length === 0);

    await step("its output is in hail's log and in its own, and its unit goes", async () => {
      const { id, version } = await host.release(`echo loud >&2
env | grep -E '^(NOTIFY_|WATCHDOG_)'
systemd-run --quiet --wait --pipe --collect -- echo "by another unit"`);
      await host.isAt(id);
      await ranOnce(version);
      const log = await host.log();
      for (const line of ["begun 1.0", "loud", "by another unit", "finished 1.0"]) {
        assert.ok(log.includes(line), log);
      }
      assert.doesNotMatch(log, /NOTIFY_|WATCHDOG_/);
      assert.match(await stage.journal("activate-hail-*"), /^loud$/m);
      await noUnits();
    });

    await step("kill -9 of hail: it goes on, runs once, and the next hail takes its result", async () => {
      const { id, version } = await host.release("sleep 4");
      await host.began(version);
      await stage.exec(["systemctl", "kill", "--signal=KILL", UNIT]);
      await host.isAt(id);
      await ranOnce(version);
      assert.match(
        await host.log(),
        /the activation that hail began before still runs as activate-hail-web-/,
      );
      await noUnits();
    });

    await step(
      "hail stopped for longer than the activation takes: the result is waiting for it",
      async () => {
        const { id, version } = await host.release("sleep 2");
        await host.began(version);
        await stage.exec(["systemctl", "stop", UNIT]);
        await eventually("its end", async () => (await host.runs()).includes(`finished ${version}`));
        await stage.exec(["systemctl", "start", UNIT]);
        await host.isAt(id);
        await ranOnce(version);
        assert.match(await host.log(), /the activation that hail began before has ended/);
      },
    );

    await step("hail is updated and restarted, and does not wait for the activation", async () => {
      const { id, version } = await host.release("sleep 5");
      await host.began(version);
      await host.update();
      const begun = performance.now();
      await stage.exec(["systemctl", "restart", UNIT]);
      assert.ok(performance.now() - begun < 4_000);
      assert.ok(!(await host.runs()).includes(`finished ${version}`));
      await host.isAt(id);
      await ranOnce(version);
    });

    await step("systemd is told to execute itself anew", async () => {
      const { id, version } = await host.release("systemctl daemon-reload; systemctl daemon-reexec; sleep 1");
      await host.isAt(id);
      await ranOnce(version);
    });

    await step("it kills hail", async () => {
      const { id, version } = await host.release(
        `kill -9 "$(systemctl show --value --property=MainPID ${UNIT})"; sleep 1`,
      );
      await host.isAt(id);
      await ranOnce(version);
    });

    await step("it restarts hail, and waits for that", async () => {
      const { id, version } = await host.release(`systemctl restart ${UNIT}`);
      await host.isAt(id);
      await ranOnce(version);
    });

    await step("a status that stands for degraded", async () => {
      const { id, profile } = await host.release("exit 4");
      await host.isAt(id);
      assert.match(await host.log(), /degraded/);
      assert.equal(await host.pointsAt(), profile.storePath);
    });

    const good = await host.release("true");
    await step("one that fails is rolled back, and its output is kept", async () => {
      await host.isAt(good.id);
      const { version } = await host.release("echo too bad; exit 5");
      await eventually("the roll-back", async () => await host.pointsAt() === good.profile.storePath);
      await eventually(
        "the roll-back's activation",
        async () => count(await host.runs(), `finished ${good.version}`) === 2,
      );
      assert.equal(count(await host.runs(), `begun ${version}`), 1);
      assert.match(
        await host.log(),
        /bin\/activate: it ended with status 5\. Look at "journalctl -u activate-hail-web-/,
      );
      assert.match(await stage.journal("activate-hail-*"), /^too bad$/m);
      await noUnits();
    });

    await step("one that hangs is ended at its time limit, even while hail is not there", async () => {
      const { version } = await host.release("exec sleep 1000");
      await host.began(version);
      await stage.exec(["systemctl", "stop", UNIT]);
      await new Promise((resolve) => setTimeout(resolve, (TIME_LIMIT + 1) * 1_000));
      const { stdout } = await stage.exec(["systemctl", "list-units", "--no-legend", "activate-hail-*"]);
      assert.match(stdout, /failed/);
      await stage.exec(["systemctl", "start", UNIT]);
      await eventually("the roll-back", async () => await host.pointsAt() === good.profile.storePath);
      await eventually(
        "the roll-back's activation",
        async () => count(await host.runs(), `finished ${good.version}`) === 3,
      );
      assert.match(await host.log(), /it took longer than its time limit/);
      assert.equal(count(await host.runs(), `begun ${version}`), 1);
      await noUnits();
    });

    await step("what it leaves in the background outlives hail and the next activation", async () => {
      const { id } = await host.release("setsid sleep 654 >/dev/null 2>&1 </dev/null &");
      await host.isAt(id);
      const next = await host.release("true");
      await host.isAt(next.id);
      await stage.exec(["systemctl", "restart", UNIT]);
      await host.isAt(next.id);
      const [left, ...others] = await host.units();
      assert.deepEqual(others, []);
      assert.ok(left !== undefined);
      assert.match((await stage.exec(["systemctl", "status", "--lines=0", left])).stdout, /sleep 654/);
      await stage.exec(["systemctl", "kill", left]);
      const last = await host.release("true");
      await host.isAt(last.id);
      await noUnits();
    });

    await step("a profile whose path systemd would make something else of", async () => {
      const folder = `/root/pro files/it's "so"`;
      await stage.exec(["mkdir", "-p", folder]);
      const { version } = await host.release('systemctl daemon-reload; echo "<$0> <$HAIL_PROFILE>"');
      await host.isAt(Number(version.split(".")[0]));
      const path = `${folder}/a$HOME %n \\x41 ;\u00fc`;
      const { stdout, stderr } = await stage.exec([
        ...["/usr/local/bin/hail", "--oneshot", "--profile", path, "--job-uri", host.hydra.jobUri(JOB)],
      ], { env: { NIX_REMOTE: "daemon" } });
      assert.ok((stdout + stderr).includes(`<${path}/bin/activate> <${path}>`), stdout + stderr);
      await noUnits();
    });

    await step("a reboot in the middle: it runs again", async () => {
      await stage.exec(["systemctl", "enable", UNIT]);
      const { id, version } = await host.release("sleep 3");
      await host.began(version);
      await stage.reboot();
      await host.isAt(id);
      const runs = await host.runs();
      assert.equal(count(runs, `begun ${version}`), 2, runs.join("; "));
      assert.equal(count(runs, `finished ${version}`), 1, runs.join("; "));
    });

    await step("a power cut in the middle: it runs again", async () => {
      const { id, version } = await host.release("sleep 3");
      await host.began(version);
      await stage.crash();
      await stage.up();
      await host.isAt(id);
      assert.equal(count(await host.runs(), `finished ${version}`), 1);
    });
  });
}

/** A service that crashes again and again while /srv/crash is there. */
const SERVICE = `[Service]
Restart=always
RestartSec=100ms
StartLimitIntervalSec=0
ExecStart=/bin/sh -c 'test -e /srv/crash || exec sleep infinity; sleep 0.3; exit 1'
`;

for (const suite of SUITES) {
  Deno.test(`${suite}: a unit that keeps restarting after an activation has that rolled back`, async () => {
    await using host = await Host.make(suite);
    const { stage } = host;
    await stage.write("/etc/systemd/system/web.service", SERVICE);
    const check = `--health-check "unit web.service interval=500ms" --health-timeout 6s --soak-time 2s`;
    await stage.write(
      `/etc/systemd/system/${UNIT}.service`,
      unit(host.hydra.jobUri(JOB)).replace("--poll-period 1h", `--poll-period 1h ${check}`),
    );
    await stage.exec(["systemctl", "daemon-reload"]);
    const good = await host.release("rm -f /srv/crash; systemctl restart web");
    await host.isAt(good.id);
    assert.match(await host.log(), /healthy after/);

    const bad = await host.release("touch /srv/crash; systemctl restart web");
    await eventually(
      "the roll-back",
      async () =>
        (await host.log()).includes(`rolled back to ${good.profile.storePath} from build ${bad.id}`),
    );
    assert.equal(await host.pointsAt(), good.profile.storePath);
    assert.match(await host.log(), /web\.service/);
    const { stdout } = await stage.exec(["systemctl", "is-active", "web"]);
    assert.equal(stdout.trim(), "active");
  });
}
