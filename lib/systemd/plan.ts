import { Failure } from "../failure/failure.ts";
import { AGENT, unitFile } from "./unit_name.ts";
import { buildOf, differInSection, keptServices } from "./unit_text.ts";

/** What is there of one unit: in the unit folder, and in systemd. */
export interface UnitState {
  /** The text of the unit file; null if there is none. */
  readonly content: string | null;
  /** Why the unit file is somebody else's and must not be touched; null if it is ours, or missing. */
  readonly foreign: string | null;
  /** The unit file does not say whose it is, but does what ours would do: it may be replaced, and is never removed. */
  readonly adoptable: boolean;
  /** A run that was to change the unit has not come to its end. */
  readonly pending: boolean;
  /** The targets that pull the unit in, by links of the right kind. */
  readonly targets: readonly string[];
  /** Of the agent: where the link to the build leads that it runs by; null if there is none. */
  readonly build: string | null;
  /** What systemd says. */
  readonly activity: "starting" | "active" | "stopping" | "stopped";
  /** It is the unit that this run was started from. */
  readonly caller: boolean;
}

/** A unit that nobody has heard of. */
export const ABSENT: UnitState = {
  content: null,
  foreign: null,
  adoptable: false,
  pending: false,
  targets: [],
  build: null,
  activity: "stopped",
  caller: false,
};

/** What to do about one unit. */
export interface Action {
  /** The name of the service, or AGENT. */
  readonly service: string;
  /**
   * - `install`: new; write it and start it
   * - `replace`: changed, adopted, or its last change was not finished; write it and restart it
   * - `reload`: changed in nothing but what systemd ignores; write it, and let its hail read its configuration again
   * - `start`: as it should be, but not running
   * - `keep`: as it should be, and running
   * - `remove`: no longer wanted; stop it and delete it
   */
  readonly kind: "install" | "replace" | "reload" | "start" | "keep" | "remove";
  /** The new text of the unit file, or null if the file stays as it is. */
  readonly write: string | null;
  /** Where the link to the agent's build must lead from now on; null if it does, or there is none to be. */
  readonly build: string | null;
  /** The link from the target must be made. */
  readonly link: boolean;
  /** Targets whose link must go. */
  readonly unlink: readonly string[];
  /** systemd runs it, or is about to. */
  readonly running: boolean;
  /** It is the unit that this run was started from: its turn comes last, and nothing waits for it. */
  readonly caller: boolean;
  /**
   * The service whose wanted unit does the work of this one from now on, which is removed only when that one is up; null
   * for a unit that is wanted, or whose work nobody takes over.
   */
  readonly heir: string | null;
  /**
   * The service whose unit is removed, and may have done the work of this one so far: only when that has stopped, this
   * one can start. Null where there is none.
   */
  readonly predecessor: string | null;
}

/**
 * Decides what brings the units of a namespace in line with the wanted ones.
 *
 * @param desired The wanted unit files, by service.
 * @param observed What is there, by service; a service that is missing is {@linkcode ABSENT}.
 * @param target The target that is to pull the units in.
 * @returns One action for each unit that is wanted or there, in the order of their names, the caller's last.
 * @throws {Failure} `activation-failed` if a wanted unit's file belongs to somebody else.
 */
export function planUnits(
  desired: ReadonlyMap<string, string>,
  observed: ReadonlyMap<string, UnitState>,
  target: string,
): readonly Action[] {
  refuseForeign(desired, observed);
  const heirs = keepers(desired);
  // It may keep any service: what it was told last is not what its unit file says if a run was cut off.
  const agent = desired.has(AGENT) ? null : planRemoval(AGENT, observed.get(AGENT) ?? ABSENT, null);
  const predecessor = agent?.running === true ? AGENT : null;
  const services = [...new Set([...desired.keys(), ...observed.keys()])].sort();
  const actions = services.map((service) => {
    const state = observed.get(service) ?? ABSENT;
    const wanted = desired.get(service);
    return wanted === undefined
      ? planRemoval(service, state, heirs.get(service) ?? null)
      : planUnit(service, wanted, state, target, predecessor);
  }).filter((action) => action !== null);
  return [...actions.filter((action) => !action.caller), ...actions.filter((action) => action.caller)];
}

/** The services that wanted units keep besides the one that they are named after, and who keeps each. */
function keepers(desired: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(
    [...desired].flatMap(([keeper, text]) => [...keptServices(text)].map((service) => [service, keeper])),
  );
}

function planRemoval(service: string, state: UnitState, heir: string | null): Action | null {
  const { caller, targets } = state;
  if (state.foreign !== null || (state.content === null && !state.pending)) return null;
  // Whose it is it does not say; but it would keep others from the service that is theirs now.
  if (state.adoptable && heir === null) return null;
  const running = state.activity !== "stopped";
  return {
    ...{ service, kind: "remove", write: null, build: null, link: false, unlink: targets, running, caller },
    ...{ heir, predecessor: null },
  };
}

function planUnit(
  service: string,
  wanted: string,
  state: UnitState,
  target: string,
  predecessor: string | null,
): Action {
  const { targets, activity } = state;
  const changed = state.content !== wanted;
  return {
    service,
    kind: kindOf(state, wanted, hasMoved(service, state, wanted)),
    write: changed ? wanted : null,
    build: hasMoved(service, state, wanted) ? buildOf(wanted) : null,
    link: !targets.includes(target),
    unlink: targets.filter((other) => other !== target),
    running: activity !== "stopped",
    caller: state.caller,
    heir: null,
    predecessor: activity === "active" || state.caller ? null : predecessor,
  };
}

/** Whether the agent does not run by the build that its wanted unit names. */
function hasMoved(service: string, state: UnitState, wanted: string): boolean {
  const build = service === AGENT ? buildOf(wanted) : null;
  return build !== null && build !== state.build;
}

function kindOf(state: UnitState, wanted: string, moved: boolean): Action["kind"] {
  const { content, pending, adoptable, activity } = state;
  if (content === null) return "install";
  const same = content === wanted;
  const reads = same ? moved : differInSection(content, wanted);
  if (reads && !pending && !adoptable && activity === "active") return "reload";
  if (!same || moved || pending) return "replace";
  // The caller runs, or somebody has just told it to stop: in neither case is it to be started.
  return activity === "active" || state.caller ? "keep" : "start";
}

/** Whether an action must survive this run: its unit is marked until the work is done. */
export function needsMark({ kind }: Action): boolean {
  return kind === "install" || kind === "replace" || kind === "reload" || kind === "remove";
}

/** Whether an action changes nothing at all. */
export function isIdle(action: Action): boolean {
  return action.kind === "keep" && !action.link && action.unlink.length === 0;
}

function refuseForeign(desired: ReadonlyMap<string, string>, observed: ReadonlyMap<string, UnitState>) {
  for (const service of [...desired.keys()].sort()) {
    const foreign = observed.get(service)?.foreign ?? null;
    if (foreign === null) continue;
    throw new Failure("activation-failed", {
      what: unitFile(service),
      why: `a unit of that name is there already, and ${foreign}; nothing has been changed`,
      next: service === AGENT
        ? "Remove the other unit, or build the profile without agent: a host has room for one agent."
        : `Give the service "${service}" another name, or remove the other unit.`,
    });
  }
}
