import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { badOf } from "../../tests/support/journal_samples.ts";
import { type JournalWorld, journalWorld } from "../../tests/support/journal_world.ts";
import { emptyRecord } from "../deployment/record.ts";

/** How often a property is tried. */
const RUNS = 40;

const NAME = "web-a18433467ea5.sqlite";

/** A world with a database of some deployments, closed. */
function used(steps = 12): JournalWorld {
  const world = journalWorld();
  const journal = world.open();
  world.step(journal, steps);
  journal.note({ bad: [badOf(1), badOf(2)] });
  journal.close();
  return world;
}

function sql(world: JournalWorld, statements: string) {
  const database = new DatabaseSync(world.file);
  database.exec(`PRAGMA foreign_keys = OFF; ${statements}`);
  database.close();
}

for (
  const [what, why, damage] of [
    ["that is empty", /it is empty/, ({ file }) => Deno.truncateSync(file)],
    ["cut within its header", /cut short/, ({ file }) => Deno.truncateSync(file, 60)],
    ["cut short", /damaged/, ({ file }) => Deno.truncateSync(file, 9_000)],
    ["of garbage", /no SQLite database/, ({ file }) => Deno.writeTextFileSync(file, "garbage ".repeat(999))],
    [
      "of another program",
      /not a database of hail's/,
      (world) => {
        Deno.removeSync(world.file);
        sql(world, "CREATE TABLE t (a)");
      },
    ],
    [
      "of another program, marked so",
      /not a database of hail's/,
      (world) => sql(world, "PRAGMA application_id = 5"),
    ],
    ["without a table", /no such table: service/, (world) => sql(world, "DROP TABLE service")],
    ["without tables", /no such table/, (world) => sql(world, "DROP TABLE service; DROP TABLE transition")],
    ["without its service", /names no service/, (world) => sql(world, "DELETE FROM service")],
    [
      "with what hail did not write",
      /table service holds what hail did not write \(active\.path\)/,
      (world) => sql(world, "UPDATE service SET active_path = '/etc'"),
    ],
    [
      "that breaks its own rules",
      /damaged/,
      (world) =>
        sql(world, "PRAGMA ignore_check_constraints = ON; UPDATE deployment SET runs = -1 WHERE id = 1"),
    ],
    [
      "of another profile",
      /another profile, \/p\/other/,
      (world) => sql(world, "UPDATE service SET profile = '/p/other'"),
    ],
  ] as readonly (readonly [string, RegExp, (world: JournalWorld) => void])[]
) {
  Deno.test(`a database ${what} is moved aside, and hail begins anew`, () => {
    using world = used();
    damage(world);
    const content = Deno.readFileSync(world.file);
    const journal = world.open();
    assert.deepEqual(journal.record, emptyRecord(world.clock.now()));
    const [event, ...more] = world.events;
    assert.deepEqual(more, []);
    assert.equal(event?.level, "error");
    assert.equal(event.fields?.["code"], "state-damaged");
    assert.match(event.message, why);
    const aside = `${world.file}.damaged-20260101T000000Z`;
    assert.equal(event.fields?.["moved_to"], aside);
    assert.match(event.message, /from what the profile shows/);
    // SQLite may have written its log into it when it was closed; hail itself changes nothing.
    assert.equal(Deno.readFileSync(aside).length, content.length);
    world.step(journal, 2);
    journal.close();
    assert.deepEqual(world.stored().chain.map(([seq]) => seq), [1, 2]);
    assert.deepEqual(world.names(), [NAME, `${NAME}.damaged-20260101T000000Z`]);
  });
}

Deno.test("an earlier damaged file is never overwritten", () => {
  using world = journalWorld();
  for (const content of ["one", "two", "three"]) {
    Deno.mkdirSync(world.folder, { recursive: true });
    Deno.writeTextFileSync(world.file, content);
    if (content === "two") Deno.writeTextFileSync(`${world.file}-wal`, "its log");
    world.open().close();
  }
  const aside = `${world.file}.damaged-20260101T000000Z`;
  assert.deepEqual([aside, `${aside}-2`, `${aside}-3`].map((file) => Deno.readTextFileSync(file)), [
    "one",
    "two",
    "three",
  ]);
  assert.equal(Deno.readTextFileSync(`${aside}-2-wal`), "its log");
  assert.deepEqual(world.news(), ["state-damaged", "state-damaged", "state-damaged"]);
});

Deno.test("a log that is left of a database is moved aside, lest it be taken for that of the new one", () => {
  using world = used();
  const journal = world.open();
  world.step(journal, 30);
  const log = Deno.readFileSync(`${world.file}-wal`);
  journal.close();
  Deno.removeSync(world.file);
  Deno.writeFileSync(`${world.file}-wal`, log);
  world.open().close();
  assert.deepEqual(world.news(), ["state-damaged"]);
  assert.deepEqual(world.stored().record, emptyRecord(world.clock.now()));
  assert.deepEqual(Deno.readFileSync(`${world.file}.damaged-20260101T000000Z-wal`), log);
});

for (
  const [what, why, damage] of [
    ["loses a table", /no such table/, (world) => sql(world, "DROP TABLE deployment")],
    ["is removed", /only its log is left/, ({ file }) => Deno.removeSync(file)],
    [
      "is removed with what is beside it",
      /removed while hail was running/,
      ({ file }) => ["", "-wal", "-shm"].forEach((end) => Deno.removeSync(file + end)),
    ],
    [
      "is removed with its folder",
      /removed while hail was running/,
      ({ folder }) => Deno.removeSync(folder, { recursive: true }),
    ],
    [
      "is exchanged for an older one",
      /it was exchanged/,
      ({ file, folder }) => {
        Deno.renameSync(`${folder}/backup`, file);
        Deno.removeSync(`${file}-wal`);
      },
    ],
    [
      "is exchanged for garbage",
      /no SQLite database/,
      ({ file }) => {
        Deno.removeSync(file);
        Deno.writeTextFileSync(file, "garbage ".repeat(999));
      },
    ],
  ] as readonly (readonly [string, RegExp, (world: JournalWorld) => void])[]
) {
  Deno.test(`when the database ${what} while hail runs, all that hail knows is written into a new one`, () => {
    using world = used();
    Deno.copyFileSync(world.file, `${world.folder}/backup`);
    const journal = world.open();
    world.step(journal, 5);
    damage(world);
    // What is not in memory any more is not missed at once.
    for (let times = 0; times < 3; times++) world.step(journal);
    const news = world.news();
    assert.equal(news[0], "state-damaged");
    assert.match(world.events[0]?.message ?? "", why);
    assert.match(world.events[0]?.message ?? "", /with all that hail knows/);
    assert.equal(world.events[0]?.level, "error");
    assert.equal(news.length, 1);
    const { record } = journal;
    journal.close();
    const { record: stored, ids, chain } = world.stored();
    assert.deepEqual(stored, record);
    assert.equal(stored.bad.length, 2);
    assert.equal(ids.at(-1), record.deployments);
    assert.ok(chain.length >= 1);
    chain.forEach(([seq], index) => assert.equal(seq, index + 1));
  });
}

Deno.test("a database that is overwritten while hail runs is found at the next start at the latest", () => {
  using world = used();
  const journal = world.open();
  world.step(journal, 5);
  Deno.writeTextFileSync(world.file, "garbage ".repeat(9_999));
  Deno.truncateSync(`${world.file}-wal`);
  world.step(journal, 5);
  journal.close();
  world.open().close();
  assert.deepEqual(world.news(), ["state-damaged"]);
  assert.ok(world.names().some((name) => name.startsWith(`${NAME}.damaged-`)));
});

Deno.test("a log that is removed while hail runs costs nothing", () => {
  using world = used();
  const journal = world.open();
  world.step(journal, 5);
  Deno.removeSync(`${world.file}-wal`);
  world.step(journal, 5);
  const { record } = journal;
  journal.close();
  assert.deepEqual(world.news(), []);
  assert.deepEqual(world.stored().record, record);
  assert.equal(world.stored().chain.length, 22);
});

/** What a killed hail leaves: the database, and beside it a log that is not yet in it. */
function killedState(): { readonly file: Uint8Array; readonly log: Uint8Array; readonly steps: number } {
  using world = used(100);
  const journal = world.open();
  world.step(journal, 20);
  return { file: Deno.readFileSync(world.file), log: Deno.readFileSync(`${world.file}-wal`), steps: 120 };
}

/** Opens what is left of a database: either a record is read that was there at some time, or all is told and kept. */
function assertSurvives(file: Uint8Array, log: Uint8Array) {
  using world = journalWorld();
  Deno.mkdirSync(world.folder);
  Deno.writeFileSync(world.file, file);
  Deno.writeFileSync(`${world.file}-wal`, log);
  const journal = world.open();
  const news = world.news();
  const before = world.names();
  if (news.includes("state-damaged")) {
    assert.deepEqual(journal.record, emptyRecord(world.clock.now()));
    assert.ok(before.includes(`${NAME}.damaged-20260101T000000Z`), before.join());
  } else {
    assert.deepEqual(news, []);
    assert.equal(journal.record.work?.id ?? 0, journal.record.deployments);
  }
  world.step(journal, 10);
  journal.note({ bad: [] });
  const { record } = journal;
  journal.close();
  const later = world.news();
  assert.ok(later.every((news) => news === "state-damaged"), later.join());
  assert.deepEqual(world.stored().record, record);
}

Deno.test("a database or a log that is cut short anywhere does not keep hail from working, and nothing is deleted", () => {
  const { file, log } = killedState();
  fc.assert(
    fc.property(
      fc.nat(file.length),
      fc.nat(log.length),
      fc.constantFrom("file", "log", "both"),
      (a, b, what) => {
        assertSurvives(
          what === "log" ? file : file.subarray(0, a),
          what === "file" ? log : log.subarray(0, b),
        );
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test("bytes that are changed anywhere do not keep hail from working, and nothing is deleted", () => {
  const { file, log } = killedState();
  // Another version of the schema, in these bytes of the header, would rightly be refused.
  const place = fc.nat(file.length + log.length - 1).filter((place) => place !== 62 && place !== 63);
  const changes = fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(changes, (changes) => {
      const [broken, brokenLog] = [file.slice(), log.slice()];
      for (const [place, change] of changes) {
        const [bytes, offset] = place < file.length ? [broken, place] : [brokenLog, place - file.length];
        bytes[offset] = (bytes[offset] ?? 0) ^ change;
      }
      assertSurvives(broken, brokenLog);
    }),
    { numRuns: RUNS },
  );
});
