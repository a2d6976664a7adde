import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../../support/command.ts";
import { Stage, SUITES } from "../../support/stage.ts";

const BOOTSTRAP = fileURLToPath(new URL("../../../hail-systemd-bootstrap.nix", import.meta.url));

/** Stands in for hail: it leaves its arguments and its environment behind. */
const PROGRAM = `#!/bin/sh
printf '%s\\0' "$@" >/run/arguments.tmp
mv /run/arguments.tmp /run/arguments
exec sleep infinity
`;

/** What systemd would make something else of, if it were not quoted well. */
const HOSTILE = [
  ...["$HOME", "${PATH}", "$$", "$$HOME", "a$", "$", "%", "%n", "%%n", "%H %i", "100%"],
  ...[
    "a b",
    "  ",
    "",
    "'",
    '"',
    "'a b'",
    '"a b"',
    `it's "so"`,
    "\\",
    "\\\\",
    "trailing\\",
    "\\n\\x41\\$HOME",
    '\\"',
  ],
  ...[
    ";",
    "a;b",
    "\\;",
    "-",
    "@x",
    "+x",
    "!x",
    ":x",
    "|",
    "&&",
    "`id`",
    "$(id)",
    "#",
    "*",
    "~",
    "[X-Hail]",
    "=",
    "a=b",
  ],
  ...["\u00fcml\u00e4ut \u20ac \u{1f600}", "x".repeat(5_000)],
];

for (const suite of SUITES) {
  Deno.test(`${suite}: systemd hands every value on as it was given, and has no complaint about the unit`, async () => {
    await using stage = await Stage.make({ suite });
    await stage.push(BOOTSTRAP, "/root/hail-systemd-bootstrap.nix");
    await stage.write("/root/stand-in/hail", PROGRAM, 0o755);
    const service = {
      jobUri: "https://hydra.example.org/job/shop/main/100%25/latest",
      netrcFile: `/etc/a b/%n $HOME "netrc"`,
      pollPeriod: 0.5,
      extraFlags: HOSTILE,
      serviceConfig: { Environment: ['"GREETING=good day"'], MemoryMax: "64M", RestartSec: 1 },
    };
    await stage.write("/root/services.json", JSON.stringify({ web: service }));
    const tools = ["nix", "bash", "coreutils", "systemd"].map((name) => `${name} = "/usr";`).join(" ");
    const expression = `import /root/hail-systemd-bootstrap.nix { hail = /root/stand-in; ${tools} } {
      services = builtins.fromJSON (builtins.readFile /root/services.json);
    }`;
    const built = await stage.exec(["nix-build", "--no-out-link", "--expr", expression], {
      env: { NIX_REMOTE: "daemon" },
    });
    const unit = `${built.stdout.trim()}/share/hail/units/hail-web.service`;
    await stage.exec(["cp", unit, "/etc/systemd/system/hail-web.service"]);

    const verified = await stage.exec(["systemd-analyze", "verify", "/etc/systemd/system/hail-web.service"]);
    assert.doesNotMatch(verified.stdout + verified.stderr, /hail-web/);

    await stage.exec(["systemctl", "daemon-reload"]);
    await stage.exec(["systemctl", "start", "--no-block", "hail-web"]);
    const started = async () => (await stage.exec(["cat", "/run/arguments"], { mayFail: true })).status === 0;
    await eventually("the stand-in has run", started);
    const { stdout } = await stage.exec(["cat", "/run/arguments"]);
    assert.deepEqual(stdout.split("\0").slice(0, -1), [
      ...["--profile", "hail-profiles/web", "--job-uri", service.jobUri],
      ...["--netrc-file", service.netrcFile, "--poll-period", "0.500000", ...HOSTILE],
    ]);

    const show = async (name: string) =>
      (await stage.exec(["systemctl", "show", "--value", `--property=${name}`, "hail-web"])).stdout.trim();
    const settings = {
      Type: "notify",
      NotifyAccess: "main",
      Restart: "always",
      RestartUSec: "1s",
      StartLimitIntervalUSec: "0",
      TimeoutStopUSec: "1min 30s",
      WatchdogUSec: "2min",
      KillMode: "mixed",
      OOMPolicy: "continue",
      LimitCORESoft: "0",
      MemoryMax: String(64 * 1024 * 1024),
    };
    for (const [name, value] of Object.entries(settings)) assert.equal(await show(name), value, name);
    assert.match(await show("Environment"), /^PATH=\/usr\/bin:\S+ "GREETING=good day"$/);
    assert.match(await show("After"), /network-online\.target/);
    assert.match(await show("After"), /nix-daemon\.socket/);
    assert.match(await show("Wants"), /network-online\.target/);
  });
}
