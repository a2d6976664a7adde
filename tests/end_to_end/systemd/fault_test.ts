import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findServices, readService } from "../../../lib/journal/read.ts";
import { eventually } from "../../support/command.ts";
import { hailExecutable } from "../../support/executable.ts";
import { type Nix, nixConf } from "../../support/nix.ts";
import { SampleProfiles } from "../../support/sample_profile.ts";
import { Stage } from "../../support/stage.ts";

const SERVE = fileURLToPath(new URL("../../support/faults/serve.ts", import.meta.url));
const JOB = "demo/main/web";
const PROFILE = "/nix/var/nix/profiles/hail-profiles/web";
const LOG = "/var/log/activations";

/** An activation that brings the network to a state, and says so on the disk. */
const activate = (link: "up" | "down") =>
  `#!/bin/sh
ip link set lo ${link} || exit 1
echo "$(cat "$HAIL_PROFILE/version") ${link}" >>${LOG}
`;

const unit = (jobUri: string) =>
  `[Unit]
StartLimitIntervalSec=0
[Service]
Type=notify
Restart=always
RestartSec=200ms
KillMode=mixed
ExecReload=/bin/kill -HUP $MAINPID
ExecStart=/usr/local/bin/hail --profile hail-profiles/web --job-uri ${jobUri} --poll-period 1h \
--request-timeout 2s --confirm-hydra --confirm-timeout 8s
[Install]
WantedBy=multi-user.target
`;

Deno.test("a deployment that cuts the network of the host undoes itself", async (t) => {
  const executable = await hailExecutable();
  const folder = await Deno.makeTempDir({ prefix: "hail-network-" });
  await using _folder = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
  await Deno.mkdir(`${folder}/state`);
  const folders = { [folder]: folder, "/var/lib/hail": `${folder}/state` };
  await using stage = await Stage.make({ network: "own", folders });
  const nix: Nix = {
    run: (command, options) =>
      stage.exec(command, { ...options, env: { NIX_REMOTE: "daemon", ...options?.env } }),
  };
  const samples = await SampleProfiles.make(nix, folder);
  await Deno.mkdir(samples.cacheFolder, { recursive: true });
  await Deno.writeTextFile(`${folder}/latest`, "{}");
  const serve = [Deno.execPath(), "run", "-A", SERVE, `${folder}/latest`, samples.cacheFolder];
  await using server = stage.startNet(serve);
  await server.untilPrinted(/^\d+ \d+$/m, 60_000);
  const [hydraPort, cachePort] = server.stdout.trim().split(" ");
  await stage.push(executable, "/usr/local/bin/hail");
  await stage.write(
    "/etc/nix/nix.conf",
    nixConf(
      { substituters: [`http://127.0.0.1:${cachePort}`], trustedPublicKeys: [samples.publicKey] },
      "/etc/nix/netrc",
    ).replace("build-users-group =", "build-users-group = nixbld"),
  );
  await stage.exec(["systemctl", "restart", "nix-daemon.socket"], { mayFail: true });
  await stage.write("/etc/systemd/system/web.service", unit(`http://127.0.0.1:${hydraPort}/job/${JOB}`));

  let id = 0;
  const release = async (version: string, link: "up" | "down") => {
    const { storePath } = await samples.release({ version, activate: activate(link) });
    await Deno.writeTextFile(`${folder}/new`, JSON.stringify({ [JOB]: { id: ++id, path: storePath } }));
    await Deno.rename(`${folder}/new`, `${folder}/latest`);
    // The server looks for it every now and then.
    await new Promise((resolve) => setTimeout(resolve, 200));
    return storePath;
  };
  const record = () => {
    const [file] = findServices(`${folder}/state`);
    if (file === undefined) return null;
    const stored = readService(file);
    try {
      return stored.record;
    } finally {
      stored.close();
    }
  };
  /** Waits until hail has found the latest build and come to rest with it. */
  const rests = async (state: string) =>
    await eventually(`a hail that rests: ${state}`, () => {
      const now = record();
      return now?.state === state && now.latest?.id === id && now.work?.endedAt !== null;
    }, 60_000).catch(async (error) => {
      throw new Error(`${error}\n${JSON.stringify(record())}\n${await stage.journal("web")}`);
    });
  const poll = () => stage.exec(["systemctl", "reload", "web"]);
  const current = async () => (await stage.exec(["readlink", "-f", PROFILE])).stdout.trim();
  const activations = async () => (await stage.exec(["cat", LOG])).stdout.trim().split("\n");
  const link = async () => (await stage.exec(["ip", "-brief", "link", "show", "lo"])).stdout;

  const one = await release("1.0", "up");
  await stage.exec(["systemctl", "enable", "--now", "--quiet", "web"]);
  await rests("active");

  await t.step(
    "hail goes back, the version before brings the network up again, and Hydra answers",
    async () => {
      const two = await release("2.0", "down");
      await poll();
      await rests("rolled-back");
      assert.equal(await current(), one);
      assert.deepEqual(await activations(), ["1.0 up", "2.0 down", "1.0 up"]);
      assert.match(await link(), /LOWER_UP/);
      const marks = record()?.bad.map(({ path, step }) => ({ path, step }));
      assert.deepEqual(marks, [{ path: two, step: "confirmation" }]);
      // A poll that needs the network.
      await release("2.1", "up");
      await poll();
      await rests("active");
    },
  );

  await t.step("also if the host loses power before Hydra was asked in vain", async () => {
    const before = await current();
    const three = await release("3.0", "down");
    await poll();
    await eventually("the verification", () => record()?.state === "verifying");
    await stage.crash();
    await stage.up();
    await rests("rolled-back");
    assert.equal(await current(), before);
    assert.match(await link(), /LOWER_UP/);
    assert.deepEqual((await activations()).slice(-3), ["3.0 down", "3.0 down", "2.1 up"]);
    assert.deepEqual(record()?.bad.at(-1)?.path, three);
  });

  await t.step("and the next build is deployed", async () => {
    const four = await release("4.0", "up");
    await poll();
    await rests("active");
    assert.equal(await current(), four);
  });
});
