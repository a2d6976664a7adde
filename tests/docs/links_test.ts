import assert from "node:assert/strict";

const REPOSITORY = new URL("../../", import.meta.url);

/** The documents: Markdown at the top and in docs/. */
async function documents(): Promise<URL[]> {
  const found: URL[] = [];
  for (const folder of [REPOSITORY, new URL("docs/", REPOSITORY)]) {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isFile && entry.name.endsWith(".md")) found.push(new URL(entry.name, folder));
    }
  }
  return found;
}

Deno.test("every relative link in the documents leads to a file of the repository", async () => {
  let checked = 0;
  for (const document of await documents()) {
    const text = await Deno.readTextFile(document);
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const file = new URL(target, document);
      assert.ok(await Deno.stat(file).then(() => true, () => false), `${document.pathname}: ${target}`);
      checked += 1;
    }
  }
  assert.ok(checked >= 5);
});

Deno.test("every file and folder that docs/architecture.md names in code style exists", async () => {
  const text = await Deno.readTextFile(new URL("docs/architecture.md", REPOSITORY));
  const named = [...text.matchAll(/`((?:[a-z_]+\/)+[a-z_*]*(?:\.[a-z]+)?)`/g)].map(([, name = ""]) => name);
  assert.ok(named.length > 20);
  for (const name of named) {
    // bin/ is a folder of profiles, not of the repository.
    if (name.includes("*") || name.startsWith("bin/")) continue;
    const places = [new URL(name, REPOSITORY), new URL(`lib/${name}`, REPOSITORY)];
    const exists = await Promise.all(places.map((place) => Deno.stat(place).then(() => true, () => false)));
    assert.ok(exists.includes(true), `docs/architecture.md names ${name}`);
  }
});
