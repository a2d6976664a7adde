import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { journalWorld } from "../../tests/support/journal_world.ts";
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

const COPY = ".v1";

Deno.test("an older database is brought up to date, and is kept as it was for an older hail", () => {
  using world = journalWorld();
  const older = world.open();
  world.step(older, 12);
  const { record } = older;
  older.close();
  const journal = world.open({ setup: LATER });
  assert.deepEqual(journal.record, record);
  assert.deepEqual(world.news(), ["state-migrated"]);
  assert.deepEqual(world.events[0]?.fields, { file: world.file, from: 1, to: 3, copy: world.file + COPY });
  world.step(journal);
  journal.close();
  const database = new DatabaseSync(world.file);
  assert.equal(database.prepare("SELECT mood FROM service").get()?.["mood"], "good");
  assert.equal(database.prepare("SELECT count(*) AS n FROM extra").get()?.["n"], 2);
  assert.equal(database.prepare("PRAGMA user_version").get()?.["user_version"], 3);
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
  assert.equal(database.prepare("PRAGMA user_version").get()?.["user_version"], 1);
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
    why: "a newer hail has written it (version 3; this hail knows 1)",
    next: "Use the newer hail, or name another --state-dir.",
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
  assert.equal(ask("PRAGMA user_version"), 1);
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
