/** hail-systemd-bootstrap.nix with `agent`: one unit and one configuration. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../../lib/config/load.ts";
import type { ServiceSettings } from "../../../lib/settings/service.ts";
import { AGENT_SETTINGS, keysOf, SERVICE_SETTINGS } from "../../../lib/settings/table.ts";
import { readServiceWords } from "../../../lib/settings/words.ts";
import { AGENT_BUILD } from "../../../lib/systemd/unit_name.ts";
import { buildOf, differInSection, keptServices } from "../../../lib/systemd/unit_text.ts";
import { NIX_SUITES, NixTree } from "../../support/nix_tree.ts";

const BOOTSTRAP = fileURLToPath(new URL("../../../hail-systemd-bootstrap.nix", import.meta.url));
const HYDRA = "https://hydra.example.org";
const MANAGER = `${HYDRA}/job/fleet/main/services`;
const WEB = `${HYDRA}/job/shop/main/web`;
const PROFILES = "/nix/var/nix/profiles";

const TOOLS = `nix = "/usr"; bash = "/usr"; coreutils = "/usr"; systemd = "/usr";`;

/** A hail for builds: it takes every configuration, or none. */
const HAIL = {
  content: `#!/bin/sh\necho "$@"\n`,
  strict: `#!/bin/sh\ncase $* in *check*) echo "agent.json:1: web: it is wrong" >&2; exit 2 ;; esac\n`,
};

/** Options of a service, all of which a unit of its own takes as well. */
const OPTIONS = {
  netrcFile: "/etc/hail/netrc",
  pollPeriod: 0.5,
  hostNumberFile: "/etc/hail/number",
  onManualChange: "hold",
  refuseDowngrade: true,
  activationRunner: "child",
  gate: ["delay 1h", 'inhibit "/run/hail/$HOME 100%i"'],
  activationDegradedStatus: [4, "5,6"],
  healthCheck: ["tcp localhost:80", "unit nginx.service timeout=5s"],
  soakTime: 0,
  confirmHydra: true,
  requestTimeout: "30s",
  realiseTimeout: "1h",
  activationTimeout: 7,
  healthTimeout: "90s",
  confirmTimeout: "3m",
  keepGenerations: 10,
  keepDays: "30",
};

async function makeHail(tree: NixTree, kind: keyof typeof HAIL): Promise<string> {
  const folder = `${tree.folder}/tmp/${kind}/dist`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/hail`, HAIL[kind], { mode: 0o755 });
  return folder;
}

let written = 0;

/** What `nix-build` makes of arguments, which are JSON: so nothing has to be quoted for Nix. */
async function build(tree: NixTree, hail: string, args: Record<string, unknown>, mayFail = false) {
  const path = `${tree.folder}/tmp/arguments-${++written}.json`;
  await Deno.writeTextFile(path, JSON.stringify(args));
  const expression = `import ${BOOTSTRAP} { ${TOOLS} hail = ${hail}; }
    (builtins.fromJSON (builtins.readFile ${path}))`;
  const result = await tree.run(["nix-build", "--no-out-link", "--expr", expression], { mayFail });
  return { ...result, profile: result.stdout.trim() };
}

/** What evaluation of Nix's own words says; null if it does not fail. */
async function refusal(tree: NixTree, options: string): Promise<string> {
  const expression = `import ${BOOTSTRAP} { ${TOOLS} hail = "/opt/hail"; } { ${options} }`;
  const result = await tree.run(["nix-instantiate", "--expr", expression], { mayFail: true });
  return result.status === 0 ? "accepted" : result.stderr;
}

/** What a unit of its own and an agent say alike of a service. */
function withoutNames(service: ServiceSettings | undefined): Record<string, unknown> {
  const others = new Set(["name", "words", "after", "onRemoval", "renamedFrom"]);
  return Object.fromEntries(Object.entries(service ?? {}).filter(([key]) => !others.has(key)));
}

const read = (tree: NixTree, path: string) => Deno.readTextFile(tree.outside(path));

async function names(tree: NixTree, folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(tree.outside(folder)))).map(({ name }) => name).sort();
}

const agentUnit = (tree: NixTree, profile: string) => read(tree, `${profile}/share/hail/units/hail.service`);

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: hail-systemd-bootstrap.nix makes one unit and one configuration for an agent`, async (t) => {
    await using tree = await NixTree.make(suite);
    const hail = await makeHail(tree, "content");
    const services = {
      manager: MANAGER,
      web: { jobUri: WEB, ...OPTIONS, after: ["manager"], onRemoval: "purge", renamedFrom: "www" },
    };
    const { profile } = await build(tree, hail, { agent: true, services });

    await t.step("no service has a unit", async () => {
      assert.deepEqual(await names(tree, `${profile}/share/hail/units`), ["hail.service"]);
      assert.deepEqual(await names(tree, `${profile}/etc/hail`), ["agent.json"]);
      assert.deepEqual(await names(tree, `${profile}/bin`), ["activate", "hail"]);
    });

    await t.step("the unit runs the agent by a link to this build, and names what it keeps", async () => {
      const unit = await agentUnit(tree, profile);
      assert.ok(
        unit.includes(
          `\nExecStart="${AGENT_BUILD}/bin/hail" "agent" "--config" "${AGENT_BUILD}/etc/hail/agent.json"\n`,
        ),
        unit,
      );
      assert.equal(buildOf(unit), profile);
      assert.match(unit, /^X-Hail-Program=\/nix\/store\/[a-z0-9]{32}-dist\/hail$/m);
      assert.match(unit, /^Type=notify$/m);
      assert.match(unit, /^WatchdogSec=2min$/m);
      assert.match(unit, /^ExecReload=\/usr\/bin\/bash -c "kill -HUP \$MAINPID"$/m);
      assert.match(unit, /^Namespace=hail-systemd-bootstrap$/m);
      assert.deepEqual([...keptServices(unit)], ["manager", "web"]);
    });

    await t.step("hail takes the configuration, and the options say what they say in units", async () => {
      const loaded = await loadConfig(tree.outside(`${profile}/etc/hail/agent.json`), PROFILES);
      assert.deepEqual(loaded.problems, []);
      const settings = new Map(loaded.settings?.services.map((service) => [service.name, service]));
      assert.deepEqual([...settings.keys()], ["manager", "web"]);
      assert.equal(settings.get("manager")?.profile, `${PROFILES}/hail-profiles/manager`);
      const web = settings.get("web");
      assert.deepEqual([web?.after, web?.onRemoval, web?.renamedFrom], [["manager"], "purge", "www"]);

      const single = await build(tree, hail, { services: { web: { jobUri: WEB, ...OPTIONS } } });
      const text = await read(tree, `${single.profile}/share/hail/units/hail-web.service`);
      const command = /^ExecStart=(.*)$/m.exec(text)?.[1] ?? "";
      // As systemd reads it.
      const [, ...words] = [...command.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = ""]) =>
        word.replaceAll(/\\(.)/g, "$1").replaceAll("%%", "%").replaceAll("$$", "$")
      );
      const options: string[] = [];
      for (const word of words) {
        if (word.startsWith("--")) options.push(word);
        else options.push(`${options.pop()}=${word}`);
      }
      const absolute = options.map((word) => word.replace(/^--profile=/, `--profile=${PROFILES}/`));
      assert.deepEqual(withoutNames(web), withoutNames(readServiceWords(absolute, "web")));
    });

    await t.step("another configuration changes the unit in hail's own section alone", async () => {
      const before = await agentUnit(tree, profile);
      for (
        const other of [
          { agent: true, services: { ...services, web: { ...services.web, pollPeriod: "1m" } } },
          { agent: true, services: { manager: MANAGER } },
          { agent: { maxActivations: 5 }, services },
        ]
      ) {
        assert.ok(differInSection(before, await agentUnit(tree, (await build(tree, hail, other)).profile)));
      }
      const again = await build(tree, hail, { agent: {}, services });
      assert.equal(await agentUnit(tree, again.profile), before);
    });

    await t.step("without services there is no agent", async () => {
      const none = await build(tree, await makeHail(tree, "strict"), { services: {}, agent: true });
      assert.deepEqual(await names(tree, `${none.profile}/share/hail/units`), []);
      assert.deepEqual(await names(tree, none.profile), ["bin", "share"]);
    });

    await t.step("another hail changes it elsewhere, too", async () => {
      const other = `${tree.folder}/tmp/other/dist`;
      await Deno.mkdir(other, { recursive: true });
      await Deno.writeTextFile(`${other}/hail`, `${HAIL.content}# newer\n`, { mode: 0o755 });
      const unit = await agentUnit(tree, (await build(tree, other, { agent: true, services })).profile);
      assert.ok(!differInSection(await agentUnit(tree, profile), unit));
    });

    await t.step("what holds for all stands in agent, with settings of its unit", async () => {
      const agent = {
        ...{ maxActivations: 3, maxRealisations: 4, logLevel: "debug", logFormat: "json" },
        ...{ wakeListen: "127.0.0.1:9", wakeSecretFile: "/etc/hail/secret", stateDir: "/srv/hail" },
        ...{ pollPeriod: "1m", onRemoval: "deactivate", serviceConfig: { MemoryMax: "1G" } },
      };
      const own = { manager: { jobUri: MANAGER, onRemoval: "keep" }, web: WEB };
      const built = await build(tree, hail, { agent, services: own, namespace: "fleet" });
      const loaded = await loadConfig(tree.outside(`${built.profile}/etc/hail/agent.json`), PROFILES);
      assert.deepEqual(loaded.problems, []);
      assert.deepEqual(loaded.settings?.stateDir, "/srv/hail");
      assert.deepEqual(
        [loaded.settings?.maxActivations, loaded.settings?.maxRealisations, loaded.settings?.wake],
        [3, 4, { hostname: "127.0.0.1", port: 9, secretFile: "/etc/hail/secret" }],
      );
      assert.deepEqual(loaded.settings?.services.map(({ period, onRemoval }) => [period, onRemoval]), [
        [60_000, "keep"],
        [60_000, "deactivate"],
      ]);
      assert.match(await agentUnit(tree, built.profile), /^MemoryMax=1G$/m);
    });

    await t.step("bin/activate looks at the configuration before it changes anything", async () => {
      const activate = await read(tree, `${profile}/bin/activate`);
      assert.match(activate, /config check[^]*systemd-run/);
      assert.ok(
        activate.includes(`${profile}/bin/hail config check --config ${profile}/etc/hail/agent.json`),
      );
      await tree.run(["bash", "-n", tree.outside(`${profile}/bin/activate`)]);
      const single = await build(tree, hail, { services: { manager: MANAGER } });
      assert.doesNotMatch(await read(tree, `${single.profile}/bin/activate`), /config check/);
    });

    await t.step(
      "a configuration that hail does not take fails the build, where the build can run hail",
      async () => {
        const args = { agent: true, services: { manager: MANAGER } };
        const failed = await build(tree, await makeHail(tree, "strict"), args, true);
        assert.notEqual(failed.status, 0);
        assert.match(failed.stderr, /agent\.json:1: web: it is wrong/);
      },
    );
  });

  Deno.test(`${suite}: hail-systemd-bootstrap.nix refuses what an agent does not take, and what takes an agent`, async () => {
    await using tree = await NixTree.make(suite);
    const services = (text: string) =>
      `services = { manager = "${MANAGER}"; web = { jobUri = "${WEB}"; ${text} }; };`;
    const agent = (text: string) => `agent = true; ${services(text)}`;
    const cases: [string, RegExp][] = [
      [`agent = 1; ${services("")}`, /agent \(a int\) is neither true, false, nor a set/],
      [
        `agent = { maxActivation = 1; }; ${services("")}`,
        /agent has the unknown key 'maxActivation'; it may have/,
      ],
      [`agent = { after = "web"; }; ${services("")}`, /agent has the unknown key 'after'/],
      [
        `agent = { maxActivations = 0; }; ${services("")}`,
        /agent: maxActivations '0' is not a number from 1 on/,
      ],
      [`agent = { logLevel = "loud"; }; ${services("")}`, /agent: logLevel 'loud' is not one of debug, info/],
      [
        `agent = { wakeSecretFile = /etc/secret; }; ${services("")}`,
        /wakeSecretFile is a path, so the file/,
      ],
      [
        `agent = { serviceConfig.Type = "exec"; }; ${services("")}`,
        /agent: serviceConfig.Type cannot be changed/,
      ],
      [`agent = { serviceConfig = [ ]; }; ${services("")}`, /agent: serviceConfig is not a set/],
      [`agent = true; services."${"x".repeat(101)}" = "${WEB}";`, /a name has at most 100 characters/],
      [
        agent(`extraFlags = [ "--confirm-hydra" ];`),
        /extraFlags is for a service whose hail has a unit of its own/,
      ],
      [
        agent(`serviceConfig.MemoryMax = "1G";`),
        /serviceConfig is for a service whose hail has a unit of its own/,
      ],
      [agent(`onRemoval = "burn";`), /service 'web': onRemoval 'burn' is not one of keep, deactivate, purge/],
      [agent(`gate = [ 5 ];`), /service 'web': gate is not a list of strings/],
      [agent(`confirmHydra = "yes";`), /service 'web': confirmHydra 'yes' is neither true nor false/],
      [
        agent(`activationTimeout = "8d";`),
        /activationTimeout '8d' is neither a number of minutes nor a time/,
      ],
      [agent(`healthCheck = "a\\nb";`), /healthCheck is not a list of strings without control characters/],
      [
        agent(`healthChecks = "tcp h:1";`),
        /service 'web' has the unknown key 'healthChecks'; it may have jobUri/,
      ],
      ...['after = "manager"', 'onRemoval = "purge"', 'renamedFrom = "www"'].map((text): [string, RegExp] => [
        services(`${text};`),
        /service 'web': (after|onRemoval|renamedFrom) takes an agent that knows all services: agent = true/,
      ]),
    ];
    for (const [options, why] of cases) assert.match(await refusal(tree, options), why);
    assert.equal(await refusal(tree, agent("")), "accepted");
  });

  Deno.test(`${suite}: Nix and hail have the same options`, async () => {
    await using tree = await NixTree.make(suite);
    const keys = async (options: string) => {
      const said = /it may have ([A-Za-z, ]*)/.exec(await refusal(tree, options))?.[1] ?? "";
      return said.split(", ").map((key) => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))
        .sort();
    };
    const placed = (place: string) =>
      keysOf(SERVICE_SETTINGS).filter((key) => SERVICE_SETTINGS[key].places.some((one) => one === place));
    const sorted = (...keys: readonly string[]) => keys.filter((key) => key !== "profile").sort();
    const manager = `manager = "${MANAGER}";`;
    assert.deepEqual(
      await keys(`agent = true; services = { ${manager} web = { jobUri = "${WEB}"; x = 1; }; };`),
      sorted(...placed("service")),
    );
    assert.deepEqual(
      await keys(`services = { ${manager} web = { jobUri = "${WEB}"; x = 1; }; };`),
      sorted(...placed("command-line"), "extra-flags", "service-config"),
    );
    assert.deepEqual(
      await keys(`agent = { x = 1; }; services = { ${manager} };`),
      sorted(...placed("defaults"), ...keysOf(AGENT_SETTINGS), "service-config"),
    );
  });
}
