import assert from "node:assert/strict";
import { takeApart } from "../../../lib/config/load.ts";
import { readConfig } from "../../../lib/config/read.ts";
import { AgentConfig, CONFIG } from "./keeper.ts";

const OPTIONS = ["--poll-period", "1s", "--health-timeout", "3s"];

function configOf(...services: string[]): AgentConfig {
  const jobs = services.map((name) => [name, `http://127.0.0.1:1/job/random/main/${name}`] as const);
  return new AgentConfig(new Map(jobs), OPTIONS);
}

function load(config: AgentConfig) {
  return readConfig(takeApart(CONFIG, config.text()), "/profiles");
}

Deno.test("random configuration: it is a good one, and says what hails of their own are told", () => {
  const { settings, problems } = load(configOf("web0", "web1"));
  assert.deepEqual(problems, []);
  assert.deepEqual(
    settings?.services.map(({ name, profile, period, healthTimeout, onRemoval }) =>
      [name, profile, period, healthTimeout, onRemoval].join(" ")
    ),
    ["web0 /profiles/hail-profiles/web0 1000 3000 keep", "web1 /profiles/hail-profiles/web1 1000 3000 keep"],
  );
});

Deno.test("random configuration: a service comes back when all who have taken it out have put it in again", () => {
  const config = configOf("web0", "web1");
  const names = () => load(config).settings?.services.map(({ name }) => name);
  config.setOut("web1", true);
  config.setOut("web1", true);
  config.setOut("web1", false);
  assert.deepEqual(names(), ["web0"]);
  config.setOut("web1", false);
  assert.deepEqual(names(), ["web0", "web1"]);
});

Deno.test("random configuration: other settings are in it, and a spoilt one is refused", () => {
  const config = configOf("web0", "web1");
  config.setHealthTimeout("web1", 5);
  assert.deepEqual(load(config).settings?.services.map((one) => one.healthTimeout), [3_000, 5_000]);
  config.setSpoilt(true);
  const { settings, problems } = load(config);
  assert.equal(settings, null);
  assert.deepEqual(problems.map(({ key }) => key), ["pol-period"]);
  config.setSpoilt(false);
  assert.deepEqual(load(config).problems, []);
});
