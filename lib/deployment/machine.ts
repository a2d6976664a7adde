/**
 * The deployment as a state machine: the whole of it is {@linkcode TABLE}. Everything here is pure. `docs/state_machine.md`
 * is generated from it.
 */

/** The kinds of deployment; what a failure leads to depends on them. */
export const KINDS = [
  /** To a build that Hydra names, from a version to which hail can go back. */
  "update",
  /** To a build that Hydra names, where there was nothing before. */
  "first",
  /** As `update`, begun while the service is not well: if it comes to nothing, the way back is tried on. */
  "rescue",
  /** Activates again what the profile points at, because hail has started. */
  "restart",
  /** Back to an earlier version, because the operator asked for it. */
  "rollback",
  /** Somebody else changed the profile. Nothing is done; it is only recorded. */
  "by-hand",
] as const;

/** One of {@linkcode KINDS}. */
export type Kind = (typeof KINDS)[number];

/** The states, in the order of a deployment. */
export const STATES = {
  /** Nothing was ever deployed here, and nothing is under way. */
  "idle": null,
  /** Hydra names a build that is not active. */
  "discovered": null,
  /** Something that passes has kept it from being realised or switched to; it is tried again. */
  "waiting": null,
  "realising": "realise",
  "switching": "switch",
  "activating": "activate",
  "verifying": "verify",
  /** The service runs the version that was to be deployed. */
  "active": null,
  /** The profile is pointed back at the version that was active before. */
  "rolling-back": "switch-back",
  "reactivating": "reactivate",
  "reverifying": "reverify",
  /** A first deployment is taken back: bin/deactivate runs, and the profile goes. */
  "undoing": "undo",
  /** The service runs the version that was active before. */
  "rolled-back": null,
  /** The service may not be well: a roll-back, its undoing or its activation at the start failed. It is tried again. */
  "failed": null,
  /** The latest build is not deployed on purpose. */
  "held": null,
} as const satisfies Record<string, string | null>;

/** One of {@linkcode STATES}. */
export type State = keyof typeof STATES;

/** What is done in a state, after the state was written down. Each can be done again after it was cut off anywhere. */
export type Act = Exclude<(typeof STATES)[State], null>;

/** The changes to the record that come with a transition, besides the state itself. */
export type Effect =
  /** A deployment to the latest build begins, or the one that waits for this build goes on. */
  | "begin"
  /** A deployment that activates what the profile points at begins. */
  | "begin-restart"
  /** A deployment back to what the operator wants begins; what is left is marked bad. */
  | "begin-rollback"
  /** The next activation is counted, and so gets a name of its own. */
  | "count-run"
  /** The deployment that had ended goes on. */
  | "reopen"
  /** Whether the activation said "switched, but some unit failed". */
  | "note-degraded"
  /** What went wrong is written into the deployment. */
  | "record-fault"
  /** The target is marked bad; unless it was active before, as at a restart. */
  | "mark-bad"
  /** What went wrong with the roll-back is written into the deployment. */
  | "record-rollback-fault"
  /** The target becomes the active version; the deployment ends. */
  | "settle"
  /** What was gone back to becomes the active version; the deployment ends. */
  | "settle-back"
  /** No version is active; the deployment ends. */
  | "settle-nothing"
  /** The deployment ends, since it is not wanted any more. */
  | "supersede"
  /** What the profile shows becomes the active version; what it showed before is marked bad; a deployment ends. */
  | "adopt";

/** Where a transition leads: for every kind of deployment the same, or to each its own. */
type Target = State | Readonly<Partial<Record<Kind, State>>>;

/** One row of {@linkcode TABLE}. */
export interface Row {
  readonly from: readonly State[];
  readonly event: string;
  readonly to: Target;
  readonly effects: readonly Effect[];
}

const row = <Event extends string>(
  from: State | readonly State[],
  event: Event,
  to: Target,
  ...effects: readonly Effect[]
) => ({ from: typeof from === "string" ? [from] : from, event, to, effects });

const REST = ["idle", "waiting", "active", "rolled-back", "failed", "held"] as const;

/** Where a deployment goes that comes to nothing before it has changed anything. */
const WAIT = { update: "waiting", first: "waiting", rescue: "failed" } as const;

/** What is tried again after a failure that left the service in a bad state. */
const AGAIN = {
  update: "rolling-back",
  rescue: "rolling-back",
  rollback: "rolling-back",
  first: "undoing",
  restart: "activating",
} as const;

/** Where a failure of the new version leads. */
const BACK = { update: "rolling-back", rescue: "rolling-back", first: "undoing", restart: "failed" } as const;

/** State x event -> state, effects. What is not here cannot happen. */
export const TABLE = [
  // Hydra.
  row(REST, "build-found", "discovered", "begin"),
  row("discovered", "admitted", "realising"),
  row(["idle", "waiting", "active"], "refused", "held"),
  row("realising", "refused", { update: "held", first: "held", rescue: "failed" }),
  row(["waiting", "rolled-back", "held"], "up-to-date", "active", "supersede"),
  // Forwards.
  row("realising", "realised", "switching"),
  row("realising", "realise-failed", WAIT),
  row(["discovered", "realising"], "interrupted", WAIT),
  row("switching", "switched", "activating", "count-run"),
  row("switching", "switch-failed", WAIT),
  row("switching", "switch-broke", "rolling-back", "record-fault"),
  row("activating", "activated", "verifying", "note-degraded"),
  row("activating", "activation-failed", BACK, "record-fault", "mark-bad"),
  row("verifying", "verified", "active", "settle"),
  row("verifying", "verification-failed", BACK, "record-fault", "mark-bad"),
  // Backwards.
  row("rolling-back", "restored", "reactivating", "count-run"),
  row("rolling-back", "restore-failed", "failed", "record-rollback-fault"),
  row("reactivating", "reactivated", "reverifying", "note-degraded"),
  row("reactivating", "reactivation-failed", "failed", "record-rollback-fault"),
  row("reverifying", "reverified", "rolled-back", "settle-back"),
  row("reverifying", "reverification-failed", "failed", "record-rollback-fault"),
  row("undoing", "undone", "rolled-back", "settle-nothing"),
  row("undoing", "undo-failed", "failed", "record-rollback-fault"),
  row("failed", "retried", AGAIN, "reopen", "count-run"),
  // A start of hail, and the people.
  row(
    ["idle", "waiting", "active", "rolled-back", "held"],
    "started",
    "activating",
    "begin-restart",
    "count-run",
  ),
  row(["verifying"], "resumed", "activating", "count-run"),
  row(["reverifying"], "resumed", "reactivating", "count-run"),
  row([...REST, "verifying"], "rollback-asked", "rolling-back", "begin-rollback"),
  row(
    [
      ...REST,
      "realising",
      "switching",
      "activating",
      "verifying",
      "rolling-back",
      "reactivating",
      "reverifying",
      "undoing",
    ],
    "changed-by-hand",
    "held",
    "adopt",
  ),
] as const;

/** The name of something that happens to a deployment. */
export type EventName = (typeof TABLE)[number]["event"];

/** Every pair of a state and an event that can come together in it, with its row. */
export function* transitions(): Generator<
  { readonly from: State; readonly row: Row & { event: EventName } }
> {
  for (const row of TABLE) for (const from of row.from) yield { from, row };
}

/** Where an event leads; null where it cannot happen in this state to this kind of deployment. */
export function next(
  from: State,
  event: EventName,
  kind: Kind | null,
): { readonly to: State; readonly effects: readonly Effect[] } | null {
  for (const { from: state, row } of transitions()) {
    if (state !== from || row.event !== event) continue;
    const to = typeof row.to === "string" ? row.to : kind === null ? undefined : row.to[kind];
    return to === undefined ? null : { to, effects: row.effects };
  }
  return null;
}
