import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { badOf, deploymentOf, fullRecord } from "../../tests/support/journal_samples.ts";
import { type JournalWorld, journalWorld } from "../../tests/support/journal_world.ts";
import { emptyRecord, type ServiceRecord } from "../deployment/record.ts";
import { readContent } from "./content.ts";
import { SETUP } from "./database.ts";
import { wordsOf } from "./words.ts";

Deno.test("a journal of an unknown service is empty, and says nothing", () => {
  using world = journalWorld();
  const journal = world.open({ settings: '{"a":1}' });
  assert.deepEqual(journal.record, emptyRecord(world.clock.now()));
  assert.equal(journal.file, world.file);
  journal.close();
  assert.deepEqual(world.events, []);
  assert.deepEqual(world.names(), ["web-a18433467ea5.sqlite"]);
  const { ids, chain, ...rest } = world.stored();
  assert.deepEqual(rest, {
    record: emptyRecord(world.clock.now()),
    settings: '{"a":1}',
    jobUri: "https://hydra.example.org/job/a/b/c/latest",
    profile: "/nix/var/nix/profiles/web",
  });
  assert.deepEqual([ids, chain], [[], []]);
});

Deno.test("what is written is there at once for a process that is killed, and for its successor", () => {
  using world = journalWorld();
  const journal = world.open();
  world.step(journal, 14);
  const record = journal.record;
  // A copy of the files as they are now is what a killed process leaves.
  for (const end of ["", "-wal"]) Deno.copyFileSync(world.file + end, `${world.folder}/copy${end}`);
  journal.close();
  for (const end of ["", "-wal"]) Deno.renameSync(`${world.folder}/copy${end}`, world.file + end);
  const next = world.open();
  assert.deepEqual(next.record, record);
  world.step(next, 3);
  next.close();
  const { ids, chain } = world.stored();
  assert.deepEqual(ids, [1, 2, 3]);
  assertChain(chain);
  assert.equal(chain.length, 17);
  assert.deepEqual(world.news(), []);
});

Deno.test("the options of the hail that runs are kept with the service", () => {
  using world = journalWorld();
  world.open({ settings: "1" }).close();
  world.open({ settings: "2", jobUri: "https://elsewhere/job/a/b/c/latest" }).close();
  const { settings, jobUri } = world.stored();
  assert.deepEqual({ settings, jobUri }, { settings: "2", jobUri: "https://elsewhere/job/a/b/c/latest" });
});

Deno.test("a note is written at once, with the deployment that it changes", () => {
  using world = journalWorld();
  const journal = world.open();
  journal.note({ work: deploymentOf(1, { leader: null }), deployments: 1, bad: [badOf(3)] });
  journal.note({ work: deploymentOf(1), seen: null });
  assert.deepEqual(readAside(world), journal.record);
  journal.note({ work: null, bad: [] });
  assert.deepEqual(readAside(world), journal.record);
});

Deno.test("a lazy note waits for a minute, the next transition or the end", () => {
  using world = journalWorld();
  const journal = world.open();
  const isWritten = () => readAside(world).polledAt === journal.record.polledAt;
  const note = () => journal.note({ polledAt: world.clock.now() }, true);
  world.clock.jump(59_999);
  note();
  assert.ok(!isWritten());
  world.clock.jump(1);
  note();
  assert.ok(isWritten());
  world.clock.jump(5_000);
  note();
  assert.ok(!isWritten());
  world.step(journal);
  assert.ok(isWritten());
  world.clock.jump(5_000);
  note();
  journal.note({ failures: 1 });
  assert.ok(isWritten());
  world.clock.jump(5_000);
  note();
  const { record } = journal;
  journal.close();
  assert.deepEqual(world.stored().record, record);
});

Deno.test("a clock that jumps back or forth does not keep a lazy note from being written", () => {
  using world = journalWorld();
  const journal = world.open();
  for (const jump of [-3600_000, 7200_000, -7200_000]) {
    world.clock.jump(jump);
    journal.note({ polledAt: world.clock.now() }, true);
    assert.equal(readAside(world).polledAt, world.clock.now());
  }
});

Deno.test("a lazy note may wait longer where that is said, and is written when somebody asks", () => {
  using world = journalWorld();
  const journal = world.open({ lazyLimit: 3600_000 });
  const isWritten = () => readAside(world).polledAt === journal.record.polledAt;
  const note = () => journal.note({ polledAt: world.clock.now() }, true);
  world.clock.jump(3599_999);
  note();
  assert.ok(!isWritten());
  journal.flush();
  assert.ok(isWritten());
  world.clock.jump(3599_999);
  note();
  assert.ok(!isWritten());
  world.clock.jump(1);
  note();
  assert.ok(isWritten());
});

Deno.test("a flush writes nothing where nothing waits", () => {
  using world = journalWorld();
  world.open().close();
  const journal = world.open();
  const before = Deno.readFileSync(world.file);
  journal.flush();
  journal.close();
  assert.deepEqual(Deno.readFileSync(world.file), before);
});

Deno.test("the first lazy note after a start waits as every other does", () => {
  using world = journalWorld();
  world.open().close();
  const journal = world.open();
  journal.note({ polledAt: world.clock.now() }, true);
  assert.equal(readAside(world).polledAt, null);
  world.clock.jump(60_000);
  journal.note({ nextPollAt: world.clock.now() }, true);
  assert.deepEqual(readAside(world), journal.record);
});

Deno.test("options that change while hail runs are written at once, and only where they change", () => {
  using world = journalWorld();
  const journal = world.open({ settings: "1" });
  const jobUri = "https://elsewhere/job/a/b/c/latest";
  journal.note({ polledAt: 5 }, true);
  journal.setOwner({ jobUri, settings: "2" });
  const ask = () => {
    const database = new DatabaseSync(world.file, { readOnly: true });
    const row = database.prepare("SELECT job_uri, settings, polled_at, revision FROM service").get();
    database.close();
    return { ...row };
  };
  assert.deepEqual(ask(), { job_uri: jobUri, settings: "2", polled_at: 5, revision: 2 });
  journal.setOwner({ jobUri, settings: "2" });
  assert.equal(ask()["revision"], 2);
  world.step(journal);
  assert.deepEqual(ask(), { job_uri: jobUri, settings: "2", polled_at: 5, revision: 3 });
  journal.close();
  world.open({ settings: "2", jobUri }).close();
  assert.equal(ask()["revision"], 3);
});

Deno.test("what hail makes is for its user alone, or for a group to read", () => {
  using world = journalWorld();
  const modes = () =>
    [".", ...world.names()].map((name) => {
      const { mode, gid } = Deno.statSync(`${world.folder}/${name}`);
      return `${name} ${((mode ?? 0) & 0o777).toString(8)} ${gid}`;
    });
  const own = Deno.gid();
  const name = "web-a18433467ea5.sqlite";
  const journal = world.open();
  world.step(journal);
  assert.deepEqual(modes(), [
    `. 700 ${own}`,
    `${name} 600 ${own}`,
    `${name}-shm 600 ${own}`,
    `${name}-wal 600 ${own}`,
  ]);
  journal.close();
  Deno.removeSync(world.folder, { recursive: true });
  // Only root may give files to any group; others keep them to themselves.
  const [gid, folder, file] = Deno.uid() === 0 ? [4711, "750", "640"] : [own, "700", "600"];
  const other = world.open({ gid: 4711 });
  world.step(other);
  assert.deepEqual(modes(), [
    `. ${folder} ${gid}`,
    `${name} ${file} ${gid}`,
    `${name}-shm ${file} ${gid}`,
    `${name}-wal ${file} ${gid}`,
  ]);
});

Deno.test("a folder that was there before keeps its mode", () => {
  using world = journalWorld();
  Deno.mkdirSync(world.folder);
  Deno.chmodSync(world.folder, 0o755);
  world.open({ gid: Deno.gid() });
  assert.equal((Deno.statSync(world.folder).mode ?? 0) & 0o777, 0o755);
});

Deno.test("what a hail left that was killed while it made the database does no harm", () => {
  using world = journalWorld();
  Deno.mkdirSync(world.folder);
  for (const end of [".new", ".new-wal", ".new-journal"]) Deno.writeTextFileSync(world.file + end, "half");
  world.open().close();
  assert.deepEqual(world.names(), ["web-a18433467ea5.sqlite"]);
  assert.deepEqual(world.news(), []);
});

Deno.test("a value that does not fit is no damage: hail goes on in memory and says so", () => {
  using world = journalWorld();
  const journal = world.open();
  journal.note({ failures: -1 });
  assert.deepEqual(world.news(), ["state-unwritable"]);
  journal.note({ failures: Number.NaN });
  assert.deepEqual(world.news(), ["state-unwritable"]);
  journal.note({ failures: 0 });
  assert.deepEqual(world.news(), ["state-written-again"]);
  assert.deepEqual(world.names().filter((name) => name.includes("damaged")), []);
});

Deno.test("a database that another program keeps locked is written later", () => {
  using world = journalWorld();
  const journal = world.open({ setup: { ...SETUP, busyLimit: 10 } });
  const other = new DatabaseSync(world.file);
  other.exec("BEGIN IMMEDIATE");
  world.step(journal, 3);
  assert.deepEqual(world.news(), ["state-unwritable"]);
  assert.match(world.events[0]?.message ?? "", /another program keeps it locked/);
  other.exec("ROLLBACK");
  other.close();
  world.step(journal);
  assert.deepEqual(world.news(), ["state-written-again"]);
  journal.close();
  assert.equal(world.stored().chain.length, 4);
  assertChain(world.stored().chain);
});

Deno.test("a record is also read with the store folder that hail was told", () => {
  using world = journalWorld();
  const journal = world.open();
  journal.note({ ...fullRecord(), work: null });
  journal.close();
  const other = world.open({ storeFolder: "/other/store" });
  assert.deepEqual(world.news(), ["state-damaged"]);
  assert.deepEqual(other.record, emptyRecord(world.clock.now()));
});

/** What the database holds while the journal is open, as another process would see it. */
function readAside(world: JournalWorld): ServiceRecord {
  const database = new DatabaseSync(world.file, { readOnly: true });
  try {
    return readContent(database, wordsOf("/nix/store")).record;
  } finally {
    database.close();
  }
}

/** The numbers have no gap, and each transition begins where the one before has ended. */
function assertChain(chain: readonly (readonly [number, string, string])[]) {
  chain.forEach(([seq, from], index) => {
    const before = chain[index - 1];
    if (before !== undefined) assert.deepEqual([seq, from], [before[0] + 1, before[2]]);
  });
}
