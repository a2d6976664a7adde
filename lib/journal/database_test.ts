import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { deploymentOf, fullRecord } from "../../tests/support/journal_samples.ts";
import { type JournalWorld, journalWorld } from "../../tests/support/journal_world.ts";
import { SETUP } from "./database.ts";
import { readService } from "./read.ts";
import { MIGRATIONS } from "./schema.ts";

/** Two versions that do not exist. */
const LATER = {
  ...SETUP,
  migrations: [
    ...MIGRATIONS,
    "ALTER TABLE service ADD COLUMN mood TEXT NOT NULL DEFAULT 'fine'; UPDATE service SET mood = 'good';",
    "CREATE TABLE extra (a INTEGER) STRICT; INSERT INTO extra SELECT id FROM deployment;",
  ],
};

/** The version of this hail's schema, and of that with the two. */
const PRESENT = MIGRATIONS.length;
const LATEST = LATER.migrations.length;

const COPY = `.v${PRESENT}`;

Deno.test("an older database is brought up to date, and is kept as it was for an older hail", () => {
  using world = journalWorld();
  const older = world.open();
  world.step(older, 12);
  const { record } = older;
  older.close();
  const journal = world.open({ setup: LATER });
  assert.deepEqual(journal.record, record);
  assert.deepEqual(world.news(), ["state-migrated"]);
  assert.deepEqual(world.events[0]?.fields, {
    file: world.file,
    from: PRESENT,
    to: LATEST,
    copy: world.file + COPY,
  });
  world.step(journal);
  journal.close();
  const database = new DatabaseSync(world.file);
  assert.equal(database.prepare("SELECT mood FROM service").get()?.["mood"], "good");
  assert.equal(database.prepare("SELECT count(*) AS n FROM extra").get()?.["n"], 2);
  assert.equal(database.prepare("PRAGMA user_version").get()?.["user_version"], LATEST);
  database.close();
  const copy = readService(world.file + COPY);
  assert.deepEqual(copy.record, record);
  copy.close();
  // Back to the older hail, and forth again.
  Deno.renameSync(world.file + COPY, world.file);
  const again = world.open();
  assert.deepEqual(again.record, record);
  world.step(again, 3);
  const later = again.record;
  again.close();
  world.open({ setup: LATER }).close();
  const second = readService(world.file + COPY);
  assert.deepEqual(second.record, later);
  second.close();
});

Deno.test("a log that a killed hail has left is in the copy of an older database", () => {
  using world = journalWorld();
  const older = world.open();
  world.step(older, 12);
  const { record } = older;
  for (const end of ["", "-wal"]) Deno.copyFileSync(world.file + end, `${world.folder}/killed${end}`);
  older.close();
  for (const end of ["", "-wal"]) Deno.renameSync(`${world.folder}/killed${end}`, world.file + end);
  world.open({ setup: LATER }).close();
  const copy = readService(world.file + COPY);
  assert.deepEqual(copy.record, record);
  copy.close();
});

Deno.test("a migration that fails changes nothing", () => {
  using world = journalWorld();
  const older = world.open();
  world.step(older, 12);
  const { record } = older;
  older.close();
  const broken = [...MIGRATIONS, "CREATE TABLE extra (a)", "CREATE TABLE service (a)"];
  const journal = world.open({ setup: { ...SETUP, migrations: broken } });
  journal.close();
  const kept = world.names().find((name) => name.includes(".damaged-")) ?? "";
  const database = new DatabaseSync(`${world.folder}/${kept}`);
  assert.equal(database.prepare("PRAGMA user_version").get()?.["user_version"], PRESENT);
  assert.equal(
    database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'extra'").get()?.["n"],
    0,
  );
  database.close();
  const copy = readService(world.file + COPY);
  assert.deepEqual(copy.record, record);
  copy.close();
});

Deno.test("a database of a newer hail is refused, and left as it is", () => {
  using world = journalWorld();
  const newer = world.open({ setup: LATER });
  world.step(newer, 3);
  newer.close();
  const before = Deno.readFileSync(world.file);
  assert.throws(() => world.open(), {
    name: "Failure",
    code: "state-newer",
    what: world.file,
    why: `a newer hail has written it (version ${LATEST}; this hail knows ${PRESENT})`,
    next: "Use the newer hail, or name another state-dir.",
    exitStatus: 2,
  });
  assert.throws(() => readService(world.file), { code: "state-newer" });
  assert.deepEqual(Deno.readFileSync(world.file), before);
  assert.deepEqual(world.names(), ["web-a18433467ea5.sqlite"]);
  assert.deepEqual(world.events, []);
});

Deno.test("a newer hail reads an older database without changing it", () => {
  using world = journalWorld();
  const older = world.open();
  world.step(older, 7);
  const { record } = older;
  older.close();
  const before = Deno.readFileSync(world.file);
  const service = readService(world.file, { setup: LATER });
  assert.deepEqual(service.record, record);
  assert.equal(service.transitions(9).length, 7);
  service.close();
  assert.deepEqual(Deno.readFileSync(world.file), before);
  assert.deepEqual(world.names(), ["web-a18433467ea5.sqlite"]);
});

Deno.test("the database is as an operator wants it: safe, marked as hail's, and legible", () => {
  using world = journalWorld();
  const journal = world.open();
  world.step(journal, 12);
  const database = new DatabaseSync(world.file, { readOnly: true });
  const ask = (sql: string) => Object.values(database.prepare(sql).get() ?? {})[0];
  assert.equal(ask("PRAGMA journal_mode"), "wal");
  assert.equal(ask("PRAGMA application_id"), 0x6861696c);
  assert.equal(ask("PRAGMA user_version"), PRESENT);
  assert.equal(ask("SELECT state FROM service"), "active");
  assert.equal(ask("SELECT active_name FROM service"), "web-2.0");
  assert.equal(
    ask("SELECT target_path FROM deployment ORDER BY id DESC"),
    "/nix/store/00000000000000000000000000000002-web-2.0",
  );
  assert.equal(
    ask(
      "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
    ),
    0,
  );
  database.close();
});

const RELEASED = new URL("../../tests/support/journal_version_1.sql", import.meta.url);

/** Puts a database of the first released schema into the world. */
function placeReleased(world: JournalWorld) {
  Deno.mkdirSync(world.folder, { mode: 0o700 });
  const database = new DatabaseSync(world.file);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(Deno.readTextFileSync(RELEASED));
  database.close();
}

Deno.test("the first released database is brought up to date with everything that is in it", () => {
  using world = journalWorld();
  placeReleased(world);
  const before = Deno.readFileSync(world.file);
  const read = readService(world.file);
  const { record } = read;
  read.close();
  assert.deepEqual(Deno.readFileSync(world.file), before);
  assert.deepEqual(record, {
    ...fullRecord(),
    state: "active",
    since: Date.UTC(2026, 0, 1, 0, 0, 12),
    work: {
      ...deploymentOf(2, { fault: null, rollbackFault: null, leader: null, degraded: false }),
      endedAt: Date.UTC(2026, 0, 1, 0, 0, 12),
      outcome: "active",
      runs: 4,
    },
    deployments: 2,
    // It did not know of gates.
    latestSince: null,
    closed: null,
  });
  const journal = world.open({ settings: '["--profile","/nix/var/nix/profiles/web"]' });
  assert.deepEqual(journal.record, record);
  assert.deepEqual(world.news(), ["state-migrated"]);
  const closed = { gate: "delay", why: "it is young", askAgainAt: null };
  journal.note({ closed, latestSince: 1_800_000_000_000 });
  journal.close();
  const stored = world.stored();
  assert.deepEqual(stored.record, { ...record, closed, latestSince: 1_800_000_000_000 });
  assert.deepEqual(stored.ids, [1, 2]);
  assert.deepEqual(stored.chain.map(([seq]) => seq), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assert.deepEqual(Deno.readFileSync(`${world.file}.v1`), before);
});

Deno.test("the first version of the schema is the one that was released", () => {
  using world = journalWorld();
  placeReleased(world);
  const schemaOf = (database: DatabaseSync) =>
    database.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all()
      .map(({ name, sql }) => [name, String(sql).replace(/\s+/g, " ")]);
  const released = new DatabaseSync(world.file);
  const made = new DatabaseSync(":memory:");
  made.exec(MIGRATIONS[0] ?? "");
  assert.deepEqual(schemaOf(made), schemaOf(released));
  released.close();
  made.close();
});

for (
  const [what, statement] of [
    ["a closed gate without a reason", "UPDATE service SET closed_gate = 'window'"],
    ["a reason without a gate", "UPDATE service SET closed_why = 'not before two'"],
    ["a time to ask again without a gate", "UPDATE service SET closed_ask_again_at = 5"],
    ["a time that no calendar has", "UPDATE service SET latest_since = 8640000000000001"],
  ] as const
) {
  Deno.test(`the schema itself refuses ${what}`, () => {
    using world = journalWorld();
    world.open().close();
    const database = new DatabaseSync(world.file);
    assert.throws(() => database.exec(statement), /CHECK constraint failed/);
    database.close();
  });
}
