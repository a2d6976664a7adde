import assert from "node:assert/strict";
import { takeApart } from "../../lib/config/load.ts";
import { readConfig } from "../../lib/config/read.ts";
import { AGENT_SETTINGS, keysOf, SERVICE_SETTINGS } from "../../lib/settings/table.ts";
import { configurationPage, EXAMPLE, PAGE, SCHEMA, schemaText } from "../../scripts/configuration_docs.ts";

Deno.test("docs/configuration.md and docs/schema/config.json are what the table of settings says", async () => {
  const next = "run: deno run -A scripts/configuration_docs.ts";
  assert.equal(await Deno.readTextFile(PAGE), configurationPage(), next);
  assert.equal(await Deno.readTextFile(SCHEMA), schemaText(), next);
});

Deno.test("docs/configuration.md has each setting once", () => {
  const keys = [...configurationPage().matchAll(/^\| `([a-z-]+)` \|.*\|.*\|.*\|/gm)].map(([, key]) => key);
  assert.deepEqual(keys.toSorted(), [...keysOf(SERVICE_SETTINGS), ...keysOf(AGENT_SETTINGS)].toSorted());
});

Deno.test("the example of docs/configuration.md is ten lines of a valid configuration", () => {
  const { settings, problems } = readConfig(takeApart("config.toml", EXAMPLE), "/nix/var/nix/profiles");
  assert.deepEqual(problems, []);
  assert.deepEqual(settings?.services.map(({ name, after }) => [name, after]), [["db", []], ["web", ["db"]]]);
  assert.equal(EXAMPLE.trimEnd().split("\n").length, 10);
});

// In README, too, an example has to be one that hail takes.
Deno.test("the configurations in README are valid", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const examples = [...readme.matchAll(/^```toml\n(.*?)^```$/gms)].map(([, text = ""]) => text);
  assert.ok(examples.length > 0);
  for (const text of examples) {
    assert.deepEqual(readConfig(takeApart("config.toml", text), "/nix/var/nix/profiles").problems, []);
  }
});
