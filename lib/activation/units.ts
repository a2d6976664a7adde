import { Failure } from "../failure/failure.ts";
import { callSystemctl, showUnit, UnitStateUnknown } from "../systemd/unit_state.ts";
import type { ActivatorOptions } from "./activator.ts";
import type { Ended } from "./program.ts";
import type { UnitNames } from "./unit_name.ts";
import { readUnit, UNIT_PROPERTIES, type UnitStatus } from "./unit_status.ts";

/** How long a program has to act on TERM at its time limit, in milliseconds. */
export const STOP_GRACE = 10_000;

/**
 * How long after the time limit of a program systemd has ended it at the latest, in milliseconds. If it has not, it is
 * told to.
 */
export const MARGIN = STOP_GRACE + 15_000;

// How often systemd is asked about a unit, in milliseconds.
const SHORTEST_POLL = 100;
const LONGEST_POLL = 1_000;

// A process in the tree of `systemctl status`: "|-12 sleep 9" or "`-12 sleep 9".
const PROCESS = /^[ |]*[|`]-\s*[0-9]+ /;

/** Gives up waiting. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Throws the reason if the signal was given. */
  check(): void;
}

const ENDLESS: Patience = { signal: new AbortController().signal, check() {} };

/** The units of one profile, as systemd knows them. */
export class Units {
  constructor(
    private readonly options: Pick<ActivatorOptions, "timeLimit" | "run" | "clock" | "report">,
    private readonly names: UnitNames,
    private readonly patience: Patience = ENDLESS,
  ) {}

  /**
   * Asks systemd about a unit; while it does not answer, again and again.
   *
   * @throws {Failure} `activation-not-run` if it has not answered within the time limit of a program.
   * @throws The reason of the patience.
   */
  async look(unit: string): Promise<UnitStatus> {
    const { run, clock } = this.options;
    const deadline = this.#deadline();
    for (;;) {
      try {
        return readUnit(await showUnit(run, unit, UNIT_PROPERTIES, this.patience.signal));
      } catch (error) {
        this.patience.check();
        if (!(error instanceof UnitStateUnknown)) throw error;
        if (clock.monotonic() >= deadline) throw notRun(error.message, error);
        await clock.sleep(LONGEST_POLL, this.patience.signal);
        this.patience.check();
      }
    }
  }

  /**
   * Waits for the end of a unit. One that systemd has not ended at its time limit is told to stop.
   *
   * @throws As {@linkcode Units.look}.
   */
  async outwait(unit: string): Promise<Ended> {
    const { clock } = this.options;
    const deadline = this.#deadline();
    let pause = SHORTEST_POLL;
    for (;;) {
      const { phase, ended } = await this.look(unit);
      if (ended !== null) return ended;
      if (phase === "absent") return { how: "other", why: "somebody ended it" };
      if (clock.monotonic() >= deadline) {
        await this.#call(["stop", "--no-block", "--", unit]);
        return { how: "time-limit" };
      }
      await clock.sleep(pause, this.patience.signal);
      this.patience.check();
      pause = Math.min(pause * 1.5, LONGEST_POLL);
    }
  }

  /**
   * Waits until no program of the profile runs any more, and removes the units: two at once could undo each other's work.
   *
   * @throws As {@linkcode Units.look}.
   */
  async outwaitAll(): Promise<void> {
    const units = await this.#list();
    for (const unit of units) {
      if ((await this.look(unit)).phase !== "running") continue;
      this.options.report({
        name: "activation-left",
        level: "warning",
        message: `an earlier activation still runs as ${unit}: waiting for it`,
        fields: { unit },
      });
      await this.outwait(unit);
    }
    if (units.length > 0) await this.tidy(null);
  }

  /** Removes the units that have ended, but for the runs of one id. It never fails. */
  async tidy(keepId: string | null): Promise<void> {
    for (const unit of await this.#list()) {
      if (this.names.idOf(unit) === keepId) continue;
      const properties = await showUnit(this.options.run, unit, UNIT_PROPERTIES).catch(() => null);
      if (properties === null) continue;
      const { phase, failed, populated } = readUnit(properties);
      if (phase !== "ended") continue;
      // To stop a unit would end what its program has left in the background.
      if (failed || !populated || !await this.#hasProcesses(unit)) await this.remove(unit, failed);
    }
  }

  /** Makes systemd forget a unit. */
  async remove(unit: string, failed: boolean): Promise<void> {
    await this.#call([failed ? "reset-failed" : "stop", "--", unit]);
  }

  /** Whether the host is being shut down. */
  async isShuttingDown(): Promise<boolean> {
    return (await this.#call(["show", "--property=SystemState"])).includes("SystemState=stopping");
  }

  /**
   * Whether there are processes in a unit that has a control group. It is kept when the last one has ended, and where
   * nobody counts them (TasksAccounting=) only this tells.
   */
  async #hasProcesses(unit: string): Promise<boolean> {
    try {
      const lines = await callSystemctl(this.options.run, ["status", "--full", "--lines=0", "--", unit]);
      const group = lines.findIndex((line) => /^\s*CGroup: /.test(line));
      return group === -1 || lines.slice(group + 1).some((line) => PROCESS.test(line));
    } catch (error) {
      if (!(error instanceof UnitStateUnknown)) throw error;
      return true;
    }
  }

  async #list(): Promise<readonly string[]> {
    const lines = await this.#call([
      ...["list-units", "--all", "--full", "--plain", "--no-legend", "--", this.names.pattern],
    ]);
    return lines.map((line) => line.trim().split(" ")[0] ?? "").filter((unit) =>
      this.names.idOf(unit) !== null
    );
  }

  /** Calls systemctl, where it does no harm if that fails. */
  async #call(args: readonly string[]): Promise<readonly string[]> {
    try {
      return await callSystemctl(this.options.run, args);
    } catch (error) {
      if (!(error instanceof UnitStateUnknown)) throw error;
      this.options.report({
        name: "activation-unit",
        level: "debug",
        message: `the units of earlier activations: ${error.message}`,
      });
      return [];
    }
  }

  #deadline(): number {
    return this.options.clock.monotonic() + this.options.timeLimit + MARGIN;
  }
}

/** The failure that systemd does not run a program. */
export function notRun(why: string, cause?: unknown): Failure {
  return new Failure("activation-not-run", {
    what: "systemd",
    why,
    next: `Look at "systemctl status" and at the journal of the host.`,
    cause,
  });
}
