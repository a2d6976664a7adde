import assert from "node:assert/strict";
import { build, SCENES } from "../../tests/command_line/records.ts";
import type { Scene } from "../../tests/command_line/records.ts";
import { versionOf } from "./version_of.ts";

const { record, history } = SCENES["a build that another one came before"] as Scene;

Deno.test("version: a path that was deployed before has its build and its name", () => {
  for (const id of [11, 12, 13]) {
    const { outPath: path, name } = build(id);
    assert.deepEqual(versionOf(path, record, history), { path, buildId: id, name });
  }
});

Deno.test("version: of a path that was not, nothing is known", () => {
  const { outPath: path } = build(99);
  assert.deepEqual(versionOf(path, record, history), { path, buildId: null, name: null });
});
