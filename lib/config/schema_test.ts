import assert from "node:assert/strict";
import { findMistakes } from "../../tests/command_line/json_schema.ts";
import { takeApart } from "./load.ts";
import { readConfig } from "./read.ts";
import { configSchema } from "./schema.ts";

const WEB = { "job-uri": "https://h.example/job/a/b/c" };

function refusals(config: unknown) {
  const { problems } = readConfig(takeApart("F", JSON.stringify(config)), "/nix/var/nix/profiles");
  return { schema: findMistakes(config, configSchema()), hail: problems.map(({ why }) => why) };
}

for (
  const config of [
    {},
    { services: {} },
    { "wake-listen": "[::1]:80", "wake-secret-file": "/s", "log-level": "debug", "max-activations": 3 },
    { "poll-period": 0.5, "gate": "delay 1h", "services": { web: { ...WEB, gate: [], profile: "p/web" } } },
    { services: { "a.b-c_D9": { ...WEB, "after": [], "on-removal": "purge", "renamed-from": "old" } } },
  ]
) {
  Deno.test(`schema: it allows, and hail takes: ${JSON.stringify(config)}`, () => {
    assert.deepEqual(refusals(config), { schema: [], hail: [] });
  });
}

for (
  const config of [
    { "poll-perod": 1 },
    { "wake-listen": "[::1]:80" },
    { "wake-secret-file": "/s" },
    { "wake-listen": "localhost", "wake-secret-file": "/s" },
    { "max-activations": 0 },
    { "max-activations": 1.5 },
    { "max-activations": 1_001 },
    { "log-level": "loud" },
    { "state-dir": "hail" },
    { "refuse-downgrade": "true" },
    { "poll-period": -1 },
    { "poll-period": "soon" },
    { "poll-period": ["5m"] },
    { "keep-days": "1.5" },
    { "gate": [7] },
    { "activation-degraded-status": [256] },
    { "job-uri": "https://h.example/job/a/b/c" },
    { "services": [] },
    { "services": { web: {} } },
    { "services": { web: { "job-uri": "ftp://h" } } },
    { "services": { "x y": WEB } },
    { "services": { [`x${"y".repeat(100)}`]: WEB } },
    { "services": { web: { ...WEB, "max-activations": 2 } } },
    { "services": { web: { ...WEB, "on-removal": "prune" } } },
    { "services": { web: { ...WEB, "after": ["-x"] } } },
    { "services": { web: { ...WEB, "profile": "" } } },
  ]
) {
  Deno.test(`schema: it refuses what hail refuses: ${JSON.stringify(config).slice(0, 80)}`, () => {
    const { schema, hail } = refusals(config);
    assert.ok(schema.length > 0, "schema");
    assert.ok(hail.length > 0, "hail");
  });
}
