import assert from "node:assert/strict";
import { eventually } from "../../support/command.ts";
import { AgentHost, type Version, waitFor } from "./agent_host.ts";

const AGENT = "hail-agent.service";
const PROFILES = "/nix/var/nix/profiles";
const SLOW = ["slow1", "slow2", "slow3"] as const;
/** Each comes after those before it, and `front` after two. */
const CHAIN = ["db", "cache", "api", "web", "front"] as const;
const SOUND = [
  ...CHAIN,
  "floods",
  "daemon",
  "kills",
  ...SLOW,
  "keep",
  "off",
  "purge",
  "named",
  "quick",
] as const;
/** In milliseconds; what hangs does so for as long. */
const HANG_LIMIT = 20_000;

const VERSIONS: readonly Version[] = [
  { service: "fails", version: 1, work: "exit 1" },
  { service: "hangs", version: 1, work: "sleep 600" },
  { service: "aborts", version: 1, work: "kill -9 $$" },
  { service: "unwell", version: 1, work: "exit 3" },
  { service: "floods", version: 1, work: "yes 'a line that says nothing' | head --bytes=10M" },
  { service: "daemon", version: 1, work: "setsid sleep infinity &" },
  { service: "db", version: 1, work: "sleep 1" },
  { service: "db", version: 2, work: "sleep 1" },
  {
    service: "kills",
    version: 2,
    work: `${waitFor("kill-hail")}\nkill -9 $(systemctl show --value --property=MainPID ${AGENT})`,
  },
  ...[2, 3, 4].flatMap((version) =>
    SLOW.map((service) => ({ service, version, work: waitFor(`slow-${version}`) }))
  ),
  ...[...CHAIN.slice(1), "kills", ...SLOW, "keep", "off", "purge", "named", "quick"].map((service) => ({
    service,
    version: 1,
  })),
  ...[...CHAIN.slice(1), "quick"].map((service) => ({ service, version: 2 })),
  { service: "quick", version: 3 },
];

/** The services of the configuration. Those that are broken come first, so that they could hold up the others. */
const SERVICES = {
  hangs: { lines: [`activation-timeout = "${HANG_LIMIT / 1_000}s"`] },
  floods: {},
  fails: {},
  aborts: {},
  unwell: {},
  daemon: {},
  kills: {},
  front: { lines: ['after = ["web", "cache"]'] },
  web: { lines: ['after = ["api"]'] },
  api: { lines: ['after = ["db", "cache"]'] },
  cache: { lines: ['after = ["db"]'] },
  db: {},
  slow1: {},
  slow2: {},
  slow3: {},
  keep: {},
  off: { lines: ['on-removal = "deactivate"'] },
  purge: { lines: ['on-removal = "purge"'] },
  named: {},
  quick: {},
} as const;

/** That each activation in the chain began when those that it comes after had ended. */
function isInOrder(host: AgentHost, version: number) {
  for (
    const [service, ...before] of [["cache", "db"], ["api", "db", "cache"], ["web", "api"], [
      "front",
      "web",
      "cache",
    ]]
  ) {
    const begun = host.when("begin", service ?? "", version) ?? 0;
    for (const other of before) {
      const ended = host.when("end", other, version) ?? Infinity;
      assert.ok(ended <= begun, `${service} began at ${begun}, but ${other} ended at ${ended} only`);
    }
  }
}

Deno.test("trixie: one agent keeps twenty services, whatever they do, and whatever happens to it", async (t) => {
  // Each step goes on from where the one before it has led.
  const step = async (name: string, work: () => Promise<void>) => {
    if (!await t.step(name, work)) throw new Error(`not beyond this step: ${name}`);
  };
  await using host = await AgentHost.make("trixie", VERSIONS);
  const { stage } = host;
  const pid = () => host.show("MainPID");
  /** The processes of the services themselves, which no change of how they are kept may disturb. */
  const servers = async (...services: readonly string[]) =>
    await Promise.all(services.map((service) => host.show("MainPID", `${service}-server.service`)));
  const exists = async (path: string) =>
    (await stage.exec(["test", "-e", path], { mayFail: true })).status === 0;

  await step("first deployments: few at once, in order, and nobody waits for what is broken", async () => {
    // What hangs comes first, so that all others have something in front of them.
    host.announce(1, "hangs");
    await host.configure(SERVICES, "max-realisations = 2", "max-activations = 3");
    const most = await host.watch(async () => {
      await host.start();
      await host.began(1, "hangs");
      const others = Object.keys(SERVICES).filter((service) => service !== "hangs");
      host.announce(1, ...others);
      await host.poll(...others);
      await host.areAt(1, SOUND);
    });
    const broken = ["fails", "aborts", "unwell", "hangs"];
    await eventually("the broken ones are taken back", async () => {
      const told = await host.status();
      return broken.every((service) => told.get(service)?.state === "rolled-back");
    });
    const told = await host.status();
    assert.deepEqual([...told.keys()].toSorted(), Object.keys(SERVICES).toSorted());
    assert.match(told.get("hangs")?.deployment?.fault?.message ?? "", /time limit|within/);
    isInOrder(host, 1);
    const hung = host.when("begin", "hangs", 1) ?? Infinity;
    const meanwhile = SOUND.filter((service) => {
      const ended = host.when("end", service, 1) ?? Infinity;
      return hung < ended && ended < hung + HANG_LIMIT;
    });
    assert.ok(meanwhile.length >= 5, `while one hung only these were activated: ${meanwhile}`);
    assert.ok([2, 3].includes(most.activations), `${most.activations} activations at once`);
    assert.ok([1, 2].includes(most.realisations), `${most.realisations} realisations at once`);
    const table = (await host.hail("status")).stdout;
    for (const service of Object.keys(SERVICES)) assert.match(table, new RegExp(`^${service} +\\S`, "m"));
    assert.match(await host.show("StatusText"), /^20 services: 16 active, 4 rolled-back$/);
    assert.equal(await host.show("NRestarts"), "0");
  });

  await step("hail poll NAME wakes one service at once", async () => {
    host.announce(2, "quick");
    const begun = Date.now();
    await host.poll("quick");
    await host.began(2, "quick");
    const took = (host.when("begin", "quick", 2) ?? Infinity) - begun;
    say(`from the word to the start of the activation: ${took} ms, the download included`);
    assert.ok(took < 5_000, `${took} ms`);
    await host.areAt(2, ["quick"]);
    assert.equal(host.times("begin", "db", 1), 1, "the others were left alone");
  });

  await step("updates come in order, though the last one hears of it first", async () => {
    const reversed = CHAIN.toReversed();
    host.announce(2, ...reversed);
    for (const service of reversed) await host.poll(service);
    await host.areAt(2, CHAIN);
    isInOrder(host, 2);
  });

  await step("a reload under load disturbs nothing that is under way; a bad file is refused", async () => {
    const agent = await pid();
    host.announce(2, ...SLOW);
    host.announce(3, "quick");
    await host.poll(...SLOW);
    await host.began(2, ...SLOW);
    await host.poll("quick");
    await eventually(
      "the fourth waits for its turn",
      async () => (await host.status()).get("quick")?.state === "activating",
    );
    const running = await host.activations();
    assert.equal(running.size, 3);
    assert.equal(host.when("begin", "quick", 3), null);

    await host.configure(
      { ...SERVICES, slow1: { lines: ['health-timeuot = "1m"'] } },
      'on-removal = "purge"',
    );
    await host.reload(/the old one stays in force/);
    assert.match(await host.log(), /services\.slow1\.health-timeuot: .*Did you mean health-timeout\?/);
    assert.deepEqual(await host.activations(), running);

    const changed = { lines: ['health-timeout = "1m"'] };
    const services = { ...SERVICES, slow1: changed, slow2: changed, quick: changed };
    await host.configure(services, "max-realisations = 2", "max-activations = 4");
    await host.reload(/read again: 0 new, 3 changed, 0 gone, 17 as before/);
    // There is room for one more now.
    await host.began(3, "quick");
    for (const [unit, run] of running) {
      assert.equal((await host.activations()).get(unit), run);
    }
    await host.letGo("slow-2");
    await host.areAt(2, SLOW);
    await host.areAt(3, ["quick"]);
    for (const service of SLOW) {
      assert.equal(host.times("begin", service, 2), 1);
      assert.equal(host.times("end", service, 2), 1);
    }
    await eventually(
      "the new settings",
      async () =>
        (await host.log()).match(/^(slow1|slow2|quick): its new settings are in force$/gm)?.length === 3,
    );
    assert.equal(await pid(), agent);
  });

  await step("services that are taken out are kept, deactivated or purged, never their data", async () => {
    const before = await servers("keep", "named");
    const { keep: _, off: __, purge: ___, ...left } = SERVICES;
    await host.configure(left, "max-realisations = 2", "max-activations = 4");
    await host.reload(/read again: 0 new, 3 changed, 3 gone, 14 as before/);
    await eventually("purge is forgotten", async () => !(await host.status()).has("purge"));
    await eventually("off is deactivated", () => host.times("off", "off", 1) === 1);
    assert.equal(host.times("off", "purge", 1), 1);
    assert.equal(host.times("off", "keep", 1), 0);
    assert.deepEqual(await servers("keep", "named"), before);
    assert.deepEqual(await servers("off", "purge"), ["0", "0"]);
    for (const service of ["keep", "off", "purge"]) {
      assert.equal(await exists(`/srv/data/${service}`), true, service);
      assert.equal(await exists(`${PROFILES}/${service}`), service !== "purge", service);
      assert.equal(await exists(`${PROFILES}/${service}-1-link`), service !== "purge", service);
    }
  });

  const { keep: _keep, off: _off, purge: _purge, named: _named, ...rest } = SERVICES;
  const final = { ...rest, renamed: { job: "named", lines: ['renamed-from = "named"'] } };

  await step("a service with another name goes on: its process, its versions and its history", async () => {
    const [before] = await servers("named");
    await host.configure(final, "max-realisations = 2", "max-activations = 4");
    await host.reload(/read again: 1 new, 0 changed, 1 gone, 16 as before/);
    await eventually("renamed is active", async () => {
      const told = await host.status();
      return told.get("renamed")?.state === "active" && !told.has("named");
    });
    assert.deepEqual(await servers("named"), [before]);
    assert.equal(host.times("off", "named", 1), 0);
    assert.equal(await exists(`${PROFILES}/named`), false);
    const leads = await stage.exec(["readlink", "-f", `${PROFILES}/renamed`]);
    assert.equal(leads.stdout.trim(), host.pathOf("named", 1));
    const { stdout } = await host.hail("history", "renamed", "--json");
    const { deployments } = JSON.parse(stdout) as { deployments: { id: number; kind: string }[] };
    assert.deepEqual(deployments.filter(({ id }) => id === 1).map(({ kind }) => kind), ["first"]);
  });

  await step("an activation kills the agent in the middle of others: each runs once", async () => {
    const agent = await pid();
    host.announce(3, ...SLOW);
    host.announce(2, "kills");
    await host.poll(...SLOW, "kills");
    await host.began(3, ...SLOW);
    await host.began(2, "kills");
    const running = await host.activations();
    assert.equal(running.size, 4);
    await host.letGo("kill-hail");
    await eventually("another agent", async () => ![agent, "0"].includes(await pid()));
    await host.areAt(2, ["kills"]);
    for (const [unit, run] of await host.activations()) {
      if (/slow/.test(unit)) assert.equal(running.get(unit), run, unit);
    }
    await host.letGo("slow-3");
    await host.areAt(3, SLOW);
    for (const service of SLOW) assert.equal(host.times("begin", service, 3), 1);
    assert.equal(host.times("begin", "kills", 2), 1);
  });

  await step("a power cut in the middle of several deployments: they end well after the boot", async () => {
    host.announce(4, ...SLOW);
    await host.poll(...SLOW);
    await host.began(4, ...SLOW);
    await stage.crash();
    await host.letGo("slow-4");
    await stage.up();
    await host.areAt(4, SLOW);
    await host.areAt(2, CHAIN);
    for (const service of ["floods", "daemon"]) await host.areAt(1, [service]);
    const wanted = [...CHAIN, ...SLOW, "daemon", "kills", "named", "quick"];
    // What is active may still have to be started again.
    await eventually("all services run", async () => !(await servers(...wanted)).includes("0"));
    const left = await stage.exec(["sh", "-c", `ls -A ${PROFILES} | grep hail-root`], { mayFail: true });
    assert.equal(left.stdout, "");
  });

  await step("a stop ends the agent alone", async () => {
    // What runs may still be verified, since the boot.
    await host.areAt(2, CHAIN);
    const before = await servers(...CHAIN);
    await stage.exec(["systemctl", "stop", AGENT]);
    assert.equal(await host.show("Result"), "success");
    const faults = /^.*(hail itself is at fault|systemd cannot be told|Watchdog timeout).*$/gm;
    // The power cut ends systemd a moment before the agent, which may notice that.
    const cut = /systemd cannot be told how hail is doing: Connection refused/;
    assert.deepEqual(((await host.log()).match(faults) ?? []).filter((line) => !cut.test(line)), []);
    assert.deepEqual(await servers(...CHAIN), before);
    const told = await host.status();
    assert.equal(told.get("front")?.state, "active");
  });
});

Deno.test("bookworm: an agent deploys, reads its configuration again, and comes back from a kill", async () => {
  const names = ["web", "api", "db"];
  await using host = await AgentHost.make("bookworm", [
    ...names.map((service) => ({ service, version: 1 })),
    { service: "web", version: 2, work: waitFor("web-2") },
  ]);
  const services = { web: { lines: ['after = ["db"]'] }, api: {}, db: {} };
  host.announce(1, ...names);
  await host.configure(services);
  await host.start();
  await host.areAt(1, names);
  assert.ok((host.when("end", "db", 1) ?? Infinity) <= (host.when("begin", "web", 1) ?? 0));
  await host.configure({ ...services, api: { lines: ['soak-time = "1s"'] } });
  await host.reload(/read again: 0 new, 1 changed, 0 gone, 2 as before/);
  host.announce(2, "web");
  await host.poll("web");
  await host.began(2, "web");
  const running = await host.activations();
  await host.stage.exec(["systemctl", "kill", "--signal=KILL", "--kill-who=main", AGENT]);
  await eventually(
    "the next agent waits for it",
    async () => /still runs as activate-hail-web-/.test(await host.log()),
  );
  assert.deepEqual(await host.activations(), running);
  await host.letGo("web-2");
  await host.areAt(2, ["web"]);
  assert.equal(host.times("begin", "web", 2), 1);
});

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}
