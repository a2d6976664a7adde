import assert from "node:assert/strict";
import { eventually } from "../../support/command.ts";
import { SUITES } from "../../support/stage.ts";
import { BootstrapHost, type Fleet, MANAGER, type ServiceOptions } from "./bootstrap_host.ts";

/** apply-units waits for its start, so that an activation that adds it lasts long enough to be met. */
const SLOW: ServiceOptions = { serviceConfig: { ExecStartPre: "/bin/sleep 3" } };

for (const suite of SUITES) {
  Deno.test(`${suite}: a host that was bootstrapped once follows Hydra, whatever happens to it`, async (t) => {
    // Each step goes on from where the one before it has led.
    const step = async (name: string, work: () => Promise<void>) => {
      if (!await t.step(name, work)) throw new Error(`not beyond this step: ${name}`);
    };
    await using host = await BootstrapHost.make(suite);
    const { stage } = host;
    const versions: Record<string, string> = {};
    const release = async (name: string, version: string) => {
      await host.releaseService(name, version);
      versions[name] = version;
    };
    let fleet: Fleet = { hail: 1, services: { [MANAGER]: {} } };
    let storePath = "";
    const follow = async (next: Fleet) => {
      fleet = next;
      storePath = await host.releaseFleet(fleet);
    };
    const settled = () => host.settled(storePath, fleet, versions);
    const activationBegins = () =>
      eventually(
        "the manager activates",
        async () =>
          await host.profile(MANAGER) === storePath &&
          (await stage.exec(["systemctl", "list-units", "--plain", "--no-legend", "apply-hail-units-*"]))
              .stdout !== "",
      );

    await step("the bootstrap profile is activated by hand, once", async () => {
      storePath = await host.build(fleet);
      const profiles = "/nix/var/nix/profiles/hail-profiles";
      await stage.exec(["mkdir", "-p", profiles]);
      await stage.exec(["nix-env", "--profile", `${profiles}/manager`, "--set", storePath]);
      host.hydra.addJob(host.job(MANAGER));
      const { stderr, stdout } = await stage.exec([`${storePath}/bin/activate`]);
      assert.match(stdout + stderr, /hail-manager\.service: installed/);
      await settled();
      const again = await stage.exec([`${storePath}/bin/activate`]);
      assert.match(again.stdout + again.stderr, /all as they should be, nothing changed/);
    });

    await step("its manager deploys two services", async () => {
      await release("web", "1");
      await release("db", "1");
      await follow({ hail: 1, services: { [MANAGER]: {}, web: {}, db: {} } });
      await settled();
    });

    await step("a new build of a service is put in force", async () => {
      await release("web", "2");
      await settled();
    });

    await step("a service is changed, one is added, one is removed, and the manager runs on", async () => {
      const before = await host.show(MANAGER, "InvocationID");
      const changed = await host.show("web", "InvocationID");
      await release("queue", "1");
      await follow({
        hail: 1,
        services: { [MANAGER]: {}, web: { extraFlags: ["--log-level", "debug"] }, queue: {} },
      });
      await settled();
      assert.equal(await host.show(MANAGER, "InvocationID"), before);
      assert.notEqual(await host.show("web", "InvocationID"), changed);
      assert.equal(await host.show("db", "LoadState"), "not-found");
    });

    await step("the manager updates itself, and hail", async () => {
      await follow({ ...fleet, hail: 2 });
      await settled();
      const log = await stage.journal("hail-manager.service");
      assert.match(
        log,
        /hail-manager\.service: replaced, and takes effect when the running activation is over/,
      );
    });

    await step("kill -9 of a service's hail", async () => {
      await stage.exec(["systemctl", "kill", "--signal=KILL", "hail-web"]);
      await release("web", "3");
      await settled();
    });

    await step("kill -9 of the manager in the middle of an activation", async () => {
      await follow({ hail: 1, services: { ...fleet.services, db: SLOW } });
      await activationBegins();
      await stage.exec(["systemctl", "kill", "--signal=KILL", "hail-manager"]);
      await settled();
      assert.match(await stage.journal("hail-manager.service"), /code=killed, status=9\/KILL/);
    });

    await step("kill -9 of the apply-units that the manager has started", async () => {
      const killed = async () =>
        (await stage.journal("apply-hail-units-*")).includes("code=killed, status=9/KILL");
      for (let tries = 0; tries < 5 && !await killed(); tries++) {
        const { [`try${tries - 1}`]: _, ...services } = fleet.services;
        await release(`try${tries}`, "1");
        const before = { fleet, storePath };
        await follow({ hail: tries % 2 === 0 ? 2 : 1, services: { ...services, [`try${tries}`]: SLOW } });
        await activationBegins();
        await stage.exec(["systemctl", "kill", "--signal=KILL", "apply-hail-units-*"], { mayFail: true });
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        if (await killed()) {
          // The activation has failed, so the host goes back.
          ({ fleet, storePath } = before);
          delete versions[`try${tries}`];
        }
        await settled();
      }
      assert.ok(await killed());
    });

    await step("two activations at once", async () => {
      await Promise.all([1, 2].map(() => stage.exec([`${storePath}/bin/activate`])));
      await settled();
    });

    await step("a reboot, with something new behind it", async () => {
      await stage.exec(["systemctl", "stop", "hail-manager", "hail-web"]);
      await release("web", "4");
      await follow({ hail: 1, services: { [MANAGER]: {}, web: {}, db: {} } });
      await stage.reboot();
      await settled();
    });

    await step("a power cut in the middle of an activation", async () => {
      await follow({ hail: 2, services: { [MANAGER]: {}, web: {}, queue: SLOW } });
      await activationBegins();
      await stage.crash();
      await stage.up();
      await release("queue", "2");
      await settled();
    });

    await step("an empty set removes every unit, the manager's own last", async () => {
      await follow({ hail: 2, services: {} });
      await settled();
      const { stdout } = await stage.exec([
        "systemctl",
        "list-units",
        "--all",
        "--no-legend",
        "hail-*",
        "apply-hail-*",
      ]);
      assert.equal(stdout, "");
    });

    await step("a host of the original hail is taken over by what its own manager activates", async () => {
      fleet = { hail: 1, services: { [MANAGER]: {}, web: {}, db: SLOW } };
      storePath = await host.releaseFleet(fleet);
      await host.startOriginal(fleet, "web");
      await release("web", "5");
      await settled();
    });
  });
}
