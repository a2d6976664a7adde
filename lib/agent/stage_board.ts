import type { Stages } from "../deployment/ports.ts";
import { KILL_GRACE } from "../process/run_command.ts";
import type { ServiceManager } from "../systemd/service_manager.ts";
import type { Clock } from "../time/clock.ts";

/** What a {@linkcode createStageBoard} tells of the stages. */
export interface StageBoardPorts {
  readonly clock: Clock;
  readonly manager: Pick<ServiceManager, "status" | "extendTimeout">;
  /** Null where no watchdog is wanted. */
  readonly watchdog: Stages | null;
  /** Aborted when hail is told to stop. */
  readonly stop: AbortSignal;
}

// How much later than its limit a stage may end: its programs are given time to act on TERM.
const MARGIN = KILL_GRACE + 5_000;

/**
 * Shows the stage that hail is in to all who want to know: as its status, to the watchdog, and, once it is told to stop
 * while in a stage that is finished all the same, as the time that the service manager must wait for it.
 */
export function createStageBoard({ clock, manager, watchdog, stop }: StageBoardPorts): Stages {
  let deadline: number | null = null;
  const askForTime = () => {
    if (deadline !== null) void manager.extendTimeout(Math.max(0, deadline - clock.monotonic()) + MARGIN);
  };
  stop.addEventListener("abort", askForTime, { once: true });
  return {
    enter(stage, limit, finishes = false) {
      deadline = finishes ? clock.monotonic() + limit : null;
      watchdog?.enter(stage, limit);
      void manager.status(stage);
      if (stop.aborted) askForTime();
    },
  };
}
