import assert from "node:assert/strict";
import { FAILURE_EXIT_STATUS } from "../../lib/failure/failure.ts";

const REPOSITORY = new URL("../../", import.meta.url);
const DOCUMENT = await Deno.readTextFile(new URL("docs/logging.md", REPOSITORY));

/** The modules of the product, tests left out. */
async function* modules(folder: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) yield* modules(new URL(`${entry.name}/`, folder));
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith("_test.ts")) {
      yield new URL(entry.name, folder);
    }
  }
}

Deno.test("docs/logging.md has every failure code with its exit status, and no other", () => {
  const documented = [...DOCUMENT.matchAll(/^\| `([a-z-]+)` \| (\d+) \|/gm)].map((
    [, code, status],
  ) => [code, Number(status)]);
  assert.deepEqual(Object.fromEntries(documented), FAILURE_EXIT_STATUS);
});

Deno.test("docs/logging.md has every event that the code reports, and no other", async () => {
  const reported = new Set<string>();
  for await (const module of modules(new URL("lib/", REPOSITORY))) {
    const text = await Deno.readTextFile(module);
    for (const [, name] of text.matchAll(/\bname: "([a-z-]+)",\s+level\b/g)) reported.add(name ?? "");
  }
  const documented = [...DOCUMENT.matchAll(/^\| `([a-z-]+)` \| (?:debug|info|warning|error)/gm)].map((
    [, name],
  ) => name ?? "");
  assert.deepEqual(documented.toSorted(), [...reported].toSorted());
});
