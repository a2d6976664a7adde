import { type State, STATES } from "../deployment/machine.ts";
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
  /** Whether there is only ever one service, whose stage is then hail's status. */
  readonly alone: boolean;
}

/** The place of a service on the board. */
export interface BoardPlace extends Stages {
  /** Gives the place up. */
  leave(): void;
}

/** Where the stages of all services are kept. */
export interface StageBoard {
  /**
   * Makes a place for a service.
   *
   * @param name What the service is called.
   * @param state The state of its deployment, for the status of hail as a whole.
   */
  of(name: string, state: () => State): BoardPlace;
}

// How much later than its limit a stage may end: its programs are given time to act on TERM.
const MARGIN = KILL_GRACE + 5_000;

interface Place {
  stage: string;
  /** By when it is over, by the clock that never jumps. */
  deadline: number;
  finishes: boolean;
  state: State;
}

/**
 * Shows the stages that the services are in to all who want to know: as the status of hail; to the watchdog, which looks
 * at the one that should end first; and, once hail is told to stop while something is finished all the same, as the time
 * that the service manager must wait for it.
 */
export function createStageBoard(ports: StageBoardPorts): StageBoard {
  const { clock, manager, watchdog, stop, alone } = ports;
  const places = new Set<Place>();
  let first: Place | null = null;
  let said = "";

  const askForTime = () => {
    const deadlines = [...places].filter(({ finishes }) => finishes).map(({ deadline }) => deadline);
    if (deadlines.length === 0) return;
    void manager.extendTimeout(Math.max(0, Math.max(...deadlines) - clock.monotonic()) + MARGIN);
  };
  stop.addEventListener("abort", askForTime, { once: true });

  const watch = (changed: Place) => {
    if (watchdog === null) return;
    // Looking at all of them is needed only where the first one was it that has changed.
    if (first === null || first === changed) {
      first = [...places].reduce<Place | null>(
        (soonest, place) => soonest === null || place.deadline < soonest.deadline ? place : soonest,
        null,
      );
    } else if (changed.deadline < first.deadline) first = changed;
    else return;
    if (first === null) watchdog.enter("idle", Infinity);
    else watchdog.enter(first.stage, first.deadline - clock.monotonic());
  };

  const tell = (text: string) => {
    if (text === said) return;
    said = text;
    void manager.status(text);
  };

  const tellAll = () => tell(summary([...places].map(({ state }) => state)));

  // An agent may have no service at all; the only one of a classic hail is to begin soon.
  if (!alone) watchdog?.enter("idle", Infinity);
  return {
    of(name, state) {
      const place: Place = { stage: "start", deadline: Infinity, finishes: false, state: state() };
      places.add(place);
      return {
        enter(stage, limit, finishes = false) {
          place.stage = alone ? stage : `${name}: ${stage}`;
          place.deadline = clock.monotonic() + limit;
          place.finishes = finishes;
          watch(place);
          const now = state();
          if (alone) tell(stage);
          else if (now !== place.state || said === "") {
            place.state = now;
            tellAll();
          }
          if (stop.aborted) askForTime();
        },
        leave() {
          if (!places.delete(place)) return;
          watch(place);
          if (!alone && !stop.aborted) tellAll();
        },
      };
    },
  };
}

/** `20 services: 18 active, 1 activating, 1 failed`. Pure. */
export function summary(states: readonly State[]): string {
  const counts = new Map<State, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = (Object.keys(STATES) as State[]).flatMap((state) => {
    const count = counts.get(state);
    return count === undefined ? [] : [{ count, text: `${count} ${state}` }];
  }).toSorted((a, b) => b.count - a.count).map(({ text }) => text);
  const all = `${states.length} ${states.length === 1 ? "service" : "services"}`;
  return parts.length === 0 ? all : `${all}: ${parts.join(", ")}`;
}
