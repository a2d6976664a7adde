import assert from "node:assert/strict";
import fc from "fast-check";
import { findMistakes } from "../../tests/command_line/json_schema.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { readServiceWords } from "../settings/words.ts";
import { keysOf, SERVICE_SETTINGS } from "../settings/table.ts";
import { takeApart } from "./load.ts";
import { problemLine } from "./problem.ts";
import { readConfig } from "./read.ts";
import { configSchema } from "./schema.ts";

const TIMES = ["30s", "5m", "1h30m", "0.5", "2", 5, 0.5, 90];
const LISTS = {
  "health-check": [
    "tcp localhost:80",
    'http https://localhost:8443/ready text="all \\"is\\" well" name=front',
    'exec "/bin/look --at=web" advisory',
    "unit web.service threshold=5",
  ],
  "gate": [
    'window "Mon-Fri 02:00-04:00" zone=Europe/Berlin',
    "delay 1h wariness=0.5 rollout=1d",
    "inhibit /run/x",
  ],
  "activation-degraded-status": [4, "5", "100,101"],
} as const;

function listOf(values: readonly (string | number)[]): fc.Arbitrary<unknown> {
  return fc.oneof(fc.constantFrom(...values), fc.subarray([...values]));
}

/** What may stand in a file for a setting. */
const VALUES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  ...Object.fromEntries(
    keysOf(SERVICE_SETTINGS).filter((key) => SERVICE_SETTINGS[key].form === "flag").map((
      key,
    ) => [key, fc.boolean()]),
  ),
  ...Object.fromEntries(
    keysOf(SERVICE_SETTINGS).filter((key) => /-(timeout|period|time)$/.test(key)).map((key) => [
      key,
      fc.constantFrom(...TIMES, SERVICE_SETTINGS[key].initial?.shown),
    ]),
  ),
  "on-manual-change": fc.constantFrom("respect", "hold", "ignore"),
  "activation-runner": fc.constantFrom("auto", "unit", "child"),
  "netrc-file": fc.constantFrom("/etc/netrc", "/run/secrets/n=1 ü", "/a/../b"),
  "host-number-file": fc.constantFrom("/etc/hail/host-number", "/srv/n=1 ü"),
  "keep-generations": fc.constantFrom(1, "10", 1_000_000),
  "keep-days": fc.constantFrom(1, "007"),
  "on-removal": fc.constantFrom("keep", "deactivate", "purge"),
  "health-check": listOf(LISTS["health-check"]),
  "gate": listOf(LISTS.gate),
  "activation-degraded-status": listOf(LISTS["activation-degraded-status"]),
};

const optional = (values: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record(values, { requiredKeys: [] });

const SERVICE = fc.tuple(
  fc.record({
    "job-uri": fc.constantFrom(
      "https://h.example/job/a/b/c",
      "http://h:3000/hydra/job/a/b/c/latest-for/x86_64-linux",
    ),
  }),
  optional({ profile: fc.constantFrom("p/web", "/srv/profiles/web two") }),
  optional(VALUES),
);

const CONFIG = fc.record({ top: optional(VALUES), web: SERVICE });

function readAll(text: string): readonly ServiceSettings[] {
  const { settings, problems } = readConfig(takeApart("F", text), "/nix/var/nix/profiles");
  if (settings === null) throw new Error(problems.map((problem) => problemLine("F", problem)).join("\n"));
  return settings.services;
}

/** TOML of values that are the same in JSON. */
function toml(table: Readonly<Record<string, unknown>>): string {
  return Object.entries(table).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join("");
}

Deno.test("every setting of a service is in the property tests", () => {
  const known = new Set([...Object.keys(VALUES), "job-uri", "profile", "after", "renamed-from"]);
  assert.deepEqual(keysOf(SERVICE_SETTINGS).filter((key) => !known.has(key)), []);
});

Deno.test("what a configuration says of a service, its words say on a classic command line", () => {
  fc.assert(fc.property(CONFIG, ({ top, web: [required, profile, own] }) => {
    const web = { ...required, ...profile, ...own, "renamed-from": "old", "after": ["db"] };
    const db = { "job-uri": "https://h.example/job/a/b/db" };
    const config = { ...top, services: { web, db } };
    assert.deepEqual(findMistakes(config, configSchema()), []);
    const [read, ...others] = readAll(JSON.stringify(config));
    assert.ok(read !== undefined && others.length === 1);

    const { name, after, onRemoval, renamedFrom, ...service } = read;
    const again = readServiceWords(read.words, "web");
    assert.deepEqual(again, {
      ...service,
      name: read.profile,
      after: [],
      onRemoval: "keep",
      renamedFrom: undefined,
    });
    assert.deepEqual([name, after, renamedFrom], ["web", ["db"], "old"]);
    assert.equal(onRemoval, own["on-removal"] ?? top["on-removal"] ?? "keep");

    const text = `${toml(top)}[services.web]\n${toml(web)}[services.db]\n${toml(db)}`;
    assert.deepEqual(readAll(text), [read, ...others]);
  }));
});

Deno.test("a service says it itself, or the top of the file does for it: it means the same", () => {
  fc.assert(fc.property(optional(VALUES), (values) => {
    const uri = "https://h.example/job/a/b/c";
    assert.deepEqual(
      readAll(JSON.stringify({ ...values, services: { web: { "job-uri": uri } } })),
      readAll(JSON.stringify({ services: { web: { ...values, "job-uri": uri } } })),
    );
  }));
});
