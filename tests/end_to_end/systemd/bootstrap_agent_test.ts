import assert from "node:assert/strict";
import { eventually } from "../../support/command.ts";
import { SUITES } from "../../support/stage.ts";
import { BootstrapHost, type Fleet, MANAGER, type ServiceOptions } from "./bootstrap_host.ts";

const PROFILES = "/nix/var/nix/profiles/hail-profiles";
/** The link to the build that the agent runs by. */
const LINK = "/nix/var/nix/gcroots/hail-agent";

/** A start that lasts long enough for the activation that waits for it to be met. */
const SLOW = { ExecStartPre: "/bin/sleep 3" };

for (const suite of SUITES) {
  Deno.test(`${suite}: a host moves from a hail for each service to one agent and back, and nothing is disturbed`, async (t) => {
    // Each step goes on from where the one before it has led.
    const step = async (name: string, work: () => Promise<void>) => {
      if (!await t.step(name, work)) throw new Error(`not beyond this step: ${name}`);
    };
    await using host = await BootstrapHost.make(suite);
    const { stage } = host;
    const versions: Record<string, string> = {};
    const release = async (name: string, version: string, begin?: string) => {
      await host.releaseService(name, version, begin);
      versions[name] = version;
    };
    let fleet: Fleet = { hail: 1, services: { [MANAGER]: {} } };
    let storePath = "";
    const follow = async (next: Fleet) => {
      fleet = next;
      storePath = await host.releaseFleet(fleet);
    };
    const settled = () => host.settled(storePath, fleet, versions);
    const hail = async (...args: string[]) => {
      const { stdout } = await stage.exec([`${PROFILES}/manager/bin/hail`, ...args]);
      return stdout;
    };
    const deployments = async (service: string) => {
      const { deployments } = JSON.parse(await hail("history", "--json", "--limit=1000", service));
      assert.ok(Array.isArray(deployments));
      return deployments.length;
    };
    const listed = async (folder: string) =>
      (await stage.exec(["ls", folder])).stdout.split("\n").filter((name) => name.endsWith(".sqlite")).sort();
    /** What must be the same before and after a move. */
    const running = async (...services: string[]) => ({
      programs: await Promise.all(services.map((service) => host.program(service))),
      since: await Promise.all(
        services.map((service) => host.showUnit(`app-${service}.service`, "ActiveEnterTimestampMonotonic")),
      ),
      databases: await listed("/var/lib/hail"),
    });
    /** New versions are deployed by whoever keeps these services now. */
    let version = 0;
    const deploys = async (...names: string[]) => {
      version += 1;
      for (const name of names) await release(name, String(version));
      await settled();
    };

    const services: Record<string, ServiceOptions> = { [MANAGER]: {}, web: {}, db: {}, idle: {} };

    await step("three services, each kept by a hail of its own", async () => {
      for (const name of ["web", "db", "idle"]) await release(name, "0");
      fleet = { hail: 1, services };
      storePath = await host.build(fleet);
      host.hydra.addJob(host.job(MANAGER));
      await stage.exec(["mkdir", "-p", PROFILES]);
      await stage.exec(["nix-env", "--profile", `${PROFILES}/${MANAGER}`, "--set", storePath]);
      await stage.exec([`${storePath}/bin/activate`]);
      await host.releaseFleet(fleet);
      await settled();
      await deploys("web");
      assert.notEqual(await host.program("web"), "0");
    });

    await step("to the agent: what was deployed runs on, with its history and its pause", async () => {
      await hail("pause", "--reason=a drill", "idle");
      await host.releaseService("idle", "1");
      const before = await running("web", "db", "idle");
      const history = await deployments("web");
      const nonsense = { ...services, web: { gate: ["nonsense"] } };
      await assert.rejects(
        host.build({ hail: 1, agent: true, services: nonsense }),
        /agent\.json:1: services\.web\.gate/,
      );
      await follow({ hail: 1, agent: true, services });
      await settled();
      assert.deepEqual(await running("web", "db", "idle"), before);
      assert.ok(await deployments("web") >= history);
      for (const name of Object.keys(services)) {
        assert.equal(await host.show(name, "LoadState"), "not-found", name);
      }
      await deploys("web", "db");
      assert.match(await hail("status", "idle"), /a drill/);
      assert.equal(await host.inForce("idle"), "0");
      await hail("resume", "idle");
      versions["idle"] = "1";
      await settled();
    });

    await step("another configuration: the agent reads it again, and runs on", async () => {
      const before = await host.showUnit("hail.service", "InvocationID");
      const apps = await running("web", "db");
      await release("queue", "0");
      services["queue"] = { after: ["web"], onRemoval: "purge" };
      services["web"] = { healthCheck: ["unit app-web.service"], soakTime: 0 };
      services["idle"] = { onRemoval: "deactivate" };
      await follow({ ...fleet, services });
      await settled();
      await deploys("web", "queue");
      assert.equal(await host.showUnit("hail.service", "InvocationID"), before);
      assert.deepEqual((await running("web", "db")).programs, apps.programs);
      assert.match(await stage.journal("hail.service"), /the configuration was read again: 1 new, 2 changed/);
    });

    await step("services that are taken out go as they were told to", async () => {
      const before = await host.showUnit("hail.service", "InvocationID");
      const { db: _, queue: __, idle: ___, ...kept } = services;
      const programs = await running("web", "db");
      await follow({ ...fleet, services: kept });
      for (const name of ["db", "queue", "idle"]) delete versions[name];
      await settled();
      const links = async () => (await stage.exec(["ls", PROFILES])).stdout.split("\n");
      await eventually(
        "queue is purged, and idle deactivated",
        async () =>
          !(await links()).some((name) => name.startsWith("queue")) && await host.program("idle") === "0" &&
          await host.program("queue") === "0",
      );
      assert.ok((await links()).includes("idle"));
      assert.ok((await links()).includes("db"));
      assert.deepEqual((await running("web", "db")).programs, programs.programs);
      assert.equal(await host.showUnit("hail.service", "InvocationID"), before);
      versions["db"] = await host.inForce("db");
      await follow({ ...fleet, services: { ...kept, db: {} } });
      await settled();
      await deploys("db");
    });

    await step("another hail: the agent restarts as the last thing, and the services run on", async () => {
      const before = await running("web", "db");
      await follow({ ...fleet, hail: 2 });
      await settled();
      await deploys("web");
      assert.deepEqual((await running("web", "db")).programs, before.programs);
      assert.match(
        await stage.journal("hail.service"),
        /hail\.service: replaced, and takes effect when the running activation is over/,
      );
    });

    await step("back to a hail for each, in the middle of an activation", async () => {
      const before = await running("web", "db");
      await release("web", `${version += 1}`, "echo begun >>/srv/begun; sleep 5");
      await eventually(
        "web activates",
        async () => (await stage.exec(["ls", "/srv"])).stdout.includes("begun"),
      );
      await follow({ hail: 1, services: { [MANAGER]: {}, web: {}, db: {} } });
      await settled();
      await eventually(
        "systemd has forgotten the agent",
        async () => await host.showUnit("hail.service", "LoadState") === "not-found",
      );
      assert.deepEqual((await running("web", "db")).programs, before.programs);
      assert.ok(await deployments("web") > 3);
      await deploys("web", "db");
    });

    await step(
      "a move to an agent that does not come up leaves all as it is, and is rolled back",
      async () => {
        const before = await running("web", "db");
        const hails = () => Promise.all(["web", "db"].map((name) => host.show(name, "InvocationID")));
        const since = await hails();
        await host.releaseFleet({ ...fleet, agent: { serviceConfig: { ExecStartPre: "/bin/false" } } });
        await eventually(
          "the manager says so",
          async () =>
            (await stage.journal("hail-manager.service")).includes(
              "hail-web.service: stays as it is, since hail.service is not up to take over from it",
            ),
        );
        await settled();
        assert.deepEqual(await running("web", "db"), before);
        assert.deepEqual(await hails(), since);
        assert.equal(await host.showUnit("hail.service", "LoadState"), "not-found");
        await stage.exec(["test", "!", "-L", LINK]);
      },
    );

    await step(
      "kill -9 of the apply-units of a move there: all is rolled back, and the next move succeeds",
      async () => {
        const before = await running("web", "db");
        await host.releaseFleet({ ...fleet, agent: { serviceConfig: SLOW } });
        await eventually(
          "the agent starts",
          async () => await host.showUnit("hail.service", "ActiveState") === "activating",
        );
        await stage.exec(["systemctl", "kill", "--signal=KILL", "apply-hail-units-*"]);
        await eventually(
          "the manager goes back",
          async () => (await stage.journal("apply-hail-units-*")).includes("code=killed, status=9/KILL"),
        );
        await settled();
        await follow({ ...fleet, agent: { maxActivations: 3 } });
        await settled();
        await deploys("web");
        assert.deepEqual((await running("web", "db")).programs, before.programs);
      },
    );

    await step("a power cut in the middle of the way back", async () => {
      const slow = { serviceConfig: SLOW };
      await follow({ hail: 2, services: { [MANAGER]: {}, web: slow, db: slow } });
      await eventually(
        "the manager is about to activate",
        async () => await host.profile(MANAGER) === storePath,
      );
      await stage.crash();
      await stage.up();
      await settled();
      await deploys("web", "db");
      await stage.exec(["test", "!", "-L", LINK]);
    });

    await step("and to the agent by hand, without a manager's activation", async () => {
      await stage.exec(["systemctl", "stop", "hail-manager"]);
      await follow({ hail: 1, agent: true, services: { [MANAGER]: {}, web: {}, db: {} } });
      await stage.exec(["nix-store", "--realise", storePath]);
      await stage.exec(["nix-env", "--profile", `${PROFILES}/${MANAGER}`, "--set", storePath]);
      const { stdout, stderr } = await stage.exec([`${PROFILES}/${MANAGER}/bin/activate`]);
      assert.match(stdout + stderr, /hail\.service: installed/);
      await settled();
      await deploys("web", "db");
    });

    await step("an empty set takes the agent away", async () => {
      await follow({ hail: 1, agent: true, services: {} });
      await settled();
      assert.notEqual(await host.program("web"), "0");
      await stage.exec(["test", "!", "-L", LINK]);
    });

    await step("an agent takes over from the hails of the original", async () => {
      const before = await host.program("web");
      await follow({ hail: 2, agent: true, services: { [MANAGER]: {}, web: {}, db: {} } });
      await host.startOriginal(fleet, "web");
      await settled();
      await deploys("web");
      assert.equal(await host.program("web"), before);
    });
  });
}
