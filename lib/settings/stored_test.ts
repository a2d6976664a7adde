import assert from "node:assert/strict";
import { decodeSettings, encodeSettings, type StoredSettings, storedSettings } from "./stored.ts";
import { readServiceWords } from "./words.ts";

const WORDS = ["--profile=/p/web", "--job-uri=https://h.example/job/a/b/c"];
const AGENT = { name: "web", config: "/etc/hail/config.toml", onRemoval: "purge" } as const;

Deno.test("stored settings: what is written is read", () => {
  for (
    const settings of [
      { words: WORDS, agent: null, removing: null },
      { words: WORDS, agent: AGENT, removing: null },
      { words: [], agent: AGENT, removing: "deactivate" },
      { words: WORDS, agent: null, removing: "keep" },
      { words: WORDS, agent: AGENT, removing: null, renaming: "/p/shop" },
      { words: WORDS, agent: null, removing: null, renaming: "/p/shop" },
    ] satisfies StoredSettings[]
  ) assert.deepEqual(decodeSettings(encodeSettings(settings)), settings);
});

Deno.test("stored settings: those of a classic hail are a list of words, as hail 0.3 wrote it", () => {
  const text = JSON.stringify(WORDS);
  assert.deepEqual(decodeSettings(text), { words: WORDS, agent: null, removing: null });
  assert.equal(encodeSettings({ words: WORDS, agent: null, removing: null }), text);
});

Deno.test("stored settings: what a hail stores tells who keeps the service", () => {
  const service = { ...readServiceWords(WORDS, "/p/web"), name: "web", onRemoval: "purge" } as const;
  assert.deepEqual(storedSettings(service, null), { words: WORDS, agent: null, removing: null });
  assert.deepEqual(storedSettings(service, AGENT.config), { words: WORDS, agent: AGENT, removing: null });
});

for (
  const text of [
    ...["", "7", "null", "{}", "[7]", '{"words": []}', '"[]"', "[[]]"],
    JSON.stringify({ words: WORDS, agent: { ...AGENT, onRemoval: "burn" }, removing: null }),
    JSON.stringify({ words: WORDS, agent: AGENT, removing: "burn" }),
    JSON.stringify({ words: "w", agent: AGENT, removing: null }),
  ]
) {
  Deno.test(`stored settings: what cannot be understood is nothing: ${text.slice(0, 60)}`, () => {
    assert.equal(decodeSettings(text), null);
  });
}
