import assert from "node:assert/strict";
import { KINDS } from "../../lib/gates/kinds.ts";
import { parseGate } from "../../lib/gates/spec.ts";

const DOCUMENT = await Deno.readTextFile(new URL("../../docs/gates.md", import.meta.url));

Deno.test("docs/gates.md has every kind of gate in the order of the questions, with its sentence and its synopsis", () => {
  const rows = [...DOCUMENT.matchAll(/^\| \[`([a-z]+)`\]\([^)]*\) \| ([^|]*) \|/gm)];
  const kinds = Object.entries(KINDS);
  assert.deepEqual(
    rows.map(([, name, about]) => [name, about]),
    kinds.map(([name, { about }]) => [name, about]),
  );
  const sections = [...DOCUMENT.matchAll(/^## ([a-z]+) [A-Z]+\n\n`([^`]*)`$/gm)];
  assert.deepEqual(
    sections.map(([, name, synopsis]) => [name, synopsis]).toSorted(),
    kinds.map(([name, { synopsis }]) => [name, synopsis]).toSorted(),
  );
});

Deno.test("every gate that docs/gates.md shows can be read", () => {
  const shown = [...DOCUMENT.matchAll(/--gate '([^']+)'/g)].map(([, gate = ""]) => gate);
  assert(shown.length > 10);
  for (const gate of shown) assert(gate.startsWith(parseGate(gate).kind), gate);
});
