/** The record as rows of tables, and back. */
import * as v from "valibot";
import type { BadBuild, Deployment, ServiceRecord, Transition } from "../deployment/record.ts";
import type { Cell, Row } from "./sqlite.ts";
import { Trouble } from "./trouble.ts";
import type { Owner, ServiceFacts, Stamp, StoredTransition, Words } from "./words.ts";

/** Texts are made by hail and are short; a longer one is cut, in characters. */
const TEXT_MAX = 10_000;

// The fields of what is spread over several columns.
const VERSION = ["path", "buildId", "name"] as const;
const ACTIVE = [...VERSION, "since", "how", "degraded"] as const;
const BUILD = ["id", "outPath", "name", "finishedAt"] as const;
const FAULT = ["step", "code", "message", "next", "at"] as const;
const PAUSE = ["reason", "since", "until"] as const;
const CLOSED = ["gate", "why", "askAgainAt"] as const;
const LAST_FAILURE = ["at", "code", "message", "next"] as const;
const LEADER = ["pid", "bootId"] as const;

/** The row of the service. */
export function toServiceRow(record: ServiceRecord, owner: Owner, stamp: Stamp): Row {
  const { seen } = record;
  return {
    id: 1,
    profile: owner.profile,
    job_uri: owner.jobUri,
    settings: owner.settings,
    writer: stamp.writer,
    revision: stamp.revision,
    written_at: toCell(owner.writtenAt),
    state: record.state,
    since: toCell(record.since),
    work_id: record.work?.id ?? null,
    deployments: record.deployments,
    ...spread("active", ACTIVE, record.active),
    ...spread("previous", VERSION, record.previous),
    seen: seen === undefined ? "unknown" : seen === null ? "absent" : "path",
    seen_path: seen ?? null,
    ...spread("latest", BUILD, record.latest),
    latest_since: toCell(record.latestSince),
    ...spread("closed", CLOSED, record.closed),
    ...spread("pause", PAUSE, record.pause),
    held_since: toCell(record.heldSince),
    polled_at: toCell(record.polledAt),
    next_poll_at: toCell(record.nextPollAt),
    failures: record.failures,
    ...spread("last_failure", LAST_FAILURE, record.lastFailure),
  };
}

/** @throws {Trouble} `damaged`. */
export function fromServiceRow(row: Readonly<Record<string, unknown>>, words: Words): ServiceFacts {
  return check(words.service, "service", {
    ...plain(row),
    active: gather(row, "active", ACTIVE),
    previous: gather(row, "previous", VERSION),
    seen: row["seen"] === "unknown" ? undefined : row["seen"] === "absent" ? null : row["seen_path"],
    latest: gather(row, "latest", BUILD),
    closed: gather(row, "closed", CLOSED),
    pause: gather(row, "pause", PAUSE),
    lastFailure: gather(row, "last_failure", LAST_FAILURE),
  });
}

/** The row of a deployment. */
export function toDeploymentRow(deployment: Deployment): Row {
  return {
    id: deployment.id,
    kind: deployment.kind,
    ...spread("target", VERSION, deployment.target),
    ...spread("go_back", VERSION, deployment.goBackTo),
    begun_at: toCell(deployment.begunAt),
    ended_at: toCell(deployment.endedAt),
    outcome: deployment.outcome,
    ...spread("fault", FAULT, deployment.fault),
    ...spread("rollback_fault", FAULT, deployment.rollbackFault),
    degraded: toCell(deployment.degraded),
    hydra_answered: toCell(deployment.hydraAnswered),
    runs: deployment.runs,
    begun: deployment.begun,
    ...spread("leader", LEADER, deployment.leader),
  };
}

/** @throws {Trouble} `damaged`. */
export function fromDeploymentRow(row: Readonly<Record<string, unknown>>, words: Words): Deployment {
  return check(words.deployment, "deployment", {
    ...plain(row),
    target: gather(row, "target", VERSION),
    goBackTo: gather(row, "go_back", VERSION),
    fault: gather(row, "fault", FAULT),
    rollbackFault: gather(row, "rollback_fault", FAULT),
    leader: gather(row, "leader", LEADER),
  });
}

/** Checks the words of the row of a deployment. @throws {Trouble} `damaged`. */
export function checkLabels(row: Readonly<Record<string, unknown>>, words: Words): void {
  check(words.labels, "deployment", plain(row));
}

/** Checks the path of a deployment. @throws {Trouble} `damaged`. */
export function checkPath(row: Readonly<Record<string, unknown>>, words: Words): void {
  check(words.path, "deployment", row);
}

/** The row of a build that is marked bad; `position` is its place in the list. */
export function toBadBuildRow(bad: BadBuild, position: number): Row {
  return {
    position,
    path: bad.path,
    build_id: bad.buildId,
    step: bad.step,
    reason: toCell(bad.reason),
    at: toCell(bad.at),
  };
}

/** @throws {Trouble} `damaged`. */
export function fromBadBuildRow(row: Readonly<Record<string, unknown>>, words: Words): BadBuild {
  return check(words.bad, "bad_build", plain(row));
}

/** The row of a transition, which gets its number in the table. */
export function toTransitionRow({ deploymentId, at, from, event, to }: Transition): Row {
  return { deployment_id: deploymentId, at: toCell(at), from_state: from, event, to_state: to };
}

/** @throws {Trouble} `damaged`. */
export function fromTransitionRow(row: Readonly<Record<string, unknown>>, words: Words): StoredTransition {
  return check(words.transition, "transition", {
    ...plain(row),
    from: row["from_state"],
    to: row["to_state"],
  });
}

function check<Value>(schema: v.GenericSchema<unknown, Value>, table: string, input: unknown): Value {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Trouble("damaged", `the table ${table} holds what hail did not write (${v.getDotPath(issue)})`);
}

/** The columns of a row, by the names of the fields that they stand for. */
function plain(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, cell]) => [fieldOf(name), cell]));
}

function spread<Field extends string>(
  prefix: string,
  fields: readonly Field[],
  value: Readonly<Record<Field, unknown>> | null,
): Row {
  return Object.fromEntries(fields.map((field) => [columnOf(prefix, field), toCell(value?.[field])]));
}

/** The opposite of {@linkcode spread}: null if all of its columns are. */
function gather(
  row: Readonly<Record<string, unknown>>,
  prefix: string,
  fields: readonly string[],
): Record<string, unknown> | null {
  const entries = fields.map((field) => [field, row[columnOf(prefix, field)]] as const);
  return entries.every(([, cell]) => cell === null) ? null : Object.fromEntries(entries);
}

function columnOf(prefix: string, field: string): string {
  return `${prefix}_${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

function fieldOf(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function toCell(value: unknown): Cell {
  switch (typeof value) {
    case "boolean":
      return value ? 1 : 0;
    case "number":
      return Math.round(value);
    case "string":
      // SQLite would take a NUL for the end of the text.
      return value.slice(0, TEXT_MAX).toWellFormed().replaceAll("\0", "\ufffd");
    default:
      return null;
  }
}
