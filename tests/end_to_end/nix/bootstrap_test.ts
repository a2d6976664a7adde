import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isName } from "../../../lib/systemd/unit_name.ts";
import { parseJobUri } from "../../../lib/hydra/job_uri.ts";
import { parseDuration } from "../../../lib/time/period.ts";
import { NIX_SUITES, NixTree } from "../../support/nix_tree.ts";
import { NAMES, NO_NAMES } from "../../support/service_names.ts";

const BOOTSTRAP = fileURLToPath(new URL("../../../hail-systemd-bootstrap.nix", import.meta.url));
const URI = "https://hydra.example.org/job/shop/main/web";

/** What stands in for packages: nixpkgs is not needed. */
const TOOLS = `nix = "/usr"; bash = "/usr"; coreutils = "/usr"; systemd = "/usr";`;

/** A JSON value as a file that Nix reads: so nothing has to be quoted for Nix. */
async function json(tree: NixTree, name: string, value: unknown): Promise<string> {
  const path = `${tree.folder}/tmp/${name}.json`;
  await Deno.writeTextFile(path, JSON.stringify(value));
  return `(builtins.fromJSON (builtins.readFile ${path}))`;
}

function bootstrap(options: string, more = `hail = "/opt/hail";`): string {
  return `import ${BOOTSTRAP} { ${TOOLS} ${more} } { ${options} }`;
}

async function build(tree: NixTree, expression: string): Promise<string> {
  return (await tree.run(["nix-build", "--no-out-link", "--expr", expression])).stdout.trim();
}

/** What evaluation fails with; null if it does not. */
async function refusal(tree: NixTree, expression: string): Promise<string | null> {
  const result = await tree.run(["nix-instantiate", "--expr", expression], { mayFail: true });
  return result.status === 0 ? null : result.stderr;
}

const read = (tree: NixTree, path: string) => Deno.readTextFile(tree.outside(path));

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: hail-systemd-bootstrap.nix builds a profile without nixpkgs`, async (t) => {
    await using tree = await NixTree.make(suite);
    const hail = `${tree.folder}/tmp/dist`;
    await Deno.mkdir(`${hail}`);
    await Deno.writeTextFile(`${hail}/hail`, `#!/bin/sh\necho "$@"\n`, { mode: 0o755 });
    const services = await json(tree, "services", {
      manager: "https://hydra.example.org/job/fleet/main/services",
      web: {
        jobUri: "https://hydra.example.org/base/job/shop/main/we%20b/latest",
        netrcFile: "/etc/hail/netrc",
        pollPeriod: "30s",
        extraFlags: ["--log-level", "debug"],
        serviceConfig: { MemoryMax: "1G", WatchdogSec: null, Environment: ["A=1", "B=2"], TimeoutStopSec: 5 },
      },
    });
    const options =
      `services = ${services}; target = "graphical"; namespace = "fleet"; unitFolder = "/run/units";`;
    const profile = await build(
      tree,
      bootstrap(options, `hail = ${hail}; lib = throw "unused"; writeScriptBin = null;`),
    );

    await t.step("it has bin/hail, bin/activate and one unit for each service", async () => {
      const names = async (folder: string) =>
        (await Array.fromAsync(Deno.readDir(tree.outside(folder)))).map(({ name }) => name).sort();
      assert.deepEqual(await names(`${profile}/bin`), ["activate", "hail"]);
      assert.deepEqual(await names(`${profile}/share/hail/units`), [
        "hail-manager.service",
        "hail-web.service",
      ]);
      const program = await Deno.readLink(tree.outside(`${profile}/bin/hail`));
      assert.match(program, /^\/nix\/store\/[a-z0-9]{32}-dist\/hail$/);
      const references = await tree.run(["nix-store", "--query", "--references", profile]);
      assert.match(references.stdout, /-dist$/m);
    });

    await t.step("a unit runs hail with the options of its service", async () => {
      const manager = await read(tree, `${profile}/share/hail/units/hail-manager.service`);
      const web = await read(tree, `${profile}/share/hail/units/hail-web.service`);
      assert.match(
        manager,
        /^ExecStart="\/nix\/store\/[^"]*\/hail" "--profile" "hail-profiles\/manager" "--job-uri" "https:\/\/hydra\.example\.org\/job\/fleet\/main\/services"$/m,
      );
      assert.match(
        web,
        /"--job-uri" "https:\/\/hydra\.example\.org\/base\/job\/shop\/main\/we%%20b\/latest" "--netrc-file" "\/etc\/hail\/netrc" "--poll-period" "30s" "--log-level" "debug"$/m,
      );
      assert.match(manager, /^\[X-Hail\]\nNamespace=fleet$/m);
      assert.match(manager, /^RequiresMountsFor=\/var\/lib\/hail$/m);
    });

    await t.step("serviceConfig replaces settings, takes them out, and adds to the environment", async () => {
      const lines = (await read(tree, `${profile}/share/hail/units/hail-web.service`)).split("\n");
      const values = (key: string) =>
        lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
      assert.deepEqual(values("MemoryMax"), ["1G"]);
      assert.deepEqual(values("WatchdogSec"), []);
      assert.deepEqual(values("TimeoutStopSec"), ["5"]);
      assert.deepEqual(values("Environment").slice(1), ["A=1", "B=2"]);
      assert.match(values("Environment")[0] ?? "", /^"PATH=\/usr\/bin:/);
      assert.deepEqual(values("Restart"), ["always"]);
    });

    await t.step("bin/activate names everything by absolute path", async () => {
      const activate = await read(tree, `${profile}/bin/activate`);
      assert.match(activate, /^#!\/usr\/bin\/bash\n/);
      assert.match(activate, /exec \/usr\/bin\/systemd-run /);
      assert.ok(activate.includes(`-- ${profile}/bin/hail apply-units`), activate);
      assert.ok(activate.includes(`--units ${profile}/share/hail/units`));
      assert.match(activate, /--namespace 'fleet'[^]*--target 'graphical'[^]*--unit-folder '\/run\/units'/);
      assert.equal(((await Deno.stat(tree.outside(`${profile}/bin/activate`))).mode ?? 0) & 0o777, 0o555);
      await tree.run(["bash", "-n", tree.outside(`${profile}/bin/activate`)]);
    });

    await t.step("a change of one service leaves the units of the others as they are", async () => {
      const unit = "share/hail/units/hail-manager.service";
      const other = await build(
        tree,
        bootstrap(
          `services = { inherit (${services}) manager; new = "${URI}"; }; namespace = "fleet";`,
          `hail = ${hail};`,
        ),
      );
      assert.equal(await read(tree, `${other}/${unit}`), await read(tree, `${profile}/${unit}`));
    });

    await t.step("hail may be a package, and the tools as well", async () => {
      const fake =
        `(name: files: derivation { inherit name; system = builtins.currentSystem; builder = "/bin/sh";
        args = [ "-c" "/bin/mkdir -p $out/bin; for f in \${files}; do /bin/ln -s /bin/$f $out/bin/; done" ]; })`;
      const packages =
        `bash = fake "bash" "bash"; coreutils = fake "coreutils" "mkdir cp ln chmod"; nix = fake "nix" "";
        systemd = fake "systemd" ""; hail = fake "hail-0" "true";`;
      const options = `{ services.web = "${URI}"; }`;
      const package_ = await build(
        tree,
        `let fake = ${fake}; program = derivation { name = "hail"; system = builtins.currentSystem; builder = "/bin/sh";
          args = [ "-c" "/bin/mkdir -p $out/bin; /bin/cp /bin/true $out/bin/hail" ]; };
         in import ${BOOTSTRAP} ({ ${packages} } // { hail = program; }) ${options}`,
      );
      const unit = await read(tree, `${package_}/share/hail/units/hail-web.service`);
      assert.match(unit, /^ExecStart="\/nix\/store\/[a-z0-9]{32}-hail\/bin\/hail" /m);
      const references = (await tree.run(["nix-store", "--query", "--references", package_])).stdout;
      for (const name of ["bash", "coreutils", "nix", "systemd", "hail"]) {
        assert.match(references, new RegExp(`-${name}$`, "m"));
      }
      const broken = await tree.run(
        [
          "nix-build",
          "--no-out-link",
          "--expr",
          `let fake = ${fake}; in import ${BOOTSTRAP} { ${packages} } ${options}`,
        ],
        { mayFail: true },
      );
      assert.notEqual(broken.status, 0);
      assert.match(broken.stderr, /'hail' is not a package of hail/);
    });

    await t.step("no services make a profile without units", async () => {
      const none = await build(tree, bootstrap("services = { };", `hail = ${hail};`));
      assert.deepEqual(await Array.fromAsync(Deno.readDir(tree.outside(`${none}/share/hail/units`))), []);
    });
  });

  Deno.test(`${suite}: hail-systemd-bootstrap.nix refuses what is wrong, and says which service it is`, async () => {
    await using tree = await NixTree.make(suite);
    const service = (text: string) => `services.web = { jobUri = "${URI}"; ${text} };`;
    const cases: [string, RegExp][] = [
      [`services = [ ];`, /services \(a list\) is not a set/],
      [`services."we/b" = "${URI}";`, /service 'we\/b' is not a name/],
      [`services.web = 5;`, /service 'web': \(a int\) is neither the URI of a job nor a set/],
      [`services.web = { };`, /service 'web' has no jobUri/],
      [
        `services.web = { jobUri = "${URI}"; jobURI = ""; };`,
        /service 'web' has the unknown key 'jobURI'; it may have/,
      ],
      [
        `services.web = "http://host/jobset/p/j";`,
        /service 'web': jobUri 'http:\/\/host\/jobset\/p\/j' is not/,
      ],
      [
        service(`netrcFile = /etc/netrc;`),
        /netrcFile is a path, so the file would be copied into the store, where everybody can read it/,
      ],
      [service(`netrcFile = "netrc";`), /netrcFile 'netrc' is not the absolute path/],
      [service(`hostNumberFile = ./number;`), /hostNumberFile is a path, .* the same for every host/],
      [service(`netrcFile = builtins.toFile "netrc" "";`), /netrcFile lies in the store/],
      [service(`pollPeriod = 0;`), /pollPeriod '0' is neither/],
      [service(`pollPeriod = "-5";`), /pollPeriod '-5' is neither/],
      [service(`extraFlags = "--x";`), /extraFlags is not a list of strings/],
      [
        service(`extraFlags = [ "a\\nb" ];`),
        /extraFlags is not a list of strings without control characters/,
      ],
      [service(`extraFlags = [ "--oneshot" ];`), /extraFlags has '--oneshot'/],
      [service(`extraFlags = [ "--profile=x" ];`), /extraFlags has '--profile=x'/],
      [service(`serviceConfig = [ ];`), /serviceConfig is not a set/],
      [service(`serviceConfig.ExecStart = "x";`), /serviceConfig.ExecStart cannot be changed/],
      [service(`serviceConfig.memory = "x";`), /serviceConfig has 'memory'/],
      [service(`serviceConfig.User = "a\\nExecStart=b";`), /serviceConfig.User is not a string in one line/],
      [service(`serviceConfig.User = "a\\\\";`), /serviceConfig.User is not a string in one line/],
      [`services = { }; namespace = "a b";`, /namespace 'a b' is not a name/],
      [`services = { }; target = "../x";`, /target '\.\.\/x' is not a name/],
      [`services = { }; unitFolder = "etc";`, /unitFolder 'etc' is not the absolute path/],
      [`services = { }; unknown = 1;`, /unexpected argument '?unknown/],
    ];
    for (const [options, why] of cases) {
      assert.match(await refusal(tree, bootstrap(options)) ?? "accepted", why);
    }
    assert.match(
      await refusal(tree, bootstrap("services = { };", "")) ?? "accepted",
      /'hail' is missing: pass the package/,
    );
    assert.match(
      await refusal(tree, bootstrap("services = { };", `hail = "./dist";`)) ?? "accepted",
      /hail '\.\/dist' is neither a package nor the absolute path/,
    );
    const secret = await refusal(tree, bootstrap(`services.web = "http://user:pa55@host/job/p/j/x";`));
    assert.match(secret ?? "accepted", /service 'web': jobUri \(with an '@'\)/);
    assert.doesNotMatch(secret ?? "", /hail-systemd-bootstrap: .*pa55/);
  });

  Deno.test(`${suite}: Nix and hail have the same idea of a name, a job URI and a period`, async () => {
    await using tree = await NixTree.make(suite);
    const names = [...NAMES, ...NO_NAMES];
    const uris = [
      URI,
      "",
      "http",
      "HTTP://h/job/a/b/c",
      "http://h:8080/x/y/job/a/b/c/",
      "http://[::1]:1/job/a/b/c",
    ]
      .concat([
        `${URI}/latest`,
        `${URI}/latest-finished`,
        `${URI}/latest-for/x86_64-linux`,
        `${URI}/latest-for`,
      ])
      .concat([
        "ftp://h/job/a/b/c",
        "http://h/a/b/c",
        "http://u@h/job/a/b/c",
        `${URI}?x`,
        `${URI}#x`,
        `${URI} x`,
      ])
      .concat([
        `${URI}\n`,
        "http://h/job/a//c",
        "http://h/job/a/b/c%2",
        "http://h/job/a/b/c%20d",
        "http:///job/a/b/c",
      ])
      .concat([
        ...["..", ".", "%2e%2e", "%2E", ".%2e"].map((dots) => `http://h/job/${dots}/b/c`),
        ...[
          "http://h/./job/a/b/c",
          "http://h/job/a/b/c/..",
          "http://h/job/a/b/...",
          "http://h/.job/job/a/b/c.",
        ],
        ...["%0a", "%1F", "%7f", "%7F", "%00", "%20", "%2f", "%80"].map((code) =>
          `http://h/job/a/b/c${code}`
        ),
        ...["0", "1", "00", "00080", "000080", "9999", "65535", "65536", "66000", "70000", "99999", ""]
          .map((port) => `http://h:${port}/job/a/b/c`),
        ...[
          "/latest",
          "/latest/latest",
          "/latest-finished/latest",
          "/latest-for/b",
          "/latest-for/b/c",
          "/latest-for",
        ]
          .map((end) => `http://h/job/a${end}`),
        ...[
          "/latest",
          "/latest-finished",
          "/latest-for/s",
          "/latest-for/latest",
          "/latest-for/%2",
          "/latest/",
        ]
          .map((end) => `http://h/job/a/b${end}`),
        ...["http://h/job/latest/latest/latest", "http://h/job/latest/latest/latest/latest"],
        ...[
          "/latest-for/%2",
          "/latest-for/%0a",
          "/latest-for/..",
          "/latest-for/s/",
          "/latest//",
          "//latest",
          "//",
        ]
          .map((end) => `${URI}${end}`),
        ...[
          "http://h/job/a/b/c/d",
          "http://h/job/job/job/job",
          "http://h/job/job/job",
          "http://h",
          "http://h/",
        ],
      ]);
    // Nix takes them, hail does not: what numbers make an address is left to hail.
    const laxer = ["http://999.1.1.1/job/a/b/c", "http://[1]/job/a/b/c"];
    const periods = [
      "5",
      "0.5",
      "30s",
      "5m",
      "1h",
      "1h30m",
      "1.5h",
      "500m",
      "2d",
      "0",
      "0s",
      "-1",
      "",
      "s",
      "5x",
    ]
      .concat(["1 h", "1e3", "30m1h", ".5", "5.", "1h1h"])
      .concat([
        ...[
          "7d",
          "6d23h59m60s",
          "7d1ms",
          "7d0.4ms",
          "8d",
          "31d",
          "366d",
          "168h",
          "168.1h",
          "8760h",
          "10080",
          "10081",
        ],
        ...[
          "100000d",
          "99999999999999999999d",
          "604800000ms",
          "604800001ms",
          "9999999999ms",
          "99999999999ms",
        ],
        ...[
          "1000ms",
          "999ms",
          "999.9ms",
          "1ms",
          "0.4ms",
          "0.5ms",
          "0.0000001s",
          "1s",
          "0.999s",
          "0.9999s",
          "00.5m",
        ],
        ...[
          "0.1",
          "0.016",
          "0.0166666666666666666666666667",
          "0.017",
          "0.00001d",
          "0.00002d",
          "00007",
          "007d",
        ],
        ...[
          "0000000000000000001s",
          "0m1s",
          "0m0.5s",
          "0h0m2s",
          "0000000000000000000s",
          "ms",
          "1.5h30m",
          "5\n",
        ],
      ]);
    const accepts = (check: (text: string) => unknown) => (text: string) => {
      try {
        return check(text) !== false;
      } catch {
        return false;
      }
    };
    const expression = `let
      try = services: (builtins.tryEval (import ${BOOTSTRAP} { ${TOOLS} hail = "/opt/hail"; } { inherit services; }).drvPath).success;
    in {
      names = map (name: try { \${name} = "${URI}"; }) ${await json(tree, "names", names)};
      uris = map (uri: try { web = uri; }) ${await json(tree, "uris", [...uris, ...laxer])};
      periods = map (pollPeriod: try { web = { jobUri = "${URI}"; inherit pollPeriod; }; }) ${await json(
      tree,
      "periods",
      periods,
    )};
    }`;
    const { stdout } = await tree.run([
      "nix-instantiate",
      "--eval",
      "--strict",
      "--json",
      "--expr",
      expression,
    ]);
    const answer = JSON.parse(stdout);
    const table = (texts: string[], verdicts: boolean[]) =>
      texts.map((text, index) => [text, verdicts[index]]);
    assert.deepEqual(table(names, answer.names), table(names, names.map(accepts(isName))));
    assert.deepEqual(table(uris, answer.uris), table(uris, uris.map(accepts(parseJobUri))));
    assert.deepEqual(answer.uris.slice(uris.length), laxer.map(() => true));
    assert.deepEqual(laxer.map(accepts(parseJobUri)), laxer.map(() => false));
    const period = (text: string) => parseDuration(text, { bareUnit: "m" });
    assert.deepEqual(table(periods, answer.periods), table(periods, periods.map(accepts(period))));
  });
}
