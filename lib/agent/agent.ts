import { existsSync } from "node:fs";
import { type ControlServer, listen } from "../control/server.ts";
import { Failure } from "../failure/failure.ts";
import { isTrusted } from "../journal/state_file.ts";
import { AGENT_SOCKET, socketName } from "../journal/state_folder.ts";
import { storeFolder } from "../nix/store_path.ts";
import type { FileLock } from "../process/file_lock.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { AgentSettings } from "../settings/service.ts";
import { connectServiceManager } from "../systemd/notify.ts";
import { startWatchdog, watchdogInterval } from "../systemd/watchdog.ts";
import { systemClock } from "../time/system_clock.ts";
import type { Environment } from "./environment.ts";
import { Fleet } from "./fleet.ts";
import { checkOpenFiles } from "./open_files.ts";
import { findPlace, occupy } from "./place.ts";
import { createShared } from "./shared.ts";
import { listenForSignals, Stopped } from "./signals.ts";
import { createStageBoard } from "./stage_board.ts";
import { Waker } from "./waker.ts";

/** What a hail is told. */
export interface AgentOptions {
  readonly settings: AgentSettings;
  /** The configuration file; null for the classic command line, which names one service. */
  readonly config: string | null;
  readonly version: string;
  /** Whether to poll once only, and end; only for the classic command line. */
  readonly oneshot: boolean;
  /**
   * Reads the configuration file again, and reports what is wrong with it. Null for the classic command line.
   *
   * @throws {Failure} `usage`: it cannot be used.
   */
  readonly reload: (() => Promise<AgentSettings>) | null;
}

/**
 * Keeps services at the latest builds of their jobs, until hail is told to stop or, with `oneshot`, once.
 *
 * @returns The exit status.
 * @throws {Failure} For the classic command line, what keeps its service from beginning, as `Service.open`. An agent goes on
 * trying.
 */
export async function runAgent(options: AgentOptions, env: Environment, report: Report): Promise<number> {
  const { settings, config, version, oneshot } = options;
  const classic = config === null;
  // Set once the services are there; a signal before that is remembered until then.
  let early = false;
  let hup = () => {
    early = true;
  };
  const stop = listenForSignals(report, {
    does: classic ? "polling now" : "reading the configuration again",
    act: () => hup(),
  });
  const shared = createShared(version, env, settings);
  const place = findPlace(env, settings.stateDir);
  const { folder, gid } = place;
  const manager = await connectServiceManager(env, report);
  const interval = watchdogInterval(env, Deno.pid);
  // They speak of this process; a program that it starts would speak in its name.
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const) env.delete(name);
  const watchdog = interval === null
    ? null
    : startWatchdog(interval, { clock: systemClock, manager, report });
  const board = createStageBoard({
    clock: systemClock,
    manager,
    watchdog,
    stop: stop.gently,
    alone: classic,
  });
  const fleet = new Fleet({ shared, stop, report, ...place, config, board });
  const waker = new Waker({
    wake: (name) => fleet.wake(name),
    report,
    clock: systemClock,
    random: Math.random,
  });
  let control: ControlServer | null = null;
  let lock: FileLock | null = null;
  let told = false;
  try {
    if (classic) await fleet.openOnly(settings.services);
    else {
      lock = await occupy(place);
      await checkOpenFiles(settings.services.length, shared.run, report);
    }
    tellStart(options, report);
    told = true;
    // Where others can write, a command could be answered by them; the journal has said so.
    const reachable = !oneshot && existsSync(folder) && isTrusted(folder);
    const [only] = settings.services;
    control = !reachable ? null : listen({
      path: `${folder}/${classic && only !== undefined ? socketName(only.profile) : AGENT_SOCKET}`,
      gid,
      storeFolder: storeFolder(env),
      handle: (request, profile, progress) => fleet.operate(request, profile, progress),
      ping: (profile) => fleet.flush(profile),
      report,
      clock: systemClock,
    });
    await manager.ready();
    if (oneshot) return await fleet.runOnce();
    const running = fleet.start(settings.services);
    // One after the other, so that each sees what the one before has made.
    let reloads = waker.listen(settings.wake);
    let waits = false;
    hup = classic ? () => fleet.pollAll() : () => {
      // One that has not begun reads what the file says by then.
      if (waits) return;
      waits = true;
      reloads = reloads.then(async () => {
        waits = false;
        await manager.reloading();
        await reload(options, { fleet, waker, setLoads: (loads) => shared.setLoads(loads) }, report);
        await manager.ready();
      }).catch((error) => report(failureEvent(error)));
    };
    // The first poll comes anyway; but the configuration may be another since it was read.
    if (early && !classic) hup();
    await running;
    await reloads;
    return 0;
  } catch (error) {
    if (error instanceof Stopped) return error.exitStatus;
    throw error;
  } finally {
    hup = () => {};
    await waker.listen(null);
    await fleet.close();
    if (told) report({ name: "stop", level: "info", message: "hail stops" });
    await control?.close();
    lock?.release();
    await manager.stopping();
  }
}

function tellStart({ settings, config, version }: AgentOptions, report: Report) {
  const [only] = settings.services;
  if (config === null && only !== undefined) {
    const { profile, jobUri } = only;
    return report({
      name: "start",
      level: "info",
      message: `hail ${version} keeps ${profile} at ${jobUri.text}`,
      fields: { version, profile, job_uri: jobUri.text },
    });
  }
  const count = settings.services.length;
  report({
    name: "start",
    level: "info",
    message: `hail ${version} keeps ${count} ${count === 1 ? "service" : "services"}, as ${config} says`,
    fields: { version, config, services: count },
  });
}

/** What a reload changes. */
interface Changed {
  readonly fleet: Fleet;
  readonly waker: Waker;
  readonly setLoads: (settings: AgentSettings) => void;
}

/** Reads the configuration again and applies what has changed. A bad one is refused, and the old one stays in force. */
async function reload(
  options: AgentOptions,
  { fleet, waker, setLoads }: Changed,
  report: Report,
): Promise<void> {
  if (options.reload === null) return;
  let settings: AgentSettings;
  try {
    settings = await options.reload();
  } catch (error) {
    const why = error instanceof Failure ? `: ${error.message}. ${error.next}` : "";
    if (!(error instanceof Failure)) report(failureEvent(error));
    return report({
      name: "reload",
      level: "error",
      message: `the new configuration is not used, the old one stays in force${why}`,
    });
  }
  if (settings.stateDir !== options.settings.stateDir) {
    report({
      name: "reload",
      level: "warning",
      message: "another state-dir takes effect when hail is started again",
    });
  }
  setLoads(settings);
  await waker.listen(settings.wake);
  const { added, changed, removed } = fleet.apply(settings.services);
  report({
    name: "reload",
    level: "info",
    message: `the configuration was read again: ${added} new, ${changed} changed, ${removed} gone, ${
      settings.services.length - added - changed
    } as before`,
    fields: { added, changed, removed },
  });
}
