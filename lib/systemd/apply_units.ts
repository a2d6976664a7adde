import { EXIT_STATUS, type ExitStatus } from "../failure/exit_status.ts";
import { Failure } from "../failure/failure.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { Clock } from "../time/clock.ts";
import { type ApplyPorts, conclude, install, type Job, needsConclusion } from "./apply.ts";
import type { Disk } from "./disk.ts";
import { type Action, isIdle, planUnits } from "./plan.ts";
import type { Systemd } from "./systemctl.ts";
import { diskFailure, lockPath, type Observation, observe, type Place } from "./unit_folder.ts";
import { requireFolder, requireName, targetUnit, unitFile } from "./unit_name.ts";
import { keptServices } from "./unit_text.ts";
import { readWantedUnits } from "./wanted_units.ts";

/** The folder that unit files are written to unless another is named: systemd's place for the administrator's. */
export const DEFAULT_UNIT_FOLDER = "/etc/systemd/system";

/** The options of `hail apply-units`. */
export interface ApplyUnitsOptions {
  /** Whose units are brought in line. All others are left alone. */
  readonly namespace: string;
  /** The folder with the unit files that are wanted. */
  readonly units: string;
  /** The target that is to pull the units in, with or without `.target`. */
  readonly target: string;
  /** @default {DEFAULT_UNIT_FOLDER} */
  readonly unitFolder?: string;
  /** INVOCATION_ID of whoever asked for this; empty or missing if it has none. */
  readonly callerInvocation?: string;
}

/** What {@linkcode applyUnits} works with. */
export interface ApplyUnitsPorts {
  readonly disk: Disk;
  readonly systemd: Systemd;
  readonly clock: Clock;
  readonly report: Report;
}

// How long all units together may take to start and stop, in milliseconds. A hail is up in a second; one that is
// stopped first finishes a running activation, and systemd goes on with that after nobody waits any longer.
const FINISH_LIMIT = 5 * 60_000;

// How long another run may hold the lock, in milliseconds, and after what time that is worth a word.
const LOCK_LIMIT = 3 * 60_000;
const LOCK_QUIET = 2_000;

/**
 * Brings the units of a namespace in line with the wanted ones: new ones are installed and started, changed ones
 * replaced and restarted, unchanged ones left running, and those no longer wanted stopped and deleted. A second run
 * changes nothing. A run that was cut off at any point is finished by the next one.
 *
 * Where one unit takes over the services of others, these are removed only when that one is up. Where units take over
 * from one, they are started when that one has stopped.
 *
 * A unit that does not start, or does not stop in time, is reported; the others are brought in line all the same.
 *
 * @returns `ok`, or `activationFailed` if any unit could not be brought in line.
 * @throws {Failure} `usage` if an option or a wanted unit file is not what it should be; `activation-failed` if the
 * unit folder cannot be written, systemd does not answer, or a unit file belongs to somebody else.
 */
export async function applyUnits(options: ApplyUnitsOptions, ports: ApplyUnitsPorts): Promise<ExitStatus> {
  const { disk, systemd, report } = ports;
  const target = targetUnit(options.target);
  const caller = requireInvocation(options.callerInvocation ?? "");
  const place: Place = {
    namespace: requireName("namespace", options.namespace),
    unitFolder: requireFolder("unit folder", options.unitFolder ?? DEFAULT_UNIT_FOLDER),
  };
  const wanted = await readWantedUnits(options.units, place.namespace, disk);

  const failures = new Set<string>();
  const applyPorts: ApplyPorts = {
    disk,
    systemd,
    failed(service, error) {
      if (!(error instanceof Failure)) throw error;
      failures.add(service);
      report(failureEvent(error, { service }));
    },
  };
  const kept = new Set([...wanted.values()].flatMap((text) => [...keptServices(text)]));
  const see = (caller: string | null) => look(place, wanted, kept, caller, ports);
  /** Does what is to be done but for what `later` names, and returns that as well. */
  const bring = async (later: (action: Action) => boolean) => {
    const { plan, jobs } = await locked(place, ports, async () => {
      const { units, drafts } = await see(caller);
      const plan = planUnits(wanted, units, target);
      const now = plan.filter((action) => !later(action));
      if (now.every(isIdle) && drafts.length === 0) return { plan, jobs: [] };
      return { plan, jobs: await install(place, target, now, drafts, applyPorts) };
    });
    await finishAll(jobs, ports, applyPorts.failed);
    return plan;
  };

  let plan = await bring(hasHeir);
  const bereft = (action: Action) => action.heir !== null && failures.has(action.heir);
  if (plan.some((action) => hasHeir(action) && !bereft(action))) plan = both(plan, await bring(bereft));
  const done = plan.filter((action) => !bereft(action));
  if (needsConclusion(done)) {
    await locked(place, ports, async () => {
      // By name, for the caller may have been restarted by now: what it was at the beginning is in the plan.
      const { units } = await see(null);
      await conclude(place, done, units, applyPorts);
    });
  }
  for (const action of plan.filter(bereft)) reportBereft(action, report);
  reportResult(place, done, failures, report);
  return failures.size === 0 ? EXIT_STATUS.ok : EXIT_STATUS.activationFailed;
}

function requireInvocation(text: string): string | null {
  if (text === "") return null;
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  throw new Failure("usage", {
    what: `--caller-invocation ${JSON.stringify(text.slice(0, 64))}`,
    why: "is not an INVOCATION_ID of systemd: 32 hexadecimal digits",
    next: `Give it as "$INVOCATION_ID", or leave the option out.`,
  });
}

const hasHeir = ({ heir }: Action) => heir !== null;

/** What was done according to a plan and then to another one: what the second leaves as it is, the first has changed. */
function both(first: readonly Action[], second: readonly Action[]): readonly Action[] {
  const before = new Map(
    first.filter((action) => !hasHeir(action)).map((action) => [action.service, action]),
  );
  return second.map((action) => isIdle(action) ? before.get(action.service) ?? action : action);
}

async function look(
  place: Place,
  wanted: ReadonlyMap<string, string>,
  kept: ReadonlySet<string>,
  caller: string | null,
  ports: ApplyUnitsPorts,
): Promise<Observation> {
  try {
    return await observe(place, new Set(wanted.keys()), kept, caller, ports);
  } catch (error) {
    throw error instanceof Failure ? error : diskFailure(place.unitFolder, error);
  }
}

/** Does something while no other run, for whatever namespace, changes the unit folder. */
async function locked<T>(place: Place, ports: ApplyUnitsPorts, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(place, ports);
  try {
    return await work();
  } finally {
    release();
  }
}

async function takeLock(
  { unitFolder }: Place,
  { disk, clock, report }: ApplyUnitsPorts,
): Promise<() => void> {
  const over = new AbortController();
  const waits = async () => {
    await clock.sleep(LOCK_QUIET, over.signal);
    if (over.signal.aborted) return null;
    report({
      name: "lock",
      level: "info",
      message: `another run is at work in ${unitFolder}: waiting for it`,
    });
    await clock.sleep(LOCK_LIMIT - LOCK_QUIET, over.signal);
    return null;
  };
  try {
    if (await disk.list(unitFolder) === null) await disk.makeFolder(unitFolder);
    const release = await Promise.race([disk.lock(lockPath(unitFolder)), waits()]);
    if (release !== null) return release;
  } catch (error) {
    throw diskFailure(unitFolder, error);
  } finally {
    over.abort();
  }
  throw new Failure("activation-failed", {
    what: lockPath(unitFolder),
    why: `another run has held this lock for ${LOCK_LIMIT / 60_000} minutes`,
    next: `Look for it with "systemctl list-units 'apply-hail-units-*'".`,
  });
}

async function finishAll(jobs: readonly Job[], ports: ApplyUnitsPorts, failed: ApplyPorts["failed"]) {
  const end = ports.clock.monotonic() + FINISH_LIMIT;
  // One after the other is enough: systemd is at work on all of them.
  for (const { service, verb } of jobs) {
    try {
      await ports.systemd.finish(verb, unitFile(service), Math.max(1_000, end - ports.clock.monotonic()));
    } catch (error) {
      failed(service, error);
    }
  }
}

const DONE: Record<Action["kind"], string> = {
  install: "installed",
  replace: "replaced",
  reload: "reloaded",
  start: "started",
  keep: "linked anew",
  remove: "removed",
};

function reportBereft({ service, heir }: Action, report: Report) {
  report({
    name: "unit",
    level: "warning",
    message: `${unitFile(service)}: stays as it is, since ${
      unitFile(heir ?? "")
    } is not up to take over from it`,
    fields: { service, action: "keep" },
  });
}

function reportResult(place: Place, plan: readonly Action[], failures: ReadonlySet<string>, report: Report) {
  const changed = plan.filter((action) => !isIdle(action));
  for (const { service, kind, caller } of changed) {
    if (failures.has(service)) continue;
    const later = caller ? ", and takes effect when the running activation is over" : "";
    report({
      name: "unit",
      level: "info",
      message: `${unitFile(service)}: ${DONE[kind]}${later}`,
      fields: { service, action: kind },
    });
  }
  const count = plan.filter(({ kind }) => kind !== "remove").length;
  const units = `${count} ${count === 1 ? "unit" : "units"} of namespace ${place.namespace}`;
  report({
    name: "units",
    level: failures.size === 0 ? "info" : "error",
    message: failures.size > 0
      ? `${units}: ${failures.size} could not be brought in line`
      : changed.length === 0
      ? `${units}: all as they should be, nothing changed`
      : `${units}: in line, ${changed.length} changed`,
    fields: { namespace: place.namespace, units: count, changed: changed.length, failed: failures.size },
  });
}
