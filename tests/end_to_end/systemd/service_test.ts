import assert from "node:assert/strict";
import { BinaryCache } from "../../support/binary_cache.ts";
import { eventually } from "../../support/command.ts";
import { hailExecutable } from "../../support/executable.ts";
import { FakeHydra } from "../../support/fake_hydra.ts";
import { type Nix, nixConf } from "../../support/nix.ts";
import { SampleProfiles } from "../../support/sample_profile.ts";
import { Stage, SUITES } from "../../support/stage.ts";

const JOB = "demo/main/web";

// Sockets that are not ours must not be seen by the activation, or it could speak in hail's name.
const ACTIVATE = `#!/bin/sh
echo "activating $(cat "$HAIL_PROFILE/version")"
env | grep -E '^(NOTIFY_SOCKET|WATCHDOG_)' && echo "leaked"
exit 0
`;

const SLOW = `#!/bin/sh
echo begun
sleep 5
echo finished
`;

function unit(jobUri: string): string {
  return `[Service]
Type=notify
WatchdogSec=4s
Restart=always
RestartSec=200ms
KillMode=mixed
TimeoutStopSec=2s
ExecReload=/bin/kill -HUP $MAINPID
ExecStart=/usr/local/bin/hail --profile hail-profiles/web --job-uri ${jobUri} --poll-period 1h
`;
}

for (const suite of SUITES) {
  Deno.test(`${suite}: hail is a good service of a real systemd`, async (t) => {
    const executable = await hailExecutable();
    const folder = await Deno.makeTempDir({ prefix: "hail-service-" });
    await using _folder = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
    await using stage = await Stage.make({ suite, folders: { [folder]: folder } });
    const nix: Nix = {
      run: (command, options) =>
        stage.exec(command, { ...options, env: { NIX_REMOTE: "daemon", ...options?.env } }),
    };
    const samples = await SampleProfiles.make(nix, folder);
    await Deno.mkdir(samples.cacheFolder, { recursive: true });
    await using cache = new BinaryCache(samples.cacheFolder);
    await using hydra = new FakeHydra();
    await stage.push(executable, "/usr/local/bin/hail");
    await stage.write(
      "/etc/nix/nix.conf",
      nixConf({ substituters: [cache.uri], trustedPublicKeys: [samples.publicKey] }, "/etc/nix/netrc")
        .replace("build-users-group =", "build-users-group = nixbld"),
    );
    await stage.exec(["systemctl", "restart", "nix-daemon.socket"], { mayFail: true });

    const show = async (property: string) =>
      (await stage.exec(["systemctl", "show", "web", "--value", `--property=${property}`])).stdout.trim();
    const journal = async (...args: string[]) => {
      await stage.exec(["journalctl", "--sync"]);
      const options = ["--no-pager", "--quiet", "--output=cat", "--unit=web", ...args];
      return (await stage.exec(["journalctl", ...options])).stdout;
    };
    const release = async (id: number, activate: string) => {
      const profile = await samples.release({ version: `${id}.0`, activate });
      hydra.setLatest(JOB, { id, path: profile.storePath });
      return profile;
    };

    await t.step("it is ready at once, deploys through the daemon, and shows its state", async () => {
      await release(1, ACTIVATE);
      await stage.write("/etc/systemd/system/web.service", unit(hydra.jobUri(JOB)));
      await stage.exec(["systemctl", "daemon-reload"]);
      await stage.exec(["systemctl", "start", "web"]);
      await eventually(
        "the first deployment",
        async () => (await show("StatusText")).startsWith("at build 1 (web-1.0);"),
      );
      assert.match(await show("StatusText"), /next poll at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(await show("ActiveState"), "active");
      const log = await journal();
      assert.match(log, /activating 1\.0/);
      assert.doesNotMatch(log, /leaked/);
      assert.doesNotMatch(log, /^<\d>/m, "the journal has taken the priorities off");
    });

    await t.step("errors have their priority in the journal", async () => {
      assert.equal(await journal("--priority=err"), "");
      hydra.fault = "database-down";
      await stage.exec(["systemctl", "reload", "web"]);
      await eventually("the failure", async () => (await show("StatusText")).startsWith("failed: "));
      assert.match(await journal("--priority=err"), /Next try in/);
      hydra.fault = null;
      await stage.exec(["systemctl", "reload", "web"]);
      await eventually("all well", async () => (await show("StatusText")).startsWith("at build 1"));
    });

    await t.step("it feeds the watchdog while it idles, and a hail that hangs is restarted", async () => {
      const pid = await show("MainPID");
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      assert.equal(await show("MainPID"), pid, "six seconds of idling with a watchdog of four");
      await stage.exec(["kill", "-STOP", pid]);
      await eventually("a restart", async () => ![pid, "0"].includes(await show("MainPID")));
      assert.match(await journal(), /Watchdog timeout/);
      await eventually("all well", async () => (await show("StatusText")).startsWith("at build 1"));
    });

    await t.step("kill -9 of hail: it comes back and follows Hydra", async () => {
      const two = await release(2, ACTIVATE);
      await stage.exec(["systemctl", "kill", "--signal=KILL", "web"]);
      await eventually(
        "the update",
        async () => (await show("StatusText")).startsWith("at build 2 (web-2.0)"),
      );
      const target = await stage.exec(["readlink", "-f", "/nix/var/nix/profiles/hail-profiles/web"]);
      assert.equal(target.stdout.trim(), two.storePath);
    });

    await t.step("a stop does not wait for a running activation, which goes on", async () => {
      await release(3, SLOW);
      await stage.exec(["systemctl", "reload", "web"]);
      await eventually("the activation", async () => (await journal()).includes("begun"));
      await stage.exec(["systemctl", "stop", "web"]);
      assert.doesNotMatch(await journal(), /finished/);
      assert.equal(await show("Result"), "success");
      await eventually("its end", async () => /^finished$/m.test(await stage.journal("activate-hail-*")));
      await stage.exec(["systemctl", "start", "web"]);
      await eventually(
        "the next hail takes its result",
        async () => (await show("StatusText")).startsWith("at build 3"),
      );
      assert.match(await journal(), /finished/);
    });
  });
}
