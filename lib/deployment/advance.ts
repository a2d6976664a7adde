import type { StorePath } from "../nix/store_path.ts";
import { type Effect, type EventName, next, type State } from "./machine.ts";
import type { Build } from "./build.ts";
import type {
  ActiveVersion,
  Advance,
  BadBuild,
  Deployment,
  Fault,
  ServiceRecord,
  Transition,
  Version,
} from "./record.ts";

/** The events that tell of something that went wrong in a way that is written down. */
type FaultEvent =
  | "switch-broke"
  | "activation-failed"
  | "verification-failed"
  | "restore-failed"
  | "reactivation-failed"
  | "reverification-failed"
  | "undo-failed";

/** Something that happened, with all that it brings. */
export type Happening =
  /** `unwell`: whether the service is in a bad state, from which the way back would have to be tried on. */
  | {
    readonly event: "build-found";
    readonly build: Build;
    readonly goBackTo: Version | null;
    readonly unwell: boolean;
  }
  | { readonly event: "started"; readonly version: Version }
  | {
    readonly event: "rollback-asked";
    readonly from: Version;
    readonly to: Version;
    readonly reason: string;
  }
  /** `hold`: whether nothing is deployed until the operator says `resume`. */
  | { readonly event: "changed-by-hand"; readonly path: StorePath | null; readonly hold: boolean }
  | { readonly event: "activated" | "reactivated"; readonly degraded: boolean }
  | { readonly event: FaultEvent; readonly fault: Fault }
  | {
    readonly event: Exclude<
      EventName,
      | FaultEvent
      | "build-found"
      | "started"
      | "rollback-asked"
      | "changed-by-hand"
      | "activated"
      | "reactivated"
    >;
  };

/** How many store paths are remembered as bad. Those of years ago are never named again. */
const BAD_LIMIT = 200;

/**
 * The record after something has happened. Pure.
 *
 * @throws {Error} It cannot happen in this state: a fault of hail's own.
 */
export function advance(record: ServiceRecord, happening: Happening, now: number): Advance {
  const row = next(record.state, happening.event, record.work?.kind ?? null);
  if (row === null) {
    throw new Error(`'${happening.event}' cannot happen in the state '${record.state}'`);
  }
  const deployments = new Map<number, Deployment>();
  let after: ServiceRecord = { ...record, state: row.to, since: now };
  for (const effect of row.effects) {
    const before = after.work;
    after = EFFECTS[effect](after, happening, now, record.state);
    // An effect that begins a deployment has ended the one before.
    if (before !== null && after.work?.id !== before.id) {
      deployments.set(before.id, ended(before, "superseded", now));
    }
  }
  after = { ...after, ...seenAfter(after, happening) };
  if (row.to === "failed" && after.work !== null) after = { ...after, work: end(after.work, "failed", now) };
  if (after.work !== null) deployments.set(after.work.id, after.work);
  const transition: Transition = {
    deploymentId: after.work?.id ?? null,
    at: now,
    from: record.state,
    event: happening.event,
    to: row.to,
  };
  return { record: after, transition, deployments: [...deployments.values()] };
}

/** What the profile shows now by hail's own doing. */
function seenAfter({ work }: ServiceRecord, happening: Happening): Partial<ServiceRecord> {
  switch (happening.event) {
    case "started":
      return { seen: happening.version.path };
    case "changed-by-hand":
      return { seen: happening.path };
    case "switched":
      return { seen: work?.target.path ?? null };
    case "restored":
      return { seen: work?.goBackTo?.path ?? null };
    case "undone":
      return { seen: null };
    default:
      return {};
  }
}

type Apply = (record: ServiceRecord, happening: Happening, now: number, from: State) => ServiceRecord;

const EFFECTS: Readonly<Record<Effect, Apply>> = {
  "begin": (record, happening, now) => {
    if (happening.event !== "build-found") return record;
    const { build, goBackTo, unwell } = happening;
    const target: Version = { path: build.outPath, buildId: build.id, name: build.name };
    // What waits for this very build goes on, so that many tries do not become many deployments.
    const { work } = record;
    const kind = goBackTo === null ? "first" : unwell ? "rescue" : "update";
    const facts = { kind, target, goBackTo, hydraAnswered: true, endedAt: null, outcome: null } as const;
    const waits = work !== null && work.target.path === target.path && work.fault === null &&
      (work.endedAt === null || work.kind === "rescue");
    if (waits) return { ...record, work: { ...work, ...facts } };
    // Why the service is not well is still to be told if this comes to nothing.
    const rollbackFault = kind === "rescue" && work !== null ? unwellBecauseOf(work) : null;
    return begin(record, { ...facts, rollbackFault }, now);
  },
  "begin-restart": (record, happening, now) =>
    happening.event !== "started"
      ? record
      : begin(record, { kind: "restart", target: happening.version, goBackTo: null }, now),
  "begin-rollback": (record, happening, now) => {
    if (happening.event !== "rollback-asked") return record;
    const { from, to, reason } = happening;
    const begun = begin(record, { kind: "rollback", target: from, goBackTo: to }, now);
    return from.path === to.path ? begun : mark(begun, from, "operator", reason, now);
  },
  "reopen": (record) => withWork(record, (work) => ({ ...work, endedAt: null, outcome: null })),
  "note-degraded": (record, happening) =>
    "degraded" in happening
      ? withWork(record, (work) => ({ ...work, degraded: happening.degraded }))
      : record,
  "count-run": (record) =>
    withWork(record, (work) => ({ ...work, runs: work.runs + 1, begun: 0, leader: null })),
  "record-fault": (record, happening) =>
    "fault" in happening ? withWork(record, (work) => ({ ...work, fault: happening.fault })) : record,
  "record-rollback-fault": (record, happening) => {
    if (!("fault" in happening)) return record;
    const { fault } = happening;
    // A rescue goes on saying what it was that it was begun for.
    return withWork(record, (work) => ({
      ...work,
      rollbackFault: work.kind === "rescue"
        ? { ...fault, code: work.rollbackFault?.code ?? fault.code }
        : fault,
    }));
  },
  "mark-bad": (record, happening, now) => {
    const { work } = record;
    if (!("fault" in happening) || work === null || work.kind === "restart") return record;
    return mark(record, work.target, happening.fault.step, happening.fault.message, now);
  },
  "settle": (record, _happening, now) => {
    const { work, active } = record;
    if (work === null) return record;
    // What has been active all along keeps its history; a restart only finds it in its place.
    const stays = work.kind === "restart" && active?.path === work.target.path;
    const since = stays && active !== null
      ? { since: active.since, how: active.how }
      : { since: now, how: work.kind === "restart" ? "found" as const : "deployed" as const };
    return {
      ...unmark(record, work.target.path),
      active: { ...(stays && active !== null ? active : work.target), ...since, degraded: work.degraded },
      previous: active !== null && active.path !== work.target.path ? version(active) : record.previous,
      work: end(work, "active", now),
    };
  },
  "settle-back": (record, _happening, now) => {
    const { work } = record;
    if (work === null || work.goBackTo === null) return record;
    return {
      ...unmark(record, work.goBackTo.path),
      active: { ...work.goBackTo, since: now, how: "rolled-back", degraded: work.degraded },
      previous: record.previous?.path === work.goBackTo.path ? null : record.previous,
      work: end(work, "rolled-back", now),
    };
  },
  "settle-nothing": (record, _happening, now) => ({
    ...withWork(record, (work) => end(work, "rolled-back", now)),
    active: null,
  }),
  "supersede": (record, _happening, now) => withWork(record, (work) => ended(work, "superseded", now)),
  "adopt": (record, happening, now, state) => {
    if (happening.event !== "changed-by-hand") return record;
    const { path, hold } = happening;
    // Whoever changes it in the middle of a switch leaves what was being switched to.
    const switching = state === "switching" ? record.work?.target.path : undefined;
    const from = describe(record, switching ?? record.seen ?? null);
    const to = describe(record, path);
    const target = to ?? from;
    let after = target === null ? record : begin(record, { kind: "by-hand", target, goBackTo: from }, now);
    after = withWork(after, (work) => end(work, "by-hand", now));
    // Whoever sets the profile to the latest build goes forwards; and where everything is held, nothing needs a mark.
    const left = from !== null && path !== record.latest?.outPath && !hold ? from : null;
    if (left !== null) {
      const reason = path === null
        ? "the profile was removed by hand"
        : `the profile was pointed at ${path} by hand`;
      after = mark(after, left, "by-hand", reason, now);
    }
    const active: ActiveVersion | null = to === null
      ? null
      : { ...to, since: now, how: "by-hand", degraded: false };
    // The way back must not lead to what was just left.
    const before = left === null && record.active !== null && record.active.path !== path
      ? version(record.active)
      : record.previous;
    return {
      ...(path === null ? after : unmark(after, path)),
      active,
      previous: before?.path === path ? null : before,
      heldSince: hold ? now : record.heldSince,
    };
  },
};

/** Why the service is not well after a deployment that has failed. */
function unwellBecauseOf({ kind, fault, rollbackFault }: Deployment): Fault | null {
  if (kind === "rescue" || rollbackFault === null) return rollbackFault ?? fault;
  return { ...rollbackFault, code: "rollback-failed" };
}

type Begun = Pick<Deployment, "kind" | "target" | "goBackTo"> & Partial<Deployment>;

function begin(record: ServiceRecord, begun: Begun, now: number): ServiceRecord {
  const id = record.deployments + 1;
  const work: Deployment = {
    id,
    begunAt: now,
    endedAt: null,
    outcome: null,
    fault: null,
    rollbackFault: null,
    degraded: false,
    hydraAnswered: false,
    runs: 0,
    begun: 0,
    leader: null,
    ...begun,
  };
  return { ...record, deployments: id, work };
}

function withWork(record: ServiceRecord, change: (work: Deployment) => Deployment): ServiceRecord {
  return record.work === null ? record : { ...record, work: change(record.work) };
}

function end(work: Deployment, outcome: NonNullable<Deployment["outcome"]>, now: number): Deployment {
  return { ...work, endedAt: now, outcome };
}

/** The deployment as it stands in the history when another one takes its place. */
function ended(work: Deployment, outcome: NonNullable<Deployment["outcome"]>, now: number): Deployment {
  return work.endedAt === null ? end(work, outcome, now) : work;
}

function mark(
  record: ServiceRecord,
  { path, buildId }: Version,
  step: BadBuild["step"],
  reason: string,
  at: number,
): ServiceRecord {
  const others = record.bad.filter((bad) => bad.path !== path);
  return { ...record, bad: [...others, { path, buildId, step, reason, at }].slice(-BAD_LIMIT) };
}

/** What has become the active version is not bad any more, whatever was said of it before. */
function unmark(record: ServiceRecord, path: StorePath): ServiceRecord {
  return { ...record, bad: record.bad.filter((bad) => bad.path !== path) };
}

function version({ path, buildId, name }: Version): Version {
  return { path, buildId, name };
}

/** What is known of a store path. */
export function describe(record: ServiceRecord, path: StorePath | null): Version | null {
  if (path === null) return null;
  const { active, previous, latest, work } = record;
  const known = [active, previous, work?.target, work?.goBackTo].find((one) => one?.path === path);
  if (known) return version(known);
  return latest?.outPath === path
    ? { path, buildId: latest.id, name: latest.name }
    : { path, buildId: null, name: null };
}

/** The version to which a deployment that begins now goes back when it fails; null where there is none. */
export function wayBack(record: ServiceRecord, current: StorePath | null): Version | null {
  const { active, bad } = record;
  if (active !== null) return version(active);
  return bad.some(({ path }) => path === current) ? null : describe(record, current);
}
