/** What a database holds, as a whole: read at the start, and written with each commit. */
import type { DatabaseSync } from "node:sqlite";
import type { BadBuild, Deployment, ServiceRecord, Transition } from "../deployment/record.ts";
import {
  checkLabels,
  checkPath,
  fromBadBuildRow,
  fromDeploymentRow,
  fromServiceRow,
  fromTransitionRow,
  toBadBuildRow,
  toDeploymentRow,
  toServiceRow,
  toTransitionRow,
} from "./rows.ts";
import { insert, query, run, upsert, value } from "./sqlite.ts";
import { Trouble } from "./trouble.ts";
import type { Owner, Stamp, StoredTransition, Words } from "./words.ts";

/** How many deployments the history keeps. */
export const DEPLOYMENTS_KEPT = 1_000;

/** How many transitions the journal keeps. */
export const TRANSITIONS_KEPT = 20_000;

/** What is written with one commit. */
export interface Commit {
  readonly record: ServiceRecord;
  readonly owner: Owner;
  readonly stamp: Stamp;
  /** The deployments that have changed. That of the record is always written. */
  readonly deployments: readonly Deployment[];
  readonly transitions: readonly Transition[];
  /** What the database holds as marked bad already, so that it need not be written again; null if that is not known. */
  readonly badBefore: readonly BadBuild[] | null;
}

/** What was read. */
export interface Stored {
  readonly record: ServiceRecord;
  readonly owner: Owner;
  readonly stamp: Stamp;
}

/** Writes everything of a commit; to be called within a transaction. */
export function writeContent(database: DatabaseSync, commit: Commit): void {
  const { record, owner, stamp, deployments, transitions, badBefore } = commit;
  for (const deployment of deployments) {
    if (deployment.id !== record.work?.id) upsert(database, "deployment", "id", toDeploymentRow(deployment));
  }
  if (record.work !== null) upsert(database, "deployment", "id", toDeploymentRow(record.work));
  upsert(database, "service", "id", toServiceRow(record, owner, stamp));
  if (record.bad !== badBefore) {
    run(database, "DELETE FROM bad_build");
    insert(database, "bad_build", record.bad.map((bad, index) => toBadBuildRow(bad, index + 1)));
  }
  if (transitions.length === 0) return;
  insert(database, "transition", transitions.map(toTransitionRow));
  prune(database);
}

/** The deployment of the record always stays, however old it is. */
function prune(database: DatabaseSync): void {
  run(
    database,
    `DELETE FROM deployment WHERE id <= (SELECT max(id) FROM deployment) - ${DEPLOYMENTS_KEPT}
      AND id IS NOT (SELECT work_id FROM service)`,
  );
  run(
    database,
    `DELETE FROM transition WHERE seq <= (SELECT max(seq) FROM transition) - ${TRANSITIONS_KEPT}`,
  );
}

/**
 * Reads what is needed to go on.
 *
 * @throws {Trouble} `damaged` where something is missing or is not what hail writes.
 */
export function readContent(database: DatabaseSync, words: Words): Stored {
  const [row] = query(database, "SELECT * FROM service");
  if (row === undefined) throw new Trouble("damaged", "it names no service");
  const { profile, jobUri, settings, writtenAt, writer, revision, workId, ...facts } = fromServiceRow(
    row,
    words,
  );
  const work = workId === null ? null : readDeployment(database, workId, words);
  if (work !== null && work.id > facts.deployments) {
    throw new Trouble("damaged", "its deployments are not counted rightly");
  }
  const [last] = readTransitions(database, 1, words);
  if (last !== undefined && last.to !== facts.state) {
    throw new Trouble("damaged", "the state is not the one that the last transition led to");
  }
  const bad = query(database, "SELECT * FROM bad_build ORDER BY position")
    .map((row) => fromBadBuildRow(row, words));
  return {
    record: { ...facts, work, bad },
    owner: { profile, jobUri, settings, writtenAt },
    stamp: { writer, revision },
  };
}

/** Reads what identifies the last commit; null where no hail has written that. */
export function readStamp(database: DatabaseSync): Stamp | null {
  const [row] = query(database, "SELECT writer, revision FROM service");
  const { writer, revision } = row ?? {};
  return typeof writer === "string" && typeof revision === "number" ? { writer, revision } : null;
}

function readDeployment(database: DatabaseSync, id: number, words: Words): Deployment {
  const [row] = query(database, "SELECT * FROM deployment WHERE id = :id", { id });
  if (row === undefined) throw new Trouble("damaged", `deployment ${id} is missing`);
  return fromDeploymentRow(row, words);
}

/**
 * Looks at all of the history, but without the cost of reading it: at the words that are in it, and at the paths.
 *
 * @throws {Trouble} `damaged`.
 */
export function checkHistory(database: DatabaseSync, words: Words): void {
  const labels = query(
    database,
    `SELECT DISTINCT kind, outcome, fault_step, fault_code, rollback_fault_step, rollback_fault_code
      FROM deployment`,
  );
  for (const row of labels) checkLabels(row, words);
  const paths = query(
    database,
    "SELECT target_path AS path FROM deployment UNION SELECT go_back_path FROM deployment",
  );
  for (const row of paths) checkPath(row, words);
  const states = query(
    database,
    "SELECT DISTINCT 1 AS seq, NULL AS deployment_id, 0 AS at, from_state, event, to_state FROM transition",
  );
  for (const row of states) fromTransitionRow(row, words);
}

/** The newest deployments, the newest first. */
export function readHistory(database: DatabaseSync, limit: number, words: Words): Deployment[] {
  return query(database, "SELECT * FROM deployment ORDER BY id DESC LIMIT :limit", { limit })
    .map((row) => fromDeploymentRow(row, words));
}

/** The newest transitions, the newest first. */
export function readTransitions(database: DatabaseSync, limit: number, words: Words): StoredTransition[] {
  return query(database, "SELECT * FROM transition ORDER BY seq DESC LIMIT :limit", { limit })
    .map((row) => fromTransitionRow(row, words));
}

/**
 * Looks through the whole file for damage: quickly, or also whether the indexes are right.
 *
 * @throws {Trouble} `damaged`.
 */
export function checkFile(database: DatabaseSync, thoroughly = false): void {
  const answer = value(database, thoroughly ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)");
  if (answer !== "ok") throw new Trouble("damaged", "its content is damaged", answer);
}
