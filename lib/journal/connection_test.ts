import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type JournalWorld, journalWorld } from "../../tests/support/journal_world.ts";
import { databaseName } from "./state_folder.ts";
import { OPEN_MAX } from "./connection.ts";
import type { JournalOptions, OpenJournal } from "./open.ts";

const NAME = "web-a18433467ea5.sqlite";

const IDLE: Partial<JournalOptions> = { idleClose: true };

/** A world, and a journal that is closed when idle and has been through two deployments. */
function used(): { readonly world: JournalWorld; readonly journal: OpenJournal } & Disposable {
  const world = journalWorld();
  const journal = world.open(IDLE);
  world.step(journal, 12);
  return { world, journal, [Symbol.dispose]: () => world[Symbol.dispose]() };
}

function sql(file: string, statements: string) {
  const database = new DatabaseSync(file);
  database.exec(statements);
  database.close();
}

Deno.test("a database that is closed when idle is open in a deployment only", () => {
  using world = journalWorld();
  const journal = world.open(IDLE);
  const seen: string[] = [];
  for (let step = 0; step < 7; step++) {
    seen.push(`${journal.record.state} ${world.names().length === 1 ? "closed" : "open"}`);
    world.step(journal);
  }
  assert.deepEqual(seen, [
    "idle closed",
    "discovered closed",
    "realising open",
    "switching open",
    "activating open",
    "verifying open",
    "active closed",
  ]);
  journal.note({ failures: 1 });
  assert.deepEqual(world.names(), [NAME]);
  assert.equal(world.stored().record.failures, 1);
  world.step(journal, 2);
  journal.close();
  assert.deepEqual(world.names(), [NAME]);
  assert.equal(world.stored().chain.length, 9);
  assert.deepEqual(world.events, []);
});

Deno.test("a database that is closed when idle is closed at the start, too, and goes on in the middle of a deployment", () => {
  using world = journalWorld();
  const first = world.open();
  world.step(first, 4);
  first.close();
  const second = world.open(IDLE);
  assert.equal(second.record.state, "activating");
  world.step(second, 2);
  assert.equal(second.record.state, "active");
  second.close();
  const third = world.open(IDLE);
  assert.deepEqual(world.names(), [NAME]);
  assert.equal(third.record.state, "active");
  third.close();
  assert.equal(world.stored().chain.length, 6);
});

Deno.test("only so many databases are open at once, however many deployments there are", () => {
  using world = journalWorld();
  const profiles = Array.from({ length: OPEN_MAX + 5 }, (_, number) => `/nix/var/nix/profiles/web-${number}`);
  const journals = profiles.map((profile) => world.open({ ...IDLE, profile }));
  for (let step = 1; step <= 6; step++) {
    for (const journal of journals) world.step(journal);
    const open = world.names().filter((name) => name.endsWith("-wal")).length;
    assert.equal(open, step === 1 || step === 6 ? 0 : OPEN_MAX);
  }
  const always = world.open();
  world.step(always, 3);
  assert.ok(world.names().includes(`${NAME}-wal`));
  for (const journal of journals) journal.close();
  assert.ok(world.names().includes(`${NAME}-wal`));
  assert.deepEqual(world.events, []);
  for (const profile of profiles) {
    const database = new DatabaseSync(`${world.folder}/${databaseName(profile)}`);
    assert.equal(database.prepare("SELECT count(*) AS n FROM transition").get()?.["n"], 6);
    database.close();
  }
});

for (
  const [what, why, damage] of [
    ["is removed", /removed while hail was running/, ({ file }) => Deno.removeSync(file)],
    [
      "is removed with its folder",
      /removed while hail was running/,
      ({ folder }) => Deno.removeSync(folder, { recursive: true }),
    ],
    [
      "is exchanged for an older one",
      /it was exchanged/,
      ({ file, folder }) => Deno.renameSync(`${folder}/backup`, file),
    ],
    [
      "is overwritten with an older one",
      /it was exchanged/,
      ({ file, folder }) => Deno.writeFileSync(file, Deno.readFileSync(`${folder}/backup`)),
    ],
    [
      "is overwritten with garbage",
      /no SQLite database/,
      ({ file }) => Deno.writeTextFileSync(file, "garbage ".repeat(999)),
    ],
    ["is cut short", /damaged/, ({ file }) => Deno.truncateSync(file, 9_000)],
    ["loses a table", /no such table/, ({ file }) => sql(file, "DROP TABLE bad_build")],
    [
      "is set back by hand",
      /it was exchanged/,
      ({ file }) => sql(file, "UPDATE service SET revision = 3"),
    ],
  ] as readonly (readonly [string, RegExp, (world: JournalWorld) => void])[]
) {
  Deno.test(`when the database ${what} while it is closed, all that hail knows is written into a new one`, () => {
    using world = journalWorld();
    world.open().close();
    Deno.copyFileSync(world.file, `${world.folder}/backup`);
    const journal = world.open(IDLE);
    world.step(journal, 6);
    damage(world);
    world.step(journal, 6);
    assert.deepEqual(world.news(), ["state-damaged"]);
    assert.match(world.events[0]?.message ?? "", why);
    assert.match(world.events[0]?.message ?? "", /with all that hail knows/);
    const { record } = journal;
    journal.close();
    const stored = world.stored();
    assert.deepEqual(stored.record, record);
    assert.deepEqual(stored.chain.map(([seq]) => seq), [1, 2, 3, 4, 5, 6]);
  });
}

Deno.test("what somebody else changed in a closed database, and hail does not know better, stays", () => {
  using its = used();
  const { world, journal } = its;
  sql(world.file, "DELETE FROM transition WHERE seq <= 2; PRAGMA wal_checkpoint(TRUNCATE)");
  Deno.chmodSync(world.file, 0o640);
  world.step(journal, 1);
  journal.close();
  assert.deepEqual(world.stored().chain.map(([seq]) => seq), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  assert.deepEqual(world.events, []);
});

Deno.test("a log that a reader has left beside a closed database does no harm", () => {
  using its = used();
  const { world, journal } = its;
  const reader = new DatabaseSync(world.file, { readOnly: true });
  // It is open while hail writes: so hail is not the last to close the database, and its log stays.
  reader.prepare("SELECT * FROM service").all();
  const names = world.names();
  assert.ok(names.includes(`${NAME}-shm`), names.join());
  journal.note({ failures: 1 });
  reader.close();
  world.step(journal, 6);
  const { record } = journal;
  journal.close();
  assert.deepEqual(world.stored().record, record);
  assert.equal(world.stored().chain.length, 18);
  assert.deepEqual(world.names(), [NAME]);
  assert.deepEqual(world.events, []);
});

Deno.test("a database that is closed when idle can be unwritable for a while", () => {
  using its = used();
  const { world, journal } = its;
  Deno.renameSync(world.folder, `${world.folder}.away`);
  Deno.writeTextFileSync(world.folder, "");
  world.step(journal, 6);
  assert.deepEqual(world.news(), ["state-unwritable"]);
  Deno.removeSync(world.folder);
  Deno.renameSync(`${world.folder}.away`, world.folder);
  world.step(journal, 6);
  assert.deepEqual(world.news(), ["state-written-again"]);
  const { record } = journal;
  journal.close();
  assert.deepEqual(world.stored().record, record);
  assert.equal(world.stored().chain.length, 24);
});
