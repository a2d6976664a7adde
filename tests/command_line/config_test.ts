import assert from "node:assert/strict";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseCommandLine } from "../../lib/cli/parse.ts";
import { configSchema } from "../../lib/config/schema.ts";
import { run } from "../support/command.ts";
import { findMistakes, readSchema } from "./json_schema.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

const GOOD = `poll-period = 1
health-check = ["tcp localhost:80", "unit a.service"]

[services.db]
job-uri = "https://hydra.example/job/shop/main/db"

[services.web]
job-uri = "https://hydra.example/job/shop/main/web"
profile = "hail-profiles/web"
after = "db"
refuse-downgrade = true
health-check = []
`;

const BAD = `poll-perod = 1

[services.web]
job-uri = "https://bob:s3cret@hydra.example/job/shop/main/web"
`;

function hail(...args: readonly string[]) {
  return run([Deno.execPath(), "run", "--quiet", "-A", MAIN, ...args], {
    mayFail: true,
    env: { NO_COLOR: "1" },
  });
}

async function withFile(text: string, test: (file: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "hail-config-" });
  try {
    await Deno.writeTextFile(`${folder}/hail.toml`, text);
    await test(`${folder}/hail.toml`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function parse(...args: string[]) {
  let said = "";
  const terminal = {
    stdout: (text: string) => said += text,
    stderr: (text: string) => said += text,
    columns: 80,
  };
  return { ...parseCommandLine(args, "/nix/var/nix/profiles", terminal), said };
}

Deno.test("the commands of the agent take a file, which has a usual place", () => {
  const usual = "/etc/hail/config.toml";
  for (
    const [args, command] of [
      [["agent"], { command: "agent", config: usual, logLevel: undefined, logFormat: undefined }],
      [
        ["agent", "--config", "a.json", "--log-level", "debug", "--log-format=json"],
        { command: "agent", config: resolve("a.json"), logLevel: "debug", logFormat: "json" },
      ],
      [["config", "check"], { command: "config", does: "check", config: usual }],
      [["config", "check", "--config", "a.json"], { command: "config", does: "check", config: "a.json" }],
      [["config", "show"], { command: "config", does: "show", config: usual, services: [], json: false }],
      [
        ["config", "show", "web", "--json", "db", "--config=c"],
        { command: "config", does: "show", config: "c", services: ["web", "db"], json: true },
      ],
      [["config", "schema"], { command: "config", does: "schema" }],
    ] as const
  ) assert.deepEqual(parse(...args), { command, said: "" });
});

for (
  const [args, says] of [
    [["config"], /^Usage: hail config/],
    [["config", "chekc"], /unknown command 'chekc'\n\(Did you mean check\?\)/],
    [["config", "check", "web"], /unexpected word "web": check takes options only/],
    [["config", "check", "--config", ""], /option '--config': .*it is empty/],
    [["config", "schema", "--json"], /unknown option '--json'/],
    [["--oneshot", "config", "check"], /'--oneshot' stands before the command: write hail config check/],
    [["agent", "web"], /unexpected word "web": agent takes options only/],
    [["agent", "--log-level", "loud"], /Allowed choices are debug, info, warning, error/],
    [["agent", "--state-dir", "/s"], /unknown option '--state-dir'/],
    [["agent", "--confg", "/s"], /unknown option '--confg'\n\(Did you mean --config\?\)/],
  ] as const
) {
  Deno.test(`wrong use of the agent's commands is refused: hail ${args.join(" ")}`, () => {
    const { said, ...parsed } = parse(...args);
    assert.deepEqual(parsed, { exit: 2 });
    assert.match(said, says);
  });
}

for (const args of [["agent"], ["config"], ["config", "check"], ["config", "show"], ["config", "schema"]]) {
  Deno.test(`hail ${args.join(" ")} --help fits 80 columns`, () => {
    const { said, ...parsed } = parse(...args, "--help");
    assert.deepEqual(parsed, { exit: 0 });
    assert.ok(said.startsWith(`Usage: hail ${args.join(" ")}`), said);
    for (const line of said.split("\n")) assert.ok(line.length <= 80, line);
  });
}

Deno.test("a shell completes the agent's commands and their options", async () => {
  const complete = async (...words: string[]) => {
    const { stdout } = await hail("complete", "--", ...words);
    return stdout.split("\n").map((line) => line.split("\t")[0]);
  };
  const commands = await complete("config", "");
  for (const name of ["check", "show", "schema"]) assert.ok(commands.includes(name), name);
  const options = await complete("config", "show", "--");
  for (const name of ["--config", "--json"]) assert.ok(options.includes(name), name);
});

Deno.test("hail config check: a good file is valid, and of a bad one all is told, each on a line", async () => {
  await withFile(GOOD, async (file) => {
    const { status, stdout, stderr } = await hail("config", "check", "--config", file);
    assert.deepEqual([status, stdout, stderr], [0, `${file} is valid: 2 services\n`, ""]);
  });
  await withFile(BAD, async (file) => {
    const { status, stdout, stderr } = await hail("config", "check", "--config", file);
    assert.deepEqual([status, stderr], [2, ""]);
    const [first = "", second = "", ...more] = stdout.trimEnd().split("\n");
    assert.equal(first, `${file}:1: poll-perod: there is no such key. Did you mean poll-period?`);
    assert.ok(
      second.startsWith(`${file}:4: services.web.job-uri: job URI https://hydra.example/`),
      second,
    );
    assert.deepEqual(more, []);
  });
});

Deno.test("hail config show: what is in force, and where it comes from", async () => {
  await withFile(GOOD, async (file) => {
    const { status, stdout } = await hail("config", "show", "--config", file);
    assert.equal(status, 0);
    for (
      const says of [
        /^The agent\n/,
        /\n\nService db\n/,
        /\nmax-activations +default +2\n/,
        /\nprofile +default +\/nix\/var\/nix\/profiles\/db\n/,
        /\npoll-period +line 1, top +1\n/,
        /\nhealth-check +line 2, top +tcp localhost:80\n +unit a\.service\n/,
        /\n\nService web\n/,
        /\nprofile +line 9 +\/nix\/var\/nix\/profiles\/hail-profiles\/web\n/,
        /\nafter +line 10 +db\n/,
        /\nrefuse-downgrade +line 11 +true\n/,
        /\nhealth-check +line 12 +none\n/,
        /\nkeep-days +default +all stay\n/,
      ]
    ) assert.match(stdout, says);
  });
});

Deno.test("hail config show --json: the services that are named, by the schema", async () => {
  await withFile(GOOD, async (file) => {
    const { status, stdout } = await hail("config", "show", "web", "--json", "--config", file);
    assert.equal(status, 0);
    const document = JSON.parse(stdout);
    assert.deepEqual(findMistakes(document, await readSchema("config-show")), []);
    const [{ service, settings }, ...others] = document.services;
    assert.deepEqual([document.agent, service, others], [[], "web", []]);
    const find = (key: string) => settings.find((setting: { key: string }) => setting.key === key);
    assert.deepEqual(find("refuse-downgrade"), {
      key: "refuse-downgrade",
      value: true,
      from: "service",
      line: 11,
    });
    assert.deepEqual(find("health-check"), { key: "health-check", value: [], from: "service", line: 12 });
    assert.deepEqual(find("netrc-file"), { key: "netrc-file", value: null, from: "default", line: null });

    const unknown = await hail("config", "show", "wbe", "--config", file);
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /none of that name in the configuration\. Did you mean web\?/);
  });
});

Deno.test("hail config schema prints the schema", async () => {
  const { status, stdout } = await hail("config", "schema");
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(stdout), configSchema());
});

Deno.test("hail agent ends with 2 for a file that is wrong, with an event for each problem", async () => {
  await withFile(BAD, async (file) => {
    const { status, stdout, stderr } = await hail("agent", "--config", file, "--log-format", "json");
    assert.deepEqual([status, stdout], [2, ""]);
    assert.doesNotMatch(stderr, /s3cret/);
    const events = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(
      events.map(({ event, level, line, key }) => ({ event, level, line, key })),
      [
        { event: "config", level: "ERROR", line: 1, key: "poll-perod" },
        { event: "config", level: "ERROR", line: 4, key: "services.web.job-uri" },
      ],
    );
    assert.equal(events[0].file, file);
  });
});
