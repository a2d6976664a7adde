import type { Clock } from "../time/clock.ts";
import type { Stages } from "../deployment/ports.ts";
import type { Report } from "../report/event.ts";
import type { Environment } from "./notify.ts";
import type { ServiceManager } from "./service_manager.ts";

/** How long a stage may be late before hail counts as stuck, in milliseconds: timers and a busy machine are late. */
export const GRACE = 30_000;

/**
 * How often systemd wants to hear from this process, in milliseconds, or null if it does not: the rule of
 * sd_watchdog_enabled(3), by WATCHDOG_USEC and WATCHDOG_PID.
 */
export function watchdogInterval(env: Environment, pid: number): number | null {
  const owner = env.get("WATCHDOG_PID");
  if (owner !== undefined && owner !== String(pid)) return null;
  const text = env.get("WATCHDOG_USEC") ?? "";
  if (!/^[0-9]{1,19}$/.test(text)) return null;
  const interval = Number(text) / 1000;
  // USEC_INFINITY, and zero, mean that there is no watchdog.
  return interval >= 1 && text !== "18446744073709551615" && interval < 1e15 ? interval : null;
}

/** Whether a ping may be sent: the present stage is not over its limit by more than `grace`. */
export function makesProgress(now: number, deadline: number, grace = GRACE): boolean {
  return now <= deadline + grace;
}

/**
 * A running watchdog. It believes what the loop says: as long as the present stage is within its limit, hail makes
 * progress.
 */
export interface Watchdog extends Stages {
  /** Sends no more pings. Resolves when the timer has ended. */
  stop(): Promise<void>;
}

/** What a watchdog needs from its surroundings. */
export interface WatchdogPorts {
  readonly clock: Clock;
  readonly manager: Pick<ServiceManager, "watchdog">;
  readonly report: Report;
}

/**
 * Starts to ping the service manager at half of `interval`, as sd_watchdog_enabled(3) advises, for as long as the
 * declared stages keep their limits. Once a stage is too late, pings cease, and systemd restarts hail: a hail
 * that hangs is as bad as one that is gone. If the stage ends after all, pings go on.
 *
 * @param interval The result of {@linkcode watchdogInterval}, in milliseconds.
 */
export function startWatchdog(interval: number, ports: WatchdogPorts): Watchdog {
  const { clock, manager, report } = ports;
  const stopped = new AbortController();
  let stage = "start";
  let deadline = clock.monotonic() + interval;
  let late = false;
  const beat = async () => {
    if (makesProgress(clock.monotonic(), deadline)) {
      late = false;
      await manager.watchdog();
    } else if (!late) {
      late = true;
      report({
        name: "stuck",
        level: "error",
        message: `The stage "${stage}" should be over since ${
          GRACE / 1000
        } s: systemd is left to restart hail.`,
        fields: { stage },
      });
    }
  };
  const run = async () => {
    while (!stopped.signal.aborted) {
      await beat();
      await clock.sleep(interval / 2, stopped.signal);
    }
  };
  const ended = run();
  return {
    enter(name, limit) {
      stage = name;
      deadline = clock.monotonic() + limit;
    },
    stop() {
      stopped.abort();
      return ended;
    },
  };
}
