import assert from "node:assert/strict";
import type { CommandLine } from "../../lib/cli/command_line.ts";
import { EXIT_STATUSES } from "../../lib/cli/epilogue.ts";
import { parseCommandLine } from "../../lib/cli/parse.ts";
import { VERSION } from "../../lib/cli/version.ts";
import { FAILURE_EXIT_STATUS } from "../../lib/failure/failure.ts";

const FOLDER = "/nix/var/nix/profiles";
const URI = "https://hydra.example/job/shop/main/web";

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
  assert.match(result.stderr, /\nTry: hail --help\n$/);
  return result.stderr;
}

Deno.test("the original's command lines mean what they meant", () => {
  const plain = accepted("--profile", "hail-profiles/web", "--job-uri", URI);
  assert.ok(plain.command === "deploy");
  assert.equal(plain.profile, `${FOLDER}/hail-profiles/web`);
  assert.equal(plain.jobUri.text, `${URI}/latest`);
  assert.equal(plain.netrcFile, undefined);
  assert.deepEqual(plain.schedule, { oneshot: false, period: 300_000 });

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
  assert.equal(more.netrcFile, "/etc/n");
  assert.deepEqual(more.schedule, { oneshot: false, period: 600_000 });

  const once = accepted("--profile=web", `--job-uri=${URI}`, "--oneshot");
  assert.ok(once.command === "deploy");
  assert.deepEqual(once.schedule, { oneshot: true });
});

Deno.test("time limits and the log have defaults and can be set", () => {
  const set = accepted(
    ...["--profile", "web", "--job-uri", URI, "--request-timeout", "10s", "--realise-timeout", "1h30m"],
    ...["--activation-timeout", "0.5", "--log-level", "debug", "--log-format", "json"],
  );
  assert.ok(set.command === "deploy");
  assert.deepEqual(
    [set.request, set.realise, set.activation, set.logLevel, set.logFormat],
    [10_000, 5_400_000, 30_000, "debug", "json"],
  );
  const plain = accepted("--profile", "web", "--job-uri", URI);
  assert.ok(plain.command === "deploy");
  assert.deepEqual(
    [plain.request, plain.realise, plain.activation, plain.logLevel, plain.logFormat],
    [60_000, 7_200_000, 900_000, "info", "text"],
  );
});

for (
  const [args, says] of [
    [[], /required option '--profile' is missing/],
    [["--profile", "web"], /required option '--job-uri' is missing/],
    [["--profile"], /'--profile <PROFILE>' argument missing/],
    [["--profle", "web"], /unknown option '--profle'\n\(Did you mean --profile\?\)/],
    [["status"], /unknown command 'status'/],
    [["aply-units"], /unknown command 'aply-units'\n\(Did you mean apply-units\?\)/],
    [["--profile", "web", "--job-uri", URI, "now"], /unknown command 'now'/],
    [["apply-units", "--namespace", "x", "now"], /unexpected word "now": apply-units takes options only/],
    [["--profile", "web", "--job-uri", URI, "--oneshot", "--poll-period", "5"], /cannot be used with/],
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
    [["apply-units", "--namespace", "x"], /required option '--units' is missing/],
    [["apply-units", "--namspace", "x"], /Did you mean --namespace/],
    [["complete", "csh"], /Allowed choices are zsh, bash, fish, powershell/],
  ] as const
) {
  Deno.test(`wrong use is refused: hail ${args.join(" ")}`, () => {
    assert.match(refused(...args), says);
  });
}

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
      ...["--profile", "--job-uri", "--netrc-file", "--poll-period", "--oneshot", "--request-timeout"],
      ...["--realise-timeout", "--activation-timeout", "--log-level", "--log-format", "--help", "--version"],
      ...["apply-units", "complete"],
    ]
  ) assert.ok(stdout.includes(option), option);
  for (const status of new Set([0, ...Object.values(FAILURE_EXIT_STATUS)])) {
    assert.match(stdout, new RegExp(`^ +${status}  `, "m"));
  }
});

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
