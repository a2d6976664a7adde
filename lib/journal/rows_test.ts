import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { deploymentOf, fullRecord } from "../../tests/support/journal_samples.ts";
import { emptyRecord, type ServiceRecord } from "../deployment/record.ts";
import {
  checkHistory,
  type Commit,
  readContent,
  readHistory,
  readTransitions,
  writeContent,
} from "./content.ts";
import { migrate } from "./database.ts";
import { wordsOf } from "./words.ts";

const words = wordsOf("/nix/store");
const owner = { profile: "/p/web", jobUri: "https://h/job/a/b/c/latest", settings: "{}", writtenAt: 9 };

function memory(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  migrate(database, 0);
  return database;
}

function commitOf(record: ServiceRecord, more: Partial<Commit> = {}): Commit {
  const stamp = { writer: "w", revision: 1 };
  return { record, owner, stamp, deployments: [], transitions: [], badBefore: null, ...more };
}

const RECORDS: Readonly<Record<string, ServiceRecord>> = {
  "everything": fullRecord(),
  "nothing": emptyRecord(5),
  "a profile that is not there": { ...emptyRecord(5), seen: null },
  "a pause without reason and end": { ...emptyRecord(5), pause: { reason: null, since: 3, until: null } },
  "a closed gate that cannot say when to ask again": {
    ...emptyRecord(5),
    closed: { gate: "inhibit", why: "the database moves", askAgainAt: null },
  },
  "versions of which only the path is known": {
    ...fullRecord(),
    previous: { path: fullRecord().active?.path ?? fail(), buildId: null, name: null },
    latest: { id: 4, outPath: fullRecord().active?.path ?? fail(), name: "", finishedAt: null },
  },
  "a deployment under way": {
    ...fullRecord(),
    state: "activating",
    work: deploymentOf(7, {
      endedAt: null,
      outcome: null,
      fault: null,
      rollbackFault: null,
      leader: null,
      goBackTo: null,
    }),
  },
};

function fail(): never {
  throw new Error("the sample has no active version");
}

for (const [what, record] of Object.entries(RECORDS)) {
  Deno.test(`a record with ${what} is read as it was written`, () => {
    using database = closing(memory());
    writeContent(database.its, commitOf(record));
    assert.deepEqual(readContent(database.its, words), {
      record,
      owner,
      stamp: { writer: "w", revision: 1 },
    });
  });
}

Deno.test("a record is written over the one before, and nothing of that stays", () => {
  using database = closing(memory());
  writeContent(database.its, commitOf(fullRecord()));
  const record = { ...emptyRecord(6), work: deploymentOf(8), deployments: 8 };
  writeContent(database.its, commitOf(record, { badBefore: fullRecord().bad }));
  assert.deepEqual(readContent(database.its, words).record, record);
  assert.deepEqual(readHistory(database.its, 9, words).map(({ id }) => id), [8, 7]);
});

Deno.test("texts are kept whole but for NULs and halves of characters, numbers become whole ones", () => {
  using database = closing(memory());
  const pause = { reason: "a\0b\ud800c\n✗", since: 1.6, until: null };
  writeContent(database.its, commitOf({ ...emptyRecord(5), pause }));
  assert.deepEqual(readContent(database.its, words).record.pause, {
    reason: "a\ufffdb\ufffdc\n✗",
    since: 2,
    until: null,
  });
});

Deno.test("the newest 1,000 deployments and 20,000 transitions are kept, and the deployment of the record", () => {
  using database = closing(memory());
  const record = { ...fullRecord(), work: deploymentOf(1), deployments: 1 };
  const transitions = Array.from({ length: 20_050 }, (_, at) => ({
    deploymentId: 1,
    at,
    from: "active" as const,
    event: "build-found" as const,
    to: "rolled-back" as const,
  }));
  const deployments = Array.from({ length: 1_100 }, (_, index) => deploymentOf(index + 1));
  database.its.exec("BEGIN");
  writeContent(database.its, commitOf(record, { transitions, deployments }));
  database.its.exec("COMMIT");
  const seqs = readTransitions(database.its, 30_000, words).map(({ seq }) => seq);
  assert.deepEqual([seqs.length, seqs[0], seqs.at(-1)], [20_000, 20_050, 51]);
  const ids = readHistory(database.its, 2_000, words).map(({ id }) => id);
  assert.deepEqual([ids.length, ids[0], ids.at(-2), ids.at(-1)], [1_001, 1_100, 101, 1]);
});

for (
  const [what, statement] of [
    ["a path outside of the store", "UPDATE service SET active_path = '/etc/passwd'"],
    ["a path that is an option", "UPDATE service SET previous_path = '--option'"],
    ["half a version", "UPDATE service SET active_since = NULL"],
    ["an unknown state", "UPDATE service SET state = 'sleeping'"],
    ["another state than the last transition led to", "UPDATE service SET state = 'idle'"],
    ["an unknown failure", "UPDATE service SET last_failure_code = 'bored'"],
    ["a closed gate without a reason", "UPDATE service SET closed_why = NULL"],
    ["a gate that nobody named", "UPDATE service SET closed_gate = NULL, closed_why = NULL"],
    ["an end of the wait that no calendar has", "UPDATE service SET closed_ask_again_at = 9007199254740990"],
    ["a negative time of discovery", "UPDATE service SET latest_since = -1"],
    ["a time that no calendar has", "UPDATE service SET since = 9007199254740990"],
    ["a number that JavaScript cannot hold", "UPDATE service SET since = 9223372036854775807"],
    ["no service", "DELETE FROM service"],
    ["no deployment where there must be one", "DELETE FROM deployment"],
    ["an unknown kind of deployment", "UPDATE deployment SET kind = 'party'"],
    ["fewer deployments than there were", "UPDATE service SET deployments = 2"],
    ["a bad build without a store path", "UPDATE bad_build SET path = 'x' WHERE position = 2"],
    ["no table of bad builds", "DROP TABLE bad_build"],
  ] as const
) {
  Deno.test(`a database with ${what} is damaged`, () => {
    using database = closing(memory());
    const transition = {
      deploymentId: 7,
      at: 1,
      from: "reverifying",
      event: "reverified",
      to: "rolled-back",
    } as const;
    writeContent(database.its, commitOf(fullRecord(), { transitions: [transition] }));
    database.its.exec(`PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; ${statement}`);
    assert.throws(
      () => readContent(database.its, words),
      ({ kind }) => kind === "damaged" || kind === "doubtful",
    );
  });
}

Deno.test("paths must lie in the store of this machine", () => {
  using database = closing(memory());
  writeContent(database.its, commitOf(fullRecord()));
  assert.throws(() => readContent(database.its, wordsOf("/other/store")), { kind: "damaged" });
});

function closing(its: DatabaseSync) {
  return { its, [Symbol.dispose]: () => its.close() };
}

for (
  const [what, statement] of [
    ["an unknown outcome", "UPDATE deployment SET outcome = 'party'"],
    ["an unknown step", "UPDATE deployment SET fault_step = 'party'"],
    ["a path outside of the store", "UPDATE deployment SET go_back_path = '/etc'"],
    ["an unknown event", "UPDATE transition SET event = 'party' WHERE seq = 1"],
    ["an unknown state", "UPDATE transition SET from_state = 'party' WHERE seq = 1"],
  ] as const
) {
  Deno.test(`a history with ${what} is damaged`, () => {
    using database = closing(memory());
    const transition = {
      deploymentId: 7,
      at: 1,
      from: "reverifying",
      event: "reverified",
      to: "rolled-back",
    } as const;
    writeContent(database.its, commitOf(fullRecord(), { transitions: [transition, transition] }));
    checkHistory(database.its, words);
    database.its.exec(statement);
    assert.throws(() => checkHistory(database.its, words), { kind: "damaged" });
  });
}
