import type { Stop, Turn } from "../deployment/ports.ts";
import { STATES } from "../deployment/machine.ts";
import { removeState } from "../journal/remove.ts";
import { nixFiles } from "../nix/nix_files.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import { createRunCommand } from "../process/run_command.ts";
import type { Event, Report } from "../report/event.ts";
import type { OnRemoval } from "../settings/service.ts";
import { anySignal } from "../time/any_signal.ts";
import { systemClock } from "../time/system_clock.ts";
import { readBootId } from "./boot_id.ts";
import type { Environment } from "./environment.ts";
import { failPoints } from "./fail_points.ts";
import { type Deactivation, IdleService, lockForNow, type RemovalShared } from "./idle_service.ts";
import { takeAway, twinOf } from "./rename.ts";

export type { RemovalShared } from "./idle_service.ts";

/** Which service is taken out, and how. */
export interface RemovalOptions {
  readonly profile: ProfilePath;
  /** What operators call it. */
  readonly name: string;
  readonly how: OnRemoval;
  /** The state folder that its database lies in. */
  readonly folder: string;
  /** The configuration file of the agent that takes it out: what somebody else keeps by now stays. Null for the operator. */
  readonly config: string | null;
  readonly report: Report;
  readonly stop: Stop;
  /** Aborted where the service is to stay after all. What can be undone no more is done to its end. */
  readonly calledOff?: AbortSignal;
}

/**
 * Takes a service out: hail does not keep it any more, and does with it what `how` says; nothing is done to the data of the
 * service. No hail may keep it; the profile's lock is held meanwhile. What is to be done is written down first, so that a
 * removal that was cut off anywhere is finished when it is asked for again.
 *
 * @returns What was done, as one sentence.
 * @throws {Failure} `profile-held`: another hail keeps it. `switch-failed`: the profile, or its lock, cannot be written.
 * `state-unwritable`, `state-damaged`, `state-newer`: what is remembered of it cannot be read or written.
 * `activation-not-run`: systemd does not answer. `activation-aborted`: `stop.now` has ended `bin/deactivate`.
 * @throws The reason of `stop.gently`, between two steps.
 */
export async function removeService(
  options: RemovalOptions,
  shared: RemovalShared,
): Promise<{ readonly message: string }> {
  const { profile, name, config, report } = options;
  // The events of an agent say of which service they are.
  const tagged = config === null
    ? options
    : { ...options, report: (event: Event) => report({ ...event, service: name }) };
  const lock = await lockForNow(profile, shared);
  try {
    const service = IdleService.read(tagged, shared);
    if (service === null) return { message: "hail remembers nothing of it" };
    return { message: await remove(service, tagged, shared) };
  } finally {
    lock.release();
  }
}

/**
 * Takes a service out because the operator says so, while no hail keeps it.
 *
 * @throws As {@linkcode removeService}.
 */
export async function removeOffline(
  options: Omit<RemovalOptions, "config">,
  env: Environment,
): Promise<{ readonly message: string }> {
  const run = createRunCommand(systemClock);
  return await removeService({ ...options, config: null }, {
    env,
    clock: systemClock,
    run,
    turns: { realisation: NO_WAIT, activation: NO_WAIT },
    bootId: () => readBootId(run),
    failPoint: failPoints(env),
  });
}

/** The operator's command does one thing after the other. */
const NO_WAIT: Turn = {
  full: false,
  async take(signal, work) {
    signal.throwIfAborted();
    return await work();
  },
};

async function remove(
  service: IdleService,
  options: RemovalOptions,
  shared: RemovalShared,
): Promise<string> {
  const { profile, how, folder, config, report, stop } = options;
  const { words, agent } = service.settings;
  if (config !== null && !isKeptBy(service, config)) {
    return `it is left alone: it is not of ${config} any more`;
  }
  const { calledOff = NEVER } = options;
  if (calledOff.aborted) return stays(service, options);
  const twin = twinOf(service, folder);
  if (twin !== null) return await removeTwin(service, twin, options, shared);
  const { state, work } = service.record;
  if (STATES[state] !== null && work !== null) {
    report({
      name: "removal",
      level: "warning",
      message: `deployment ${work.id} is not finished: it was cut off while ${state}`,
      fields: { profile, deployment: work.id, state },
    });
  }
  const again = config === null && agent !== null
    ? `; take it out of ${agent.config}, too, or the agent keeps it again`
    : "";
  const done = (message: string) => {
    report({ name: "removed", level: "info", message, fields: { profile, how } });
    return `${message}${again}`;
  };
  const released = { words, agent: null, removing: null };
  if (how === "keep") {
    service.write({ ...released, removed: how });
    return done(`hail does not keep ${profile} any more; nothing is done to the service`);
  }
  service.write({ ...service.settings, removing: how });
  shared.failPoint?.("removal noted");
  const takeOut = async () => {
    if (calledOff.aborted) return stays(service, options);
    const outcome = await service.deactivate(stop);
    shared.failPoint?.("removal deactivated");
    if (how === "deactivate") {
      service.write({ ...released, removed: how });
      return done(`${DEACTIVATED[outcome]}, and hail does not keep ${profile} any more`);
    }
    if (calledOff.aborted) return stays(service, options);
    await service.removeProfile();
    shared.failPoint?.("removal unlinked");
    removeState(folder, profile);
    const gone = `${profile} is gone with its generations; \`nix-collect-garbage\` frees the space`;
    return done(`${DEACTIVATED[outcome]}, and ${gone}`);
  };
  using over = anySignal(stop.gently, calledOff);
  try {
    // It is as heavy for the host as an activation.
    return await shared.turns.activation.take(over.signal, takeOut);
  } catch (error) {
    if (!calledOff.aborted || error !== calledOff.reason) throw error;
    return stays(service, options);
  }
}

/**
 * Takes out one of two that a change of name which was cut off has left. The service may go on as the other one: so nothing is
 * deactivated, and nothing taken away unless the operator says so.
 */
async function removeTwin(
  service: IdleService,
  twin: string,
  options: RemovalOptions,
  shared: RemovalShared,
): Promise<string> {
  const { profile, name, how, config, report } = options;
  const { files = nixFiles } = shared;
  const isTwinThere = await files.readLink(twin).then((target) => target !== null, () => false);
  if (config === null && how === "purge" && isTwinThere) {
    await takeAway(service, options, shared);
    const message = `${profile} is gone; ${twin} stays, as which the service may go on`;
    report({ name: "removed", level: "info", message, fields: { profile, how } });
    return message;
  }
  const { removing: _removing, ...settings } = service.settings;
  service.write({ ...settings, agent: null, removing: null, removed: "keep" });
  const message = `it is left as it is: a change of name was cut off, and the service may go on as ${twin}` +
    (isTwinThere ? `; \`hail remove ${name} --purge\` takes this one away` : ", which has no profile");
  report({ name: "removal", level: "warning", message, fields: { profile } });
  return message;
}

/** Leaves a service as it is by now. Whoever keeps it next activates it again. */
function stays(service: IdleService, { report, profile }: RemovalOptions): string {
  const { settings } = service;
  if (settings.removing !== null) service.write({ ...settings, removing: null });
  const message = "its removal is called off, since the configuration has changed again";
  report({ name: "removal", level: "info", message, fields: { profile } });
  return message;
}

const NEVER = new AbortController().signal;

const DEACTIVATED: Readonly<Record<Deactivation, string>> = {
  "done": "its bin/deactivate has run",
  "failed": "its bin/deactivate has failed, as the log tells",
  "missing": "it has no bin/deactivate to run",
};

/** Whether an agent has kept the service last, or somebody was about to take it out. */
function isKeptBy({ settings: { agent, removing } }: IdleService, config: string): boolean {
  return agent === null ? removing !== null : agent.config === config;
}
