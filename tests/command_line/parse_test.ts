import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { CommandLine } from "../../lib/cli/command_line.ts";
import { EXIT_STATUSES } from "../../lib/cli/epilogue.ts";
import { parseCommandLine } from "../../lib/cli/parse.ts";
import { VERSION } from "../../lib/cli/version.ts";
import { FAILURE_EXIT_STATUS } from "../../lib/failure/failure.ts";
import { readServiceWords } from "../../lib/settings/words.ts";

const FOLDER = "/nix/var/nix/profiles";
const URI = "https://hydra.example/job/shop/main/web";

const COMMANDS = ["status", "history", "check", "poll", "pause", "resume", "retry", "rollback", "remove"];

function parse(...args: string[]) {
  let stdout = "";
  let stderr = "";
  const parsed = parseCommandLine(args, FOLDER, {
    stdout: (text) => stdout += text,
    stderr: (text) => stderr += text,
    columns: 80,
  });
  return { ...parsed, stdout, stderr };
}

function accepted(...args: string[]): CommandLine {
  const result = parse(...args);
  if (!("command" in result)) throw new Error(result.stderr);
  assert.equal(result.stdout + result.stderr, "");
  return result.command;
}

function refused(...args: string[]): string {
  const result = parse(...args);
  assert.ok("exit" in result && result.exit === 2, JSON.stringify(result));
  assert.equal(result.stdout, "");
  assert.match(result.stderr, /\nTry: hail ([a-z-]+ )?--help\n$/);
  return result.stderr;
}

Deno.test("the original's command lines mean what they meant", () => {
  const plain = accepted("--profile", "hail-profiles/web", "--job-uri", URI);
  assert.ok(plain.command === "deploy");
  assert.equal(plain.service.name, "hail-profiles/web");
  assert.equal(plain.service.profile, `${FOLDER}/hail-profiles/web`);
  assert.equal(plain.service.jobUri.text, `${URI}/latest`);
  assert.equal(plain.service.netrcFile, undefined);
  assert.deepEqual([plain.oneshot, plain.service.period], [false, 300_000]);

  const more = accepted(
    "--netrc-file",
    "/etc/n",
    "--job-uri",
    URI,
    "--poll-period",
    "10",
    "--profile",
    "web",
  );
  assert.ok(more.command === "deploy");
  assert.equal(more.service.netrcFile, "/etc/n");
  assert.deepEqual([more.oneshot, more.service.period], [false, 600_000]);

  const once = accepted("--profile=web", `--job-uri=${URI}`, "--oneshot");
  assert.ok(once.command === "deploy");
  assert.equal(once.oneshot, true);
});

Deno.test("time limits and the log have defaults and can be set", () => {
  const set = accepted(
    ...["--profile", "web", "--job-uri", URI, "--request-timeout", "10s", "--realise-timeout", "1h30m"],
    ...["--activation-timeout", "0.5", "--log-level", "debug", "--log-format", "json"],
  );
  assert.ok(set.command === "deploy");
  assert.deepEqual(
    [set.service.request, set.service.realise, set.service.activation, set.logLevel, set.logFormat],
    [10_000, 5_400_000, 30_000, "debug", "json"],
  );
  const plain = accepted("--profile", "web", "--job-uri", URI);
  assert.ok(plain.command === "deploy");
  assert.deepEqual(
    [plain.service.request, plain.service.realise, plain.service.activation, plain.logLevel, plain.logFormat],
    [60_000, 7_200_000, 900_000, "info", "text"],
  );
});

Deno.test("the options that keep a host from breaking have safe defaults", () => {
  const plain = accepted("--profile", "web", "--job-uri", URI);
  assert.ok(plain.command === "deploy");
  assert.equal(plain.stateDir, undefined);
  const { jobUri: _, ...service } = plain.service;
  assert.deepEqual(service, {
    name: "web",
    profile: `${FOLDER}/web`,
    netrcFile: undefined,
    period: 300_000,
    hostNumberFile: undefined,
    request: 60_000,
    realise: 7_200_000,
    activation: 900_000,
    activationRunner: "auto",
    degradedStatuses: [],
    healthChecks: [],
    healthTimeout: 300_000,
    soak: 10_000,
    confirm: null,
    onManualChange: "respect",
    refuseDowngrade: false,
    retention: { generations: null, days: null },
    gates: [],
    after: [],
    onRemoval: "keep",
    renamedFrom: undefined,
    words: [`--profile=${FOLDER}/web`, `--job-uri=${URI}`],
  });
});

/** A command line that sets everything. */
const EVERYTHING = [
  ...["--profile", "web", "--job-uri", URI, "--netrc-file", "secrets/netrc", "--poll-period", "10"],
  ...["--state-dir", "/srv/hail/", "--on-manual-change", "hold", "--refuse-downgrade"],
  ...["--activation-degraded-status", "4,5", "--activation-degraded-status", "100"],
  ...["--health-check", "tcp localhost:80", "--health-check", "http http://localhost/ advisory"],
  ...["--soak-time", "0s", "--confirm-hydra", "--request-timeout", "10s", "--realise-timeout", "1h"],
  ...["--activation-timeout", "5m", "--health-timeout", "1m", "--confirm-timeout", "30s"],
  ...["--keep-generations", "5", "--keep-days", "30", "--log-level", "debug"],
  ...["--gate", "delay 1h", "--gate", 'window "Mon-Fri 02:00-04:00" zone=Europe/Berlin'],
  ...["--activation-runner", "child", "--host-number-file", "number"],
];

Deno.test("the options that keep a host from breaking can be set", () => {
  const set = accepted(...EVERYTHING);
  assert.ok(set.command === "deploy");
  assert.equal(set.stateDir, "/srv/hail");
  const { service } = set;
  assert.deepEqual(service.degradedStatuses, [4, 5, 100]);
  assert.equal(service.healthChecks.length, 2);
  assert.equal(service.gates.length, 2);
  assert.deepEqual([service.healthTimeout, service.soak, service.confirm], [60_000, 0, 30_000]);
  assert.deepEqual([service.onManualChange, service.refuseDowngrade], ["hold", true]);
  assert.deepEqual(service.retention, { generations: 5, days: 30 });
  assert.equal(service.hostNumberFile, "number");
});

Deno.test("the words that a hail remembers of its start mean the same from another place", () => {
  const set = accepted(...EVERYTHING);
  assert.ok(set.command === "deploy");
  const { service } = set;
  assert.ok(service.words.includes(`--profile=${FOLDER}/web`));
  assert.ok(service.words.includes(`--netrc-file=${resolve("secrets/netrc")}`));
  assert.deepEqual(readServiceWords(service.words, "web"), {
    ...service,
    name: `${FOLDER}/web`,
    netrcFile: resolve("secrets/netrc"),
    hostNumberFile: resolve("number"),
  });
});

Deno.test("the commands for services take services, if need be, and their options", () => {
  const common = { services: [], all: false, stateDir: undefined, json: false };
  assert.deepEqual(accepted("status"), { command: "status", ...common, long: false });
  assert.deepEqual(accepted("status", "web", "--json"), {
    command: "status",
    services: ["web"],
    all: false,
    stateDir: undefined,
    json: true,
    long: false,
  });
  assert.deepEqual(accepted("status", "--all", "--long"), {
    command: "status",
    ...common,
    all: true,
    long: true,
  });
  assert.deepEqual(accepted("history"), { command: "history", ...common, limit: 20 });
  assert.deepEqual(accepted("history", "--limit", "5", "web", "api", "--state-dir", "/s"), {
    command: "history",
    services: ["web", "api"],
    all: false,
    stateDir: "/s",
    json: false,
    limit: 5,
  });
  for (const command of ["check", "resume", "retry"]) {
    assert.deepEqual(accepted(command), { command, ...common });
    assert.deepEqual(accepted(command, "--all"), { command, ...common, all: true });
  }
  assert.deepEqual(accepted("poll"), { command: "poll", ...common, pastGates: false });
  assert.deepEqual(accepted("poll", "web", "--past-gates"), {
    command: "poll",
    ...common,
    services: ["web"],
    pastGates: true,
  });
  assert.deepEqual(accepted("rollback"), { command: "rollback", ...common, to: undefined });
  assert.deepEqual(accepted("rollback", "--all"), {
    command: "rollback",
    ...common,
    all: true,
    to: undefined,
  });
  assert.deepEqual(accepted("rollback", "--to", "12"), { command: "rollback", ...common, to: "12" });
  const removed = { command: "remove", ...common, services: ["web"] };
  assert.deepEqual(accepted("remove", "web"), { ...removed, how: null });
  for (const how of ["keep", "deactivate", "purge"]) {
    assert.deepEqual(accepted("remove", "web", `--${how}`), { ...removed, how });
  }
});

Deno.test("a command has options of its own where the deployment has one of the same name", () => {
  const units = accepted(
    ...["apply-units", "--namespace", "n", "--units", "/u", "--target", "t", "--log-level", "debug"],
  );
  assert.ok(units.command === "apply-units");
  assert.equal(units.logLevel, "debug");
});

Deno.test("a pause has a reason and an end, if they are given", () => {
  const plain = accepted("pause");
  assert.ok(plain.command === "pause");
  assert.deepEqual([plain.reason, plain.until], [null, null]);
  const now = Date.now();
  const set = accepted("pause", "web", "--reason", "holidays", "--for", "14d");
  assert.ok(set.command === "pause");
  assert.equal(set.reason, "holidays");
  assert.ok(Math.abs((set.until ?? 0) - now - 14 * 86_400_000) < 10_000);
});

for (
  const [args, says] of [
    [[], /required option '--profile' is missing/],
    [["--profile", "web"], /required option '--job-uri' is missing/],
    [["--profile"], /'--profile <PROFILE>' argument missing/],
    [["--profle", "web"], /unknown option '--profle'\n\(Did you mean --profile\?\)/],
    [["deploy"], /unknown command 'deploy'/],
    [["statsu"], /unknown command 'statsu'\n\(Did you mean status\?\)/],
    [["status", "--all", "web"], /'--all' stands beside a SERVICE/],
    [["rollback", "web", "api", "--to", "12"], /'--to' takes one SERVICE/],
    [["rollback", "--all", "--to", "12"], /'--to' takes one SERVICE/],
    [["remove"], /not said which SERVICE is to be removed: name it, or say --all/],
    [["remove", "web", "--keep", "--purge"], /cannot be used with/],
    [["remove", "web", "--data"], /unknown option '--data'/],
    [["poll", "--past-gate"], /unknown option '--past-gate'\n\(Did you mean --past-gates\?\)/],
    [["status", ""], /argument 'SERVICE': .*it is empty/],
    [["status", "--state-dir", "state"], /'--state-dir': .*absolute path/],
    [["status", "--jsno"], /unknown option '--jsno'\n\(Did you mean --json\?\)/],
    [["--state-dir", "/s", "status"], /'--state-dir' stands before the command/],
    [["--oneshot", "poll"], /'--oneshot' stands before the command/],
    [["history", "--limit", "0"], /'--limit': .*whole number from 1/],
    [["history", "--limit", "many"], /'--limit': .*whole number from 1/],
    [["pause", "--for", "8h", "--until", "18:00"], /cannot be used with/],
    [["pause", "--for", "forever"], /'--for': .*not a duration/],
    [["pause", "--for", "400d"], /'--for': .*too long.*366d/],
    [["pause", "--until", "tomorrow"], /'--until': .*no point in time/],
    [["pause", "--until", "2020-01-01 08:00"], /'--until': .*it has passed/],
    [["pause", "--reason", "a\u001bb"], /'--reason': .*control character/],
    [["pause", "--reason", "x".repeat(501)], /'--reason': .*longer than 500/],
    [["rollback", "--to", ""], /'--to': .*empty/],
    [["aply-units"], /unknown command 'aply-units'\n\(Did you mean apply-units\?\)/],
    [["--profile", "web", "--job-uri", URI, "now"], /unknown command 'now'/],
    [["apply-units", "--namespace", "x", "now"], /unexpected word "now": apply-units takes options only/],
    [["--profile", "web", "--job-uri", URI, "--oneshot", "--poll-period", "5"], /cannot be used with/],
    [["--profile", "web", "--job-uri", URI, "--oneshot", "--host-number-file", "/n"], /cannot be used with/],
    [["--profile", "a/../b", "--job-uri", URI], /'--profile': .*'\.\.'/],
    [["--profile", "web", "--job-uri", "ftp://h/job/a/b/c"], /'--job-uri': /],
    [["--profile", "web", "--job-uri", URI, "--poll-period", "0"], /'--poll-period': .*zero/],
    [["--profile", "web", "--job-uri", URI, "--poll-period", "-5"], /'--poll-period'/],
    [["--profile", "web", "--job-uri", URI, "--poll-period", "soon"], /'--poll-period': /],
    [["--profile", "web", "--job-uri", URI, "--request-timeout", "0s"], /'--request-timeout': /],
    [["--profile", "web", "--job-uri", URI, "--netrc-file", ""], /'--netrc-file': .*empty/],
    [
      ["--profile", "web", "--job-uri", URI, "--log-level", "loud"],
      /Allowed choices are debug, info, warning, error/,
    ],
    [["--profile", "web", "--job-uri", URI, "--activation-degraded-status", "0"], /from 1 to 255/],
    [["--profile", "web", "--job-uri", URI, "--activation-degraded-status", "4,"], /from 1 to 255/],
    [["--profile", "web", "--job-uri", URI, "--health-check", "htp http://h/"], /'--health-check': /],
    [["--profile", "web", "--job-uri", URI, "--gate", "widow Mon"], /'--gate': .*gate/],
    [["--profile", "web", "--job-uri", URI, "--health-timeout", "0"], /'--health-timeout': .*zero/],
    [["--profile", "web", "--job-uri", URI, "--soak-time", "-1"], /'--soak-time': /],
    [
      ["--profile", "web", "--job-uri", URI, "--on-manual-change", "obey"],
      /choices are respect, hold, ignore/,
    ],
    [["--profile", "web", "--job-uri", URI, "--keep-generations", "0"], /'--keep-generations': .*from 1/],
    [["--profile", "web", "--job-uri", URI, "--keep-days", "1.5"], /'--keep-days': .*whole number/],
    [["--profile", "web", "--job-uri", URI, "--state-dir", "../x"], /'--state-dir': /],
    [["apply-units", "--namespace", "x"], /required option '--units' is missing/],
    [["apply-units", "--namspace", "x"], /Did you mean --namespace/],
    [["complete", "csh"], /Allowed choices are zsh, bash, fish, powershell/],
  ] as const
) {
  Deno.test(`wrong use is refused: hail ${args.join(" ")}`, () => {
    assert.match(refused(...args), says);
  });
}

Deno.test("wrong use of a command points to the help of that command", () => {
  assert.match(refused("pause", "--for", "forever"), /\nTry: hail pause --help\n$/);
  assert.match(refused("status", "--jsno"), /\nTry: hail status --help\n$/);
  assert.match(refused("--profile", "web"), /\nTry: hail --help\n$/);
});

Deno.test("a password in a URI is refused and not repeated", () => {
  const said = refused("--profile", "web", "--job-uri", "https://bob:s3cret@hydra.example/job/a/b/c");
  assert.match(said, /netrc/);
  assert.doesNotMatch(said, /s3cret/);
});

for (
  const args of [
    ["--job-urii=https://bob:s3cret@hydra.example/job/a/b/c"],
    ["--password=s3cret"],
    ["--oneshot", "https://bob:s3cret@hydra.example/job/a/b/c"],
    ["apply-units", "https://a-very-long-user-name-indeed:s3cret@hydra.example/job/a/b/c"],
    ["--profile", "web", "--job-uri", URI, "--log-level", "https://bob:s3cret@hydra.example"],
    ["--profile", "web", "--job-uri", URI, "--poll-period", "https://bob:s3cret@hydra.example"],
    ["--profile", "https://bob:s3cret@hydra.example", "--job-uri", URI],
    ["complete", "https://bob:s3cret@hydra.example"],
  ]
) {
  Deno.test(`a password in the wrong place is not repeated: hail ${args.join(" ")}`, () => {
    assert.doesNotMatch(refused(...args), /s3cret/);
  });
}

Deno.test("--help fits 80 columns and tells of every option and every exit status", () => {
  const { stdout, stderr, ...rest } = parse("--help");
  assert.ok("exit" in rest && rest.exit === 0);
  assert.equal(stderr, "");
  for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
  for (
    const option of [
      ...["--profile", "--job-uri", "--netrc-file", "--poll-period", "--host-number-file", "--oneshot"],
      ...["--request-timeout"],
      ...["--realise-timeout", "--activation-timeout", "--log-level", "--log-format", "--help", "--version"],
      ...["--state-dir", "--on-manual-change", "--refuse-downgrade", "--activation-degraded-status"],
      ...["--health-check", "--soak-time", "--confirm-hydra", "--health-timeout", "--confirm-timeout"],
      ...[
        "--gate",
        "--keep-generations",
        "--keep-days",
        "Health and roll-back:",
        "Time limits:",
        "Retention:",
        "Log:",
      ],
      ...["apply-units", "complete", ...COMMANDS],
    ]
  ) assert.ok(stdout.includes(option), option);
  for (const status of new Set([0, ...Object.values(FAILURE_EXIT_STATUS)])) {
    assert.match(stdout, new RegExp(`^ +${status}  `, "m"));
  }
});

for (const command of [...COMMANDS, "apply-units", "complete"]) {
  Deno.test(`hail ${command} --help fits 80 columns and says what it does`, () => {
    const { stdout, stderr, ...rest } = parse(command, "--help");
    assert.ok("exit" in rest && rest.exit === 0);
    assert.equal(stderr, "");
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
    assert.match(stdout, new RegExp(`^Usage: hail ${command}`));
    if (COMMANDS.includes(command)) assert.match(stdout, /SERVICE[^]*--state-dir[^]*--json/);
  });
}

Deno.test("--version prints the version of deno.json", () => {
  const { stdout, ...rest } = parse("--version");
  assert.ok("exit" in rest && rest.exit === 0);
  assert.equal(stdout, `${VERSION}\n`);
  assert.match(VERSION, /^\d+\.\d+\.\d+$/);
});

Deno.test("README has the table of exit statuses that --help has", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  for (const [status, meaning] of EXIT_STATUSES) {
    assert.ok(readme.includes(`| ${status} | ${meaning} |`), `| ${status} | ${meaning} |`);
  }
});
