import { Failure, type FailureCode } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { anySignal } from "../time/any_signal.ts";
import type { Clock } from "../time/clock.ts";
import type { Happening } from "./advance.ts";
import type { Act } from "./machine.ts";
import type { Activation, Activator, Nix, Stages, Stop, Turn, Turns, Verifier } from "./ports.ts";
import type { Deployment, Fault, Step, Version } from "./record.ts";

/** What {@linkcode perform} works with. */
export interface ActPorts {
  readonly nix: Nix;
  readonly activator: Activator;
  readonly verifier: Verifier;
  readonly turns: Turns;
  /** What the profile points at now. */
  readonly current: () => Promise<StorePath | null>;
  readonly clock: Clock;
  readonly stages: Stages;
  readonly report: Report;
  /** The id of the host's present boot. */
  readonly bootId: () => Promise<string>;
  /** Writes down the process group of a running activation. */
  readonly noteLeader: (leader: { readonly pid: number; readonly bootId: string }) => void;
  /** Writes down that an activation is about to begin. */
  readonly noteBegin: () => void;
}

/** The time limits of the stages, in milliseconds. */
export interface Limits {
  readonly request: number;
  readonly realise: number;
  readonly activation: number;
}

/** What one act is to be done with. */
export interface Task {
  readonly work: Deployment;
  /** What the profile pointed at before the act. */
  readonly before: StorePath | null;
  readonly limits: Limits;
  readonly stop: Stop;
  /** Aborted when the operator wants something that cannot wait for a realisation or a soak time. */
  readonly urgent: AbortSignal;
}

/** What came of an act, and the failure behind it, for whoever waits for the deployment. */
export interface Done {
  readonly happening: Happening;
  readonly failure?: Failure;
}

// A switch has its own limit inside; this one is for the watchdog.
const SWITCH_LIMIT = 6 * 60_000;
// After its time limit a realisation may still be ended, and the substituters be asked why it failed.
const REALISE_AFTERMATH = 120_000;
// An activation may have to wait for one that an earlier hail began; after it, its unit's state and log are read.
const ACTIVATION_RUNS = 2;
const ACTIVATION_AFTERMATH = 150_000;

// An activation that takes hail or the host down with it must not do so for ever.
const BEGUN_LIMIT = 3;

/**
 * Does what a state asks for. It can be done again after it was cut off anywhere.
 *
 * @throws The reason of `stop.gently` or of `urgent`, where one of them ended it.
 * @throws {Failure} `activation-aborted`, when hail was told twice to stop.
 */
export async function perform(act: Act, task: Task, ports: ActPorts): Promise<Done> {
  return await ACTS[act](task, ports);
}

const ACTS: Readonly<Record<Act, (task: Task, ports: ActPorts) => Promise<Done>>> = {
  "realise": async ({ work: { target }, limits, stop, urgent }, { nix, turns, stages, report }) => {
    using any = anySignal(stop.gently, urgent);
    const { signal } = any;
    const what = `realising ${short(target)}`;
    try {
      await inTurn(turns.realisation, what, signal, stages, async () => {
        stages.enter(what, limits.realise + REALISE_AFTERMATH);
        const message = `realising ${target.path}`;
        report({ name: "realise", level: "info", message, fields: fieldsOf(target) });
        await nix.realise(target.path, signal);
      });
    } catch (error) {
      return { happening: { event: "realise-failed" }, failure: expected(error) };
    }
    return { happening: { event: "realised" } };
  },

  "switch": async ({ work: { target, goBackTo }, before }, ports) => {
    const begun = ports.clock.monotonic();
    ports.stages.enter(`switching to ${short(target)}`, SWITCH_LIMIT, true);
    // From now on it is not the current generation, and somebody may remove old ones.
    if (goBackTo !== null) await ports.nix.protect(goBackTo.path);
    try {
      await ports.nix.switchTo(target.path);
    } catch (error) {
      const failure = expected(error);
      const now = await ports.current().catch(() => undefined);
      if (now !== target.path) {
        return now === before || goBackTo === null
          ? { happening: { event: "switch-failed" }, failure }
          : { happening: { event: "switch-broke", fault: faultOf("switch", failure, ports.clock) }, failure };
      }
    }
    ports.report({
      name: "switch",
      level: "info",
      message: before === null
        ? `the profile now points at ${target.path}, its first generation`
        : `the profile now points at ${target.path}, before at ${before}`,
      fields: {
        ...fieldsOf(target),
        previous_path: before,
        switch_ms: Math.round(ports.clock.monotonic() - begun),
      },
    });
    return { happening: { event: "switched" } };
  },

  "activate": async (task, ports) => {
    const { target } = task.work;
    try {
      return { happening: { event: "activated", degraded: await activate(target, task, ports) } };
    } catch (error) {
      const failure = expected(error);
      const fault = faultOf("activation", failure, ports.clock);
      return { happening: { event: "activation-failed", fault }, failure };
    }
  },

  "verify": async (task, ports) => {
    try {
      await verify(task.work.target, task.work.hydraAnswered, task, ports, task.urgent);
    } catch (error) {
      const failure = expected(error);
      const step = failure.code === "confirmation-failed" ? "confirmation" : "health";
      const fault = faultOf(step, failure, ports.clock);
      return { happening: { event: "verification-failed", fault }, failure };
    }
    return { happening: { event: "verified" } };
  },

  "switch-back": async (task, ports) => {
    const { goBackTo, fault } = task.work;
    if (goBackTo === null) throw new Error("there is nothing to go back to");
    ports.stages.enter(`rolling back to ${short(goBackTo)}`, SWITCH_LIMIT, true);
    ports.report({
      name: "rollback",
      level: "warning",
      message: `rolling back to ${goBackTo.path}${fault === null ? "" : `, since the ${fault.step} failed`}`,
      fields: { ...fieldsOf(goBackTo), deployment: task.work.id },
    });
    try {
      await ports.nix.switchTo(goBackTo.path);
    } catch (error) {
      const failure = expected(error);
      const stays = await ports.current().catch(() => undefined);
      if (stays !== goBackTo.path) {
        return {
          happening: { event: "restore-failed", fault: faultOf("switch", failure, ports.clock) },
          failure,
        };
      }
    }
    return { happening: { event: "restored" } };
  },

  "reactivate": async (task, ports) => {
    const { goBackTo } = task.work;
    if (goBackTo === null) throw new Error("there is nothing to go back to");
    try {
      return { happening: { event: "reactivated", degraded: await activate(goBackTo, task, ports, true) } };
    } catch (error) {
      const failure = expected(error);
      const fault = faultOf("activation", failure, ports.clock);
      return { happening: { event: "reactivation-failed", fault }, failure };
    }
  },

  "reverify": async (task, ports) => {
    const { goBackTo } = task.work;
    if (goBackTo === null) throw new Error("there is nothing to go back to");
    try {
      // Not Hydra: if that is what is gone, the version before may be as well as it ever was.
      await verify(goBackTo, false, task, ports);
    } catch (error) {
      const failure = expected(error);
      const fault = faultOf("health", failure, ports.clock);
      return { happening: { event: "reverification-failed", fault }, failure };
    }
    return { happening: { event: "reverified" } };
  },

  "undo": async (task, ports) => {
    const { work, stop, limits } = task;
    const what = `taking back ${short(work.target)}`;
    ports.report({
      name: "rollback",
      level: "warning",
      message:
        `taking back ${work.target.path}: there was nothing before it, so bin/deactivate runs and the profile goes`,
      fields: { ...fieldsOf(work.target), deployment: work.id },
    });
    await inTurn(ports.turns.activation, what, stop.gently, ports.stages, async () => {
      const limit = limits.activation * ACTIVATION_RUNS + ACTIVATION_AFTERMATH + SWITCH_LIMIT;
      ports.stages.enter(what, limit, true);
      await ports.activator.deactivate(await activation(work.target, task, ports), stop);
    }, true);
    try {
      await ports.nix.remove(work.target.path);
    } catch (error) {
      const failure = expected(error);
      return { happening: { event: "undo-failed", fault: faultOf("switch", failure, ports.clock) }, failure };
    }
    return { happening: { event: "undone" } };
  },
};

/** Waits for a turn. How long is for those to say who are at it: they have their limits. */
function inTurn<T>(
  turn: Turn,
  what: string,
  signal: AbortSignal,
  stages: Stages,
  work: () => Promise<T>,
  first = false,
): Promise<T> {
  if (turn.full) stages.enter(`${what}: waits for its turn`, Infinity);
  return turn.take(signal, work, first);
}

async function activate(version: Version, task: Task, ports: ActPorts, back = false): Promise<boolean> {
  const { turns, stages } = ports;
  const work = () => activateNow(version, task, ports);
  return await inTurn(
    turns.activation,
    `activating ${short(version)}`,
    task.stop.gently,
    stages,
    work,
    // One that an earlier hail has begun may still run, and is to be counted soon.
    back || task.work.begun > 0,
  );
}

async function activateNow(version: Version, task: Task, ports: ActPorts): Promise<boolean> {
  const { activator, clock, stages, report } = ports;
  const fields = fieldsOf(version);
  if (task.work.begun >= BEGUN_LIMIT) {
    throw new Failure("activation-failed", {
      what: version.path,
      why:
        `its activation was begun ${BEGUN_LIMIT} times, and each time hail or the host went down before it ended`,
      next: "See what it does to the host, and to hail.",
    });
  }
  stages.enter(
    `activating ${short(version)}`,
    task.limits.activation * ACTIVATION_RUNS + ACTIVATION_AFTERMATH,
    !activator.outlives,
  );
  report({ name: "activate", level: "info", message: `activating ${version.path}`, fields });
  const begun = clock.monotonic();
  const { degraded } = await activator.activate(await activation(version, task, ports), task.stop);
  const took = Math.round(clock.monotonic() - begun);
  report({
    name: "activated",
    level: degraded ? "warning" : "info",
    message: degraded
      ? `activated ${version.path} in ${took} ms, degraded: its exit status says that not all of it succeeded`
      : `activated ${version.path} in ${took} ms`,
    fields: { ...fields, activation_ms: took, degraded },
  });
  return degraded;
}

async function activation(version: Version, { work }: Task, ports: ActPorts): Promise<Activation> {
  const other = version === work.target ? work.goBackTo : work.target;
  // Only a child of hail's has to be told apart from a process of an earlier boot.
  const bootId = ports.activator.outlives ? "" : await ports.bootId();
  return {
    id: `${work.id}-${work.runs}`,
    storePath: version.path,
    previous: work.kind === "restart" ? version.path : other?.path ?? null,
    buildId: version.buildId,
    leader: work.leader?.bootId === bootId ? work.leader.pid : null,
    onBegin: () => ports.noteBegin(),
    onLeader: (pid) => ports.noteLeader({ pid, bootId }),
  };
}

async function verify(
  version: Version,
  confirm: boolean,
  task: Task,
  { verifier, stages }: ActPorts,
  ...more: readonly AbortSignal[]
) {
  const { goBackTo } = task.work;
  stages.enter(`verifying ${short(version)}`, verifier.limit);
  using any = anySignal(task.stop.gently, ...more);
  await verifier.verify({
    storePath: version.path,
    previous: version === goBackTo ? task.work.target.path : goBackTo?.path ?? null,
    buildId: version.buildId,
    confirm,
  }, any.signal);
}

/** The failures that say nothing about a build. The state stays, and its act is done again. */
const NO_WORD: readonly FailureCode[] = ["activation-aborted", "activation-not-run"];

/** Lets through what is no word about the build: the end of hail, the operator's wish, a fault of hail itself. */
function expected(error: unknown): Failure {
  if (error instanceof Failure && !NO_WORD.includes(error.code)) return error;
  throw error;
}

/** What went wrong, as it is written down. */
export function faultOf(step: Step, failure: Failure, clock: Clock): Fault {
  return { step, code: failure.code, message: failure.message, next: failure.next, at: clock.now() };
}

function fieldsOf({ path, buildId }: Version) {
  return { path, build_id: buildId };
}

/** A version in a few words. */
export function short({ path, buildId }: Version): string {
  return buildId === null ? path : `build ${buildId}`;
}
