import { listen } from "../control/server.ts";
import { findGroup } from "../journal/group.ts";
import { existsSync } from "node:fs";
import { openJournal } from "../journal/open.ts";
import { isTrusted } from "../journal/state_file.ts";
import { socketName, stateFolder } from "../journal/state_folder.ts";
import { lockProfile } from "../nix/profile_lock.ts";
import { storeFolder } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { connectServiceManager } from "../systemd/notify.ts";
import { startWatchdog, watchdogInterval } from "../systemd/watchdog.ts";
import { systemClock } from "../time/system_clock.ts";
import { Bell } from "./bell.ts";
import { composeDeployer, createHydraClient, type DeployOptions, STATE_GROUP } from "./compose.ts";
import type { Environment } from "./environment.ts";
import { type AgentPorts, runLoop, runOnce } from "./loop.ts";
import { readMachineId } from "./machine_id.ts";
import { createOperator, createTee } from "./operator.ts";
import { phaseOf } from "./phase.ts";
import { listenForSignals, Stopped } from "./signals.ts";
import { createStageBoard } from "./stage_board.ts";

export type { DeployOptions } from "./compose.ts";

/**
 * Keeps one profile at the latest build of one job, until hail is told to stop or, with `oneshot`, once.
 *
 * @param version The version of hail.
 * @returns The exit status.
 * @throws {Failure} What keeps it from beginning: an unusable netrc or certificate file, or a state of a newer hail (exit
 * status 2), a folder that cannot be written (13), another hail on the profile (15).
 */
export async function deploy(
  options: DeployOptions,
  version: string,
  env: Environment,
  report: Report,
): Promise<number> {
  const { profile, jobUri, schedule } = options;
  const bell = new Bell();
  const stop = listenForSignals(bell, report);
  const tee = createTee(report);
  const hydra = await createHydraClient(options, version, env, tee.report);
  const store = storeFolder(env);
  await lockProfile(profile, store);
  const folder = stateFolder(env, options.stateDir, Deno.uid());
  const gid = findGroup(STATE_GROUP);
  const journal = openJournal({
    folder,
    profile,
    jobUri: jobUri.text,
    settings: JSON.stringify(options.words),
    gid,
    storeFolder: store,
    now: Date.now,
    report,
  });

  const manager = await connectServiceManager(env, report);
  const interval = watchdogInterval(env, Deno.pid);
  // They speak of this process; a program that it starts would speak in its name.
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const) env.delete(name);
  const watchdog = interval === null
    ? null
    : startWatchdog(interval, { clock: systemClock, manager, report });
  const stages = createStageBoard({ clock: systemClock, manager, watchdog, stop: stop.gently });
  const deployer = await composeDeployer(options, { hydra, journal, stages, env, report: tee.report });
  const ports: AgentPorts = {
    deployer,
    clock: systemClock,
    random: Math.random,
    stages,
    report,
    stop,
    bell,
  };

  report({
    name: "start",
    level: "info",
    message: `hail ${version} keeps ${profile} at ${jobUri.text}`,
    fields: { version, profile, job_uri: jobUri.text },
  });
  // Where others can write, a command could be answered by them; the journal has said so.
  const reachable = !schedule.oneshot && existsSync(folder) && isTrusted(folder);
  const control = !reachable ? null : listen({
    path: `${folder}/${socketName(profile)}`,
    gid,
    storeFolder: store,
    handle: createOperator({ deployer, bell, stop, tee }),
    report,
    clock: systemClock,
  });
  await manager.ready();
  try {
    if (schedule.oneshot) return await runOnce(ports);
    const { period } = schedule;
    await runLoop(ports, { period, phase: await phaseOf(await readMachineId(), profile, period) });
    return 0;
  } catch (error) {
    if (error instanceof Stopped) return error.exitStatus;
    throw error;
  } finally {
    // An operator's roll-back may be under way while the loop sleeps.
    await deployer.idle();
    report({ name: "stop", level: "info", message: "hail stops" });
    await control?.close();
    journal.close();
    await manager.stopping();
  }
}
