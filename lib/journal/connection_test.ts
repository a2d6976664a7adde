import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type JournalWorld, journalWorld } from "../../tests/support/journal_world.ts";
import { databaseName } from "./state_folder.ts";
import { OPEN_MAX } from "./connection.ts";
import type { JournalOptions, OpenJournal } from "./open.ts";

const NAME = "web-a18433467ea5.sqlite";

const IDLE: Partial<JournalOptions> = { idleClose: true };

/** A world with a journal that may be closed for a while. */
interface Crowded extends Disposable {
  readonly world: JournalWorld;
  readonly journal: OpenJournal;
  /** Has the database of the journal closed, by the use of others. */
  crowd(): void;
}

function crowded(steps: number): Crowded {
  const world = journalWorld();
  // So that damage to the folder of the journal does not concern them.
  const folder = `${world.folder}.others`;
  const others = Array.from(
    { length: OPEN_MAX },
    (_, number) => world.open({ ...IDLE, folder, profile: `/nix/var/nix/profiles/other-${number}` }),
  );
  const journal = world.open(IDLE);
  world.step(journal, steps);
  const crowd = () => {
    for (const other of others) other.note({ polledAt: world.clock.now() });
  };
  return { world, journal, crowd, [Symbol.dispose]: () => world[Symbol.dispose]() };
}

function isOpen({ file }: JournalWorld): boolean {
  return existsSync(`${file}-wal`);
}

function sql(file: string, statements: string) {
  const database = new DatabaseSync(file);
  database.exec(statements);
  database.close();
}

Deno.test("a database stays open as long as few others are used", () => {
  using its = crowded(1);
  const { world, journal, crowd } = its;
  assert.ok(isOpen(world));
  crowd();
  assert.ok(!isOpen(world));
  world.step(journal);
  assert.ok(isOpen(world));
  journal.note({ polledAt: 5 }, true);
  crowd();
  assert.deepEqual(world.names(), [NAME]);
  assert.equal(world.stored().record.polledAt, null);
  world.step(journal, 4);
  journal.close();
  assert.deepEqual(world.names(), [NAME]);
  assert.equal(world.stored().record.polledAt, 5);
  assert.equal(world.stored().chain.length, 6);
  assert.deepEqual(world.events, []);
});

Deno.test("a database that was only read can be closed for a while, too", () => {
  using its = crowded(3);
  its.journal.close();
  const { world, crowd } = its;
  const again = world.open(IDLE);
  crowd();
  assert.deepEqual(world.names(), [NAME]);
  world.step(again, 3);
  crowd();
  assert.equal(world.stored().chain.length, 6);
  assert.deepEqual(world.events, []);
});

Deno.test("only so many databases are open at once, those that were used last, and those that may not be closed", () => {
  using world = journalWorld();
  const always = world.open();
  world.step(always, 3);
  const profiles = Array.from({ length: OPEN_MAX + 5 }, (_, number) => `/nix/var/nix/profiles/web-${number}`);
  const journals = profiles.map((profile) => world.open({ ...IDLE, profile }));
  const open = () =>
    profiles.flatMap((profile, index) =>
      existsSync(`${world.folder}/${databaseName(profile)}-wal`) ? [index] : []
    );
  for (let step = 1; step <= 6; step++) {
    for (const journal of journals) world.step(journal);
    assert.deepEqual(open(), Array.from({ length: OPEN_MAX }, (_, index) => index + 5));
  }
  journals[5]?.flush();
  journals[5]?.note({ failures: 1 });
  journals[0]?.note({ failures: 1 });
  assert.deepEqual(open(), [0, 5, ...Array.from({ length: OPEN_MAX - 2 }, (_, index) => index + 7)]);
  for (const journal of journals) journal.close();
  assert.ok(isOpen(world));
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
    using its = crowded(0);
    const { world, journal, crowd } = its;
    crowd();
    Deno.copyFileSync(world.file, `${world.folder}/backup`);
    world.step(journal, 6);
    crowd();
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

Deno.test("a database that is exchanged before it is closed for a while is not taken for the one that was left", () => {
  using its = crowded(0);
  const { world, journal, crowd } = its;
  crowd();
  Deno.copyFileSync(world.file, `${world.folder}/backup`);
  world.step(journal, 6);
  Deno.renameSync(`${world.folder}/backup`, world.file);
  for (const end of ["-wal", "-shm"]) Deno.removeSync(world.file + end);
  crowd();
  world.step(journal, 6);
  assert.deepEqual(world.news(), ["state-damaged"]);
  assert.match(world.events[0]?.message ?? "", /it was exchanged/);
  const { record } = journal;
  journal.close();
  assert.deepEqual(world.stored().record, record);
});

Deno.test("what somebody else changed in a closed database, and hail does not know better, stays", () => {
  using its = crowded(12);
  const { world, journal, crowd } = its;
  crowd();
  sql(world.file, "DELETE FROM transition WHERE seq <= 2; PRAGMA wal_checkpoint(TRUNCATE)");
  Deno.chmodSync(world.file, 0o640);
  world.step(journal, 1);
  journal.close();
  assert.deepEqual(world.stored().chain.map(([seq]) => seq), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  assert.deepEqual(world.events, []);
});

Deno.test("a log that a reader has left beside a closed database does no harm", () => {
  using its = crowded(12);
  const { world, journal, crowd } = its;
  const reader = new DatabaseSync(world.file, { readOnly: true });
  reader.prepare("SELECT * FROM service").all();
  journal.note({ failures: 1 });
  // The reader still has it open: so hail is not the last to close it, and its log stays.
  crowd();
  assert.ok(isOpen(world));
  reader.close();
  world.step(journal, 6);
  const { record } = journal;
  journal.close();
  assert.deepEqual(world.stored().record, record);
  assert.equal(world.stored().chain.length, 18);
  assert.deepEqual(world.names(), [NAME]);
  assert.deepEqual(world.events, []);
});

Deno.test("a database that is closed for a while can be unwritable for a while", () => {
  using its = crowded(12);
  const { world, journal, crowd } = its;
  crowd();
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
