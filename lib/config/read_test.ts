import assert from "node:assert/strict";
import { takeApart } from "./load.ts";
import { configFailure, problemLine } from "./problem.ts";
import { type Loaded, readConfig } from "./read.ts";

const FOLDER = "/nix/var/nix/profiles";
const URI = "https://hydra.example/job/shop/main";

function load(text: string, name = "config"): Loaded {
  return readConfig(takeApart(name, text), FOLDER);
}

function good(text: string, name?: string) {
  const loaded = load(text, name);
  if (loaded.settings === null) throw new Error(problems(text).join("\n"));
  return loaded;
}

function problems(text: string): string[] {
  const loaded = load(text);
  return loaded.problems.map((problem) => problemLine("F", problem));
}

/** What is said of a configuration with one service, which begins in line 1. */
function ofService(lines: string): string[] {
  return problems(`[services.web]\njob-uri = "${URI}/web"\n${lines}`);
}

Deno.test("config: without anything it is an agent with nothing to do", () => {
  const { settings, log } = good("");
  assert.deepEqual(settings, {
    stateDir: undefined,
    maxRealisations: 2,
    maxActivations: 2,
    wake: null,
    services: [],
  });
  assert.deepEqual(log, { level: "info", format: "text" });
  assert.deepEqual(good("[services]").settings, settings);
  assert.deepEqual(good("{}").settings, settings);
});

Deno.test("config: the agent as a whole", () => {
  const { settings, log } = good(`
    state-dir = "/srv/hail/"
    max-realisations = 4
    max-activations = "3"
    wake-listen = "[::1]:8080"
    wake-secret-file = "/etc/hail/secret"
    log-level = "debug"
    log-format = "json"
  `);
  assert.deepEqual(settings, {
    stateDir: "/srv/hail",
    maxRealisations: 4,
    maxActivations: 3,
    wake: { hostname: "::1", port: 8080, secretFile: "/etc/hail/secret" },
    services: [],
  });
  assert.deepEqual(log, { level: "debug", format: "json" });
});

Deno.test("config: a service says itself what it is not content with, lists as a whole", () => {
  const { settings } = good(`
    poll-period = 1
    refuse-downgrade = true
    health-check = ["tcp localhost:80", "unit a.service"]
    activation-degraded-status = [4, "100,101"]
    keep-generations = 10
    on-removal = "purge"
    gate = "delay 1h"

    [services.web]
    job-uri = "${URI}/web"

    [services.api]
    job-uri = "${URI}/api/latest-finished"
    profile = "hail-profiles/api"
    poll-period = "30s"
    refuse-downgrade = false
    health-check = "http http://localhost/ name=front"
    activation-degraded-status = []
    gate = []
    after = ["web"]
    on-removal = "deactivate"
    renamed-from = "backend"
  `);
  const [web, api, ...more] = settings.services;
  assert.ok(web !== undefined && api !== undefined && more.length === 0);
  assert.deepEqual(
    [web.name, web.profile, web.period, web.refuseDowngrade, web.degradedStatuses, web.onRemoval],
    ["web", `${FOLDER}/web`, 60_000, true, [4, 100, 101], "purge"],
  );
  assert.deepEqual(web.healthChecks.map(({ name }) => name), ["tcp localhost:80", "unit a.service"]);
  assert.equal(web.gates.length, 1);
  assert.deepEqual([web.after, web.renamedFrom, web.retention.generations], [[], undefined, 10]);
  assert.deepEqual(
    [api.name, api.profile, api.period, api.refuseDowngrade, api.degradedStatuses, api.onRemoval],
    ["api", `${FOLDER}/hail-profiles/api`, 30_000, false, [], "deactivate"],
  );
  assert.deepEqual(api.healthChecks.map(({ name }) => name), ["front"]);
  assert.deepEqual([api.gates, api.after, api.renamedFrom], [[], ["web"], "backend"]);
  assert.deepEqual(api.words, [
    `--profile=${FOLDER}/hail-profiles/api`,
    `--job-uri=${URI}/api/latest-finished`,
    "--poll-period=30s",
    "--health-check=http http://localhost/ name=front",
    "--keep-generations=10",
  ]);
});

Deno.test("config: JSON says the same as TOML", () => {
  const toml = `poll-period = 2\n[services."a.b_c-1"]\njob-uri = "${URI}/web"\ngate = ["delay 1h"]\n`;
  const json = JSON.stringify({
    "poll-period": 2,
    "services": { "a.b_c-1": { "job-uri": `${URI}/web`, "gate": ["delay 1h"] } },
  });
  for (const name of ["config", "config.json", "/nix/store/x-config"]) {
    assert.deepEqual(good(json, name).settings, good(toml).settings);
  }
  assert.match(problemLine("F", load(json, "a.toml").problems[0] ?? assert.fail()), /no TOML/);
  assert.match(problemLine("F", load(toml, "a.json").problems[0] ?? assert.fail()), /no JSON/);
});

for (
  const [text, says] of [
    ["poll-perod = 1", /^F:1: poll-perod: there is no such key\. Did you mean poll-period\?$/],
    ["\npoll_period = 1", /^F:2: poll_period: .*Did you mean poll-period\?$/],
    ["healthCheck = ''", /Did you mean health-check\?/],
    ["[service.web]", /^F:1: service: .*Did you mean services\?$/],
    ["colour = 1", /^F:1: colour: there is no such key\. docs\/configuration\.md/],
    ["oneshot = true", /^F:1: oneshot: there is no such key\./],
    ["__proto__ = 1", /^F:1: __proto__: there is no such key\./],
    [`job-uri = "${URI}/web"`, /^F:1: job-uri: it is a setting of one service\. Write it in services/],
    ["after = []", /^F:1: after: it is a setting of one service/],
    ["services = 1", /^F:1: services: it is no table of services/],
    ["[[services]]", /^F:1: services: it is no table of services/],
    ["services.web = 1", /^F:1: services\.web: it is no table of settings/],
    ["[services.web]", /^F:1: services\.web\.job-uri: it is missing\. Say there which job it is to follow: /],
    ['[services."x y"]', /^F:1: services\."x y": .*no name of a service/],
    ["[services.-x]", /^F:1: services\.-x: .*no name of a service/],
    [`[services.${"x".repeat(101)}]`, /longer than 100 characters/],
    ["max-activations = 0", /^F:1: max-activations: "0": it is no whole number from 1 to 1000/],
    ["wake-listen = '127.0.0.1:80'", /^F:1: wake-listen: it needs wake-secret-file as well/],
    ["wake-secret-file = '/s'", /^F:1: wake-secret-file: it needs wake-listen as well/],
    ["wake-listen = ':80'\nwake-secret-file = '/s'", /^F:1: wake-listen: .*no address with a port/],
    ["wake-listen = 'h:0'\nwake-secret-file = '/s'", /^F:1: wake-listen: .*no address with a port/],
    ["state-dir = 'state'", /^F:1: state-dir: .*absolute path/],
    ['"$schema" = 1', /^F:1: "\$schema": it is no text\./],
    ["log-level = 'warn'", /^F:1: log-level: .*Did you mean warning\?$/],
    ["log-level = 'eror'", /^F:1: log-level: .*not one of debug, info.*Did you mean error\?$/],
  ] as const
) {
  Deno.test(`config: a problem is told with its line and key: ${JSON.stringify(text)}`, () => {
    const found = problems(text);
    assert.match(found[0] ?? "", says);
    assert.equal(found.length, 1, found.join("\n"));
  });
}

for (
  const [lines, says] of [
    ["max-activations = 3", /^F:3: services\.web\.max-activations: .*but of the agent as a whole\./],
    ["job-url = 'x'", /^F:3: services\.web\.job-url: there is no such key\. Did you mean job-uri\?$/],
    ["poll-period = 'soon'", /^F:3: services\.web\.poll-period: period 'soon': it is not a duration\./],
    ["poll-period = -1", /^F:3: .*it is not a duration/],
    ["poll-period = 0.001", /^F:3: .*shorter than 1 second/],
    ["poll-period = 1e99", /^F:3: .*not a duration/],
    ["poll-period = nan", /^F:3: .*a text or a number is expected here, not no finite number/],
    ["poll-period = 1979-05-27", /^F:3: .*a text or a number is expected here, not a date or time/],
    ["poll-period = true", /^F:3: .*a text or a number is expected here, not true/],
    ["poll-period = ['5m']", /^F:3: .*a text or a number is expected here, not a list/],
    ["poll-period.x = 1", /^F:3: .*a text or a number is expected here, not a table/],
    ["netrc-file = 7", /^F:3: .*a text is expected here, not the number 7\. Write the path of a file/],
    ["netrc-file = 'netrc'", /^F:3: services\.web\.netrc-file: "netrc": it is not the absolute path/],
    ["refuse-downgrade = 'yes'", /^F:3: .*true or false is expected here, not the text "yes"/],
    ["confirm-hydra = 1", /^F:3: .*true or false is expected here, not the number 1/],
    ["keep-days = 1.5", /^F:3: .*no whole number/],
    ["health-check = 7", /^F:3: .*a text, or a list of such, is expected here, not the number 7/],
    ["health-check = [\n'tcp localhost:80',\n'htp x']", /^F:5: .*Did you mean http\?$/],
    ["health-check = [['tcp localhost:80']]", /^F:3: .*expected here, not a list/],
    ["gate = 'widow x'", /^F:3: services\.web\.gate: .*Did you mean window\?/],
    ["on-removal = 'prge'", /^F:3: .*Did you mean purge\?$/],
    ["after = ['']", /^F:3: services\.web\.after: .*no name of a service/],
    ["after = 'web'", /^F:3: services\.web\.after: the service would wait for itself\./],
    ["after = ['wbe', 'zzz']", /^F:3: services\.web\.after: there is no service wbe\. Did you mean web\?/],
    ["renamed-from = 'web'", /^F:3: services\.web\.renamed-from: it is the service's own name\./],
    ["profile = 'a/../b'", /^F:3: services\.web\.profile: .*'\.\.'/],
    ["profile = ''", /^F:3: services\.web\.profile: .*it is empty/],
    ["a.b.c = 1", /^F:3: services\.web\.a: there is no such key/],
  ] as const
) {
  Deno.test(`config: a problem of a service is told with its line and key: ${JSON.stringify(lines)}`, () => {
    assert.match(ofService(lines)[0] ?? "", says);
  });
}

Deno.test("config: all problems are told at once, in the order of their lines", () => {
  const found = problems(`
poll-period = "never"
[services.web]
job-uri = "ftp://h"
keep-days = 0
[services.api]
[services.api-1-link]
job-uri = "${URI}/x"
`);
  assert.deepEqual(found.map((line) => line.split(": ").slice(0, 2)), [
    ["F:2", "poll-period"],
    ["F:4", "services.web.job-uri"],
    ["F:5", "services.web.keep-days"],
    ["F:6", "services.api.job-uri"],
    ["F:7", "services.api-1-link"],
  ]);
});

Deno.test("config: a problem of a default is told once, and not for each service", () => {
  const services = ["a", "b", "c"].map((name) => `[services.${name}]\njob-uri = "${URI}/${name}"`);
  assert.equal(problems(`gate = "widow"\n${services.join("\n")}`).length, 1);
});

Deno.test("config: a password is never repeated", () => {
  const secret = "https://bob:s3cret@hydra.example/job/a/b/c";
  for (
    const key of ["job-uri", "profile", "netrc-file", "poll-period", "health-check", "gate", "keep-days"]
  ) {
    assert.doesNotMatch(problems(`[services.web]\n${key} = "${secret}"`).join(), /s3cret/);
  }
  for (
    const text of [
      `"${secret}" = 1`,
      `[services."${secret}"]`,
      `[services.web]\n"${secret}" = 1`,
      `[services.web]\nafter = ["${secret}"]\nrenamed-from = "${secret}"\non-removal = "${secret}"`,
      `[services.web]\nrefuse-downgrade = "${secret}"`,
      `"${secret}" = 1\n"${secret}" = 2`,
      `log-level = "${secret}"\nwake-listen = "${secret}"`,
      `{"${secret}": 1, "${secret}": 2}`,
      secret,
    ]
  ) assert.doesNotMatch(problems(text).join(), /s3cret/, text);
});

Deno.test("config: of very many problems only the first are told", () => {
  const text = Array.from({ length: 20_000 }, (_, index) => `poll-perio${index} = 1\n`).join("");
  const found = problems(text);
  assert.equal(found.length, 201);
  assert.equal(found.at(-1), "F: there are 19800 more problems. Solve these first.");
});

Deno.test("config: ten thousand services are read", () => {
  const text = Array.from(
    { length: 10_000 },
    (_, index) =>
      `[services.s${index}]\njob-uri = "${URI}/s${index}"\n${index === 0 ? "" : `after = "s${index - 1}"\n`}`,
  );
  assert.equal(good(text.join("")).settings.services.length, 10_000);
});

Deno.test("config: the failure tells of the first problem, and how many more there are", () => {
  const one = configFailure("F", load("x = 1").problems);
  assert.deepEqual([one.code, one.message], ["usage", "F:1: x: there is no such key"]);
  const two = configFailure("F", load("x = 1\ny = 1").problems);
  assert.equal(two.message, "F:1: x: there is no such key (and 1 more problem)");
  assert.match(two.next, /`hail config check` tells of all/);
  const file = configFailure("F", [{
    line: null,
    key: null,
    why: "there is no such file",
    next: "Write one.",
  }]);
  assert.equal(file.message, "F: there is no such file");
});
