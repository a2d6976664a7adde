import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { fullRecord } from "../../tests/support/journal_samples.ts";
import { journalWorld } from "../../tests/support/journal_world.ts";
import { copyService } from "./copy.ts";
import { readService } from "./read.ts";
import { removeState } from "./remove.ts";
import { databaseName, socketName } from "./state_folder.ts";

const OLD = "/nix/var/nix/profiles/web";
const NEW = "/nix/var/nix/profiles/shop";

/** A journal of some steps, which is closed. */
function written() {
  const world = journalWorld();
  const journal = world.open();
  world.step(journal, 20);
  const { state: _state, since: _since, work: _work, deployments: _deployments, ...facts } = fullRecord();
  journal.note(facts);
  journal.close();
  return world;
}

function copy(world: ReturnType<typeof journalWorld>) {
  const service = readService(world.file);
  try {
    copyService(service, {
      folder: world.folder,
      profile: NEW,
      jobUri: "http://other/job/a/b/c/latest",
      settings: `["--new"]`,
      gid: null,
      now: 1_900_000_000_000,
    });
  } finally {
    service.close();
  }
  return `${world.folder}/${databaseName(NEW)}`;
}

Deno.test("a copy has the record and all of the history, and belongs to the new profile", () => {
  using world = written();
  const before = world.stored();
  const file = copy(world);
  const service = readService(file);
  try {
    const { profile, jobUri, settings, writtenAt, record } = service;
    assert.deepEqual({ profile, jobUri, settings, writtenAt }, {
      profile: NEW,
      jobUri: "http://other/job/a/b/c/latest",
      settings: `["--new"]`,
      writtenAt: 1_900_000_000_000,
    });
    assert.deepEqual(record, before.record);
    assert.deepEqual(service.history(5_000).map(({ id }) => id).toReversed(), before.ids);
    const chain = service.transitions(5_000).map(({ seq, from, to }) => [seq, from, to]).toReversed();
    assert.deepEqual(chain, before.chain);
  } finally {
    service.close();
  }
  assert.deepEqual(world.stored(), before, "the old one is as it was");
});

Deno.test("a journal goes on with a copy", () => {
  using world = written();
  copy(world);
  const journal = world.open({ profile: NEW });
  const { record } = journal;
  world.step(journal, 5);
  journal.close();
  assert.equal(record.state, world.stored().record.state);
  assert.deepEqual(world.news(), []);
});

Deno.test("what a copy that was cut off has left does not hold up the next one", () => {
  using world = written();
  Deno.writeTextFileSync(`${world.folder}/${databaseName(NEW)}.new`, "half of it");
  copy(world);
  assert.deepEqual(world.names(), [databaseName(NEW), databaseName(OLD)].toSorted());
});

Deno.test("a copy that cannot be made is a failure, and nothing is left of it", () => {
  using world = written();
  Deno.mkdirSync(`${world.folder}/${databaseName(NEW)}/x`, { recursive: true });
  assert.throws(() => copy(world), { code: "state-unwritable" });
  assert.deepEqual(world.names(), [databaseName(NEW), databaseName(OLD)].toSorted());
});

Deno.test("removeState removes the database with all that hail has put beside it, and nothing of others", () => {
  using world = written();
  copy(world);
  const [old, other] = [databaseName(OLD), databaseName(NEW)];
  const beside = ["-wal", "-shm", "-journal", ".v1", ".new", ".damaged-20260101T000000Z", ".replaced-1-wal"];
  for (const name of [...beside.map((end) => old + end), socketName(OLD), "agent.sock", `${other}.v1`]) {
    Deno.writeTextFileSync(`${world.folder}/${name}`, "");
  }
  removeState(world.folder, OLD);
  assert.deepEqual(readdirSync(world.folder).toSorted(), ["agent.sock", other, `${other}.v1`].toSorted());
  removeState(world.folder, OLD);
  removeState(`${world.folder}/none`, OLD);
  const journal = world.open();
  assert.equal(journal.record.state, "idle");
  assert.deepEqual(world.news(), [], "nothing is left that a new one could stumble upon");
});

Deno.test("removeState cut off anywhere leaves a database that is read, until it is gone", () => {
  using world = written();
  const old = databaseName(OLD);
  for (const end of [".v1", ".damaged-20260101T000000Z"]) {
    Deno.writeTextFileSync(`${world.folder}/${old}${end}`, "");
  }
  // It cannot be removed like a file, and comes before the database.
  Deno.mkdirSync(`${world.folder}/${old}.v2/x`, { recursive: true });
  const before = world.stored();
  assert.throws(() => removeState(world.folder, OLD), { code: "state-unwritable" });
  assert.deepEqual(world.stored(), before);
  Deno.removeSync(`${world.folder}/${old}.v2`, { recursive: true });
  removeState(world.folder, OLD);
  assert.deepEqual(world.names(), []);
});
