import assert from "node:assert/strict";
import { badOf, pathOf } from "../../tests/support/journal_samples.ts";
import { type JournalWorld, journalWorld } from "../../tests/support/journal_world.ts";
import { emptyRecord } from "../deployment/record.ts";

const HOUR = 3600_000;

/** A file in the place of the state folder: not even root can write there. */
function block({ folder }: JournalWorld) {
  Deno.writeTextFileSync(folder, "");
}

Deno.test("a folder that cannot be written is told once, and all is written as soon as it can be", () => {
  using world = journalWorld();
  block(world);
  const journal = world.open();
  assert.deepEqual(journal.record, emptyRecord(world.clock.now()));
  assert.equal(world.events[0]?.level, "error");
  assert.match(world.events[0]?.message ?? "", /a part of its path is not a folder/);
  world.step(journal, 10);
  journal.note({ bad: [badOf(1)] });
  assert.deepEqual(world.news(), ["state-unwritable"]);
  Deno.removeSync(world.folder);
  world.step(journal, 5);
  assert.deepEqual(world.news(), ["state-written-again"]);
  const told = world.events.at(-1);
  assert.deepEqual([told?.level, told?.fields], ["info", { file: world.file, transitions: 11, lost: 0 }]);
  const { record } = journal;
  journal.close();
  const stored = world.stored();
  assert.deepEqual(stored.record, record);
  assert.deepEqual([stored.chain.length, stored.ids], [15, [1, 2, 3]]);
});

Deno.test("a folder that others can write is not trusted, and used as soon as they cannot", () => {
  using world = journalWorld();
  Deno.mkdirSync(world.folder);
  Deno.chmodSync(world.folder, 0o777);
  const journal = world.open();
  world.step(journal);
  assert.deepEqual(world.news(), ["state-unwritable"]);
  assert.match(world.events[0]?.message ?? "", /others can write to it/);
  assert.deepEqual([...Deno.readDirSync(world.folder)], []);
  Deno.chmodSync(world.folder, 0o755);
  world.step(journal);
  assert.deepEqual(world.news(), ["state-written-again"]);
});

Deno.test("that the state cannot be written is told again every hour, whatever the clock does", () => {
  using world = journalWorld();
  block(world);
  const journal = world.open();
  const pass = (time: number) => {
    world.clock.jump(time);
    world.step(journal);
    return world.news().length;
  };
  assert.equal(pass(0), 1);
  assert.equal(pass(HOUR - 1), 0);
  assert.equal(pass(1), 1);
  assert.equal(pass(-5 * HOUR), 1);
  assert.equal(pass(HOUR), 1);
});

Deno.test("what cannot be written is tried every minute, however long a lazy note may wait", () => {
  using world = journalWorld();
  block(world);
  const journal = world.open({ lazyLimit: HOUR });
  Deno.removeSync(world.folder);
  world.clock.jump(59_999);
  journal.note({ polledAt: world.clock.now() }, true);
  assert.deepEqual(world.news(), ["state-unwritable"]);
  world.clock.jump(1);
  journal.note({ polledAt: world.clock.now() }, true);
  assert.deepEqual(world.news(), ["state-written-again"]);
});

Deno.test("another reason why the state cannot be written is told at once", () => {
  using world = journalWorld();
  block(world);
  const journal = world.open();
  Deno.removeSync(world.folder);
  Deno.mkdirSync(world.file, { recursive: true });
  world.step(journal);
  assert.deepEqual(world.news(), ["state-unwritable", "state-unwritable"]);
  assert.match(world.events[1]?.message ?? "", /something other than a file is in its place/);
});

for (
  const [what, place] of [
    ["a link", (path, victim) => Deno.symlinkSync(victim, path)],
    ["a link to nothing", (path) => Deno.symlinkSync("/nonexistent/file", path)],
    ["a folder", (path) => Deno.mkdirSync(path)],
    ["a FIFO", (path) => void new Deno.Command("mkfifo", { args: [path] }).outputSync()],
  ] as readonly (readonly [string, (path: string, victim: string) => void])[]
) {
  Deno.test(`${what} in the place of the database is left alone`, () => {
    using world = journalWorld();
    const victim = `${world.folder}/victim`;
    Deno.mkdirSync(world.folder);
    Deno.writeTextFileSync(victim, "untouched");
    place(world.file, victim);
    const names = world.names();
    const journal = world.open();
    world.step(journal, 3);
    journal.close();
    assert.deepEqual(world.news(), ["state-unwritable"]);
    assert.deepEqual(world.names(), names);
    assert.equal(Deno.readTextFileSync(victim), "untouched");
  });
}

Deno.test("while nothing can be written, the newest 1,000 transitions are kept, and it is told how many are not", () => {
  using world = journalWorld();
  block(world);
  const journal = world.open();
  world.step(journal, 1_050);
  Deno.removeSync(world.folder);
  world.step(journal);
  assert.equal(world.events.at(-1)?.fields?.["lost"], 50);
  const { record } = journal;
  journal.close();
  const { chain, record: stored } = world.stored();
  assert.deepEqual([chain.length, chain[0]?.[0], chain.at(-1)?.[0]], [1_001, 1, 1_001]);
  assert.deepEqual(stored, record);
});

Deno.test("a state that comes too late is moved aside, but what is marked bad in it stays so", () => {
  using world = journalWorld();
  const before = world.open();
  world.step(before, 9);
  before.note({ bad: [badOf(1), badOf(2)] });
  before.close();
  const late = `${world.folder}.late`;
  Deno.renameSync(world.folder, late);
  block(world);
  const journal = world.open();
  world.step(journal, 3);
  journal.note({ bad: [badOf(2), badOf(3)] });
  Deno.removeSync(world.folder);
  Deno.renameSync(late, world.folder);
  world.step(journal);
  assert.deepEqual(world.news(), ["state-unwritable", "state-damaged", "state-written-again"]);
  assert.deepEqual(journal.record.bad.map(({ path }) => path), [pathOf(1), pathOf(2), pathOf(3)]);
  const { record } = journal;
  journal.close();
  assert.deepEqual(world.stored().record, record);
  assert.equal(world.stored().chain.length, 4);
  assert.ok(world.names().some((name) => name.includes(".replaced-")));
});

Deno.test("what could not be written when hail ends is told by then", () => {
  using world = journalWorld();
  block(world);
  const journal = world.open();
  world.step(journal);
  journal.close();
  assert.deepEqual(world.news(), ["state-unwritable"]);
});

/** A small file system of its own, where this machine permits one. */
function mountSmall(path: string): boolean {
  if (Deno.uid() !== 0) return false;
  Deno.mkdirSync(path, { recursive: true });
  return new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=256k,mode=0700", "hail-test", path],
    stderr: "null",
  })
    .outputSync().success;
}

function run(program: string, ...args: string[]) {
  const { success, stderr } = new Deno.Command(program, { args }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** Says why a test cannot be made here, where it cannot be overlooked. */
function cannot(test: string) {
  Deno.stderr.writeSync(
    new TextEncoder().encode(`\n*** NOT TESTED: ${test}: this machine permits no mount ***\n`),
  );
}

Deno.test("a disk that is full is told, and all is written when there is room", () => {
  using world = journalWorld();
  if (!mountSmall(world.folder)) return cannot("a disk that is full");
  try {
    const journal = world.open();
    world.step(journal, 10);
    const filler = `${world.folder}/filler`;
    fill(filler);
    // There is some room in what the database has already, and each time that it is opened again.
    world.step(journal, 100);
    assert.deepEqual(new Set(world.news()), new Set(["state-unwritable", "state-written-again"]));
    assert.match(world.events[0]?.message ?? "", /disk/);
    Deno.removeSync(filler);
    world.step(journal);
    const { record } = journal;
    journal.close();
    const { record: stored, chain } = world.stored();
    assert.deepEqual(stored, record);
    assert.deepEqual(chain.map(([seq]) => seq), Array.from({ length: 111 }, (_, index) => index + 1));
    chain.forEach(([, from], index) => assert.equal(from, chain[index - 1]?.[2] ?? "idle"));
    assert.ok(!world.names().some((name) => name.includes("damaged")));
  } finally {
    run("umount", "--lazy", world.folder);
  }
});

Deno.test("a full disk at the start keeps hail from nothing but writing", () => {
  using world = journalWorld();
  if (!mountSmall(world.folder)) return cannot("a full disk at the start");
  try {
    const filler = `${world.folder}/filler`;
    fill(filler);
    const journal = world.open();
    world.step(journal, 3);
    assert.deepEqual(world.news(), ["state-unwritable"]);
    assert.deepEqual(world.names(), ["filler"]);
    Deno.removeSync(filler);
    journal.note({ seen: null });
    assert.deepEqual(world.news(), ["state-written-again"]);
    journal.close();
    assert.equal(world.stored().chain.length, 3);
  } finally {
    run("umount", "--lazy", world.folder);
  }
});

Deno.test("a state on a read-only disk is read, and written when the disk can be", () => {
  using world = journalWorld();
  if (!mountSmall(world.folder)) return cannot("a read-only disk");
  try {
    const before = world.open();
    world.step(before, 9);
    const { record } = before;
    before.close();
    run("mount", "-o", "remount,ro", world.folder);
    const journal = world.open({ settings: "new" });
    assert.deepEqual(journal.record, record);
    world.step(journal, 2);
    assert.deepEqual(world.news(), ["state-unwritable"]);
    assert.deepEqual(world.stored().record, record);
    run("mount", "-o", "remount,rw", world.folder);
    world.step(journal, 2);
    assert.deepEqual(world.news(), ["state-written-again"]);
    journal.close();
    assert.equal(world.stored().chain.length, 13);
    assert.equal(world.stored().settings, "new");
  } finally {
    run("umount", "--lazy", world.folder);
  }
});

Deno.test("a damaged database on a read-only disk is told as such, and is moved aside when it can be", () => {
  using world = journalWorld();
  if (!mountSmall(world.folder)) return cannot("a damaged database on a read-only disk");
  try {
    Deno.writeTextFileSync(world.file, "garbage");
    run("mount", "-o", "remount,ro", world.folder);
    const journal = world.open();
    world.step(journal, 2);
    assert.deepEqual(world.news(), ["state-damaged", "state-unwritable"]);
    assert.match(world.events[0]?.message ?? "", /cannot be moved aside/);
    run("mount", "-o", "remount,rw", world.folder);
    world.step(journal);
    assert.deepEqual(world.news(), ["state-damaged", "state-written-again"]);
    journal.close();
    assert.equal(world.stored().chain.length, 3);
    assert.equal(Deno.readTextFileSync(`${world.file}.damaged-20260101T000000Z`), "garbage");
  } finally {
    run("umount", "--lazy", world.folder);
  }
});

function fill(path: string) {
  using file = Deno.openSync(path, { write: true, create: true });
  const block = new Uint8Array(4096);
  try {
    for (;;) file.writeSync(block);
  } catch (error) {
    assert.match(String(error), /space|28/);
  }
}
