import assert from "node:assert/strict";
import { journalWorld } from "../../tests/support/journal_world.ts";
import { findServices, readService } from "./read.ts";

Deno.test("findServices finds databases in the folder and in its direct subfolders, and nothing else", () => {
  using world = journalWorld();
  world.open().close();
  const profile = "/nix/var/nix/profiles/api";
  world.open({ folder: `${world.folder}/api`, profile }).close();
  world.open({ folder: `${world.folder}/deep/er`, profile }).close();
  for (const name of [".damaged-20260101T000000Z", ".v1", "-wal", ".new"]) {
    Deno.writeTextFileSync(world.file + name, "");
  }
  Deno.symlinkSync(world.file, `${world.folder}/link-000000000000.sqlite`);
  Deno.mkdirSync(`${world.folder}/folder-000000000000.sqlite`);
  assert.deepEqual(findServices(world.folder), [
    `${world.folder}/api/api-${hash("api", world.folder)}.sqlite`,
    world.file,
  ]);
});

/** What stands behind the name in a database's name. */
function hash(name: string, folder: string): string {
  const [entry] = [...Deno.readDirSync(`${folder}/${name}`)];
  return /-([0-9a-f]{12})\.sqlite$/.exec(entry?.name ?? "")?.[1] ?? "";
}

Deno.test("findServices finds nothing where there is no folder, and says that it may not be read", () => {
  using world = journalWorld();
  assert.deepEqual(findServices(world.folder), []);
  Deno.writeTextFileSync(world.folder, "");
  assert.throws(() => findServices(world.folder), { code: "state-unwritable" });
});

Deno.test("readService reads what a journal has written so far while that is open, each time anew", () => {
  using world = journalWorld();
  const journal = world.open({ settings: '{"a":1}' });
  for (let round = 1; round <= 3; round++) {
    world.step(journal, 6);
    const service = readService(world.file);
    assert.deepEqual(service.record, journal.record);
    assert.equal(service.writtenAt, world.clock.now());
    assert.equal(service.settings, '{"a":1}');
    const ids = Array.from({ length: journal.record.deployments }, (_, index) => index + 1);
    assert.deepEqual(service.history(10).map(({ id }) => id), ids.toReversed());
    assert.deepEqual(service.history(1).length, 1);
    // What comes after belongs to another moment.
    world.step(journal);
    assert.deepEqual(service.transitions(2).map(({ seq }) => seq), [round * 7 - 1, round * 7 - 2]);
    service.close();
  }
});

Deno.test("readService leaves nothing behind in the state folder", () => {
  using world = journalWorld();
  const journal = world.open();
  world.step(journal, 6);
  journal.close();
  const service = readService(world.file);
  assert.equal(service.transitions(100).length, 6);
  service.close();
  assert.deepEqual(world.names(), ["web-a18433467ea5.sqlite"]);
});

for (
  const [what, code, why, make] of [
    ["there is none", "state-unwritable", /no such file/, () => {}],
    ["is empty", "state-damaged", /it is empty/, (file) => Deno.writeTextFileSync(file, "")],
    [
      "is garbage",
      "state-damaged",
      /no SQLite/,
      (file) => Deno.writeTextFileSync(file, "garbage ".repeat(99)),
    ],
    ["is cut short", "state-damaged", /damaged|hail did not write/, (file) => Deno.truncateSync(file, 8_192)],
    ["is a folder", "state-unwritable", /other than a file/, (file) => Deno.mkdirSync(file)],
  ] as readonly (readonly [string, string, RegExp, (file: string) => void])[]
) {
  Deno.test(`readService says it when ${what}`, () => {
    using world = journalWorld();
    const journal = world.open();
    world.step(journal, 12);
    journal.close();
    if (what !== "is cut short") Deno.removeSync(world.file);
    make(world.file);
    assert.throws(() => readService(world.file), { name: "Failure", code, why });
  });
}
