import type { Activation, Stop } from "../deployment/ports.ts";
import type { Exit } from "../process/run_command.ts";
import {
  type ActivatorOptions,
  deactivateWith,
  requireProgram,
  stopReason,
  type TidyActivator,
} from "./activator.ts";
import { outwait } from "./leftover.ts";
import { type Ended, judge, type ProgramName, programPath, programVariables } from "./program.ts";
import { UnitLog } from "./unit_log.ts";
import { type UnitNames, unitNames } from "./unit_name.ts";
import { MARGIN, notRun, STOP_GRACE, Units } from "./units.ts";

// What systemd refuses now it may accept when it has executed itself anew. The pause is in milliseconds.
const START_TRIES = 4;
const START_PAUSE = 1_000;
// systemd-run has asked for the start, and then systemd executed itself anew.
const LOST =
  /^Failed to wait for response|^D-Bus connection terminated|^Warning! D-Bus connection terminated/;
// In a shutdown every service is told to stop at about the same time: hail's own signal comes any moment.
const SHUTDOWN_LIMIT = 100_000;
// The words of a Failure: enough to see the reason, short enough for a log line.
const REASON_LIMIT = 600;

/**
 * Makes an activator that has systemd run the programs of the profile, each as a transient unit of its own: systemd
 * keeps the time limit and the result, and nothing that happens to hail happens to them. A hail that comes back finds
 * the unit by its name, waits for it, and takes its result.
 *
 * The programs have systemd's environment, the variables of {@linkcode programVariables}, and the `environment` of the
 * options. What they print stands in the journal under the unit, and becomes `activate-output` events as well.
 */
export function createUnitActivator(options: ActivatorOptions): TidyActivator {
  const names = unitNames(options.profile);
  return {
    outlives: true,
    activate: (activation, stop) => new UnitRun(options, names, activation, stop).perform("activate"),
    deactivate: (activation, stop) =>
      deactivateWith(
        options,
        activation,
        () => new UnitRun(options, names, activation, stop).perform("deactivate"),
      ),
    tidy: (keepId) => new Units(options, names).tidy(keepId),
    async outwait(leader, stop) {
      const signal = AbortSignal.any([stop.gently, stop.now]);
      const check = () => {
        if (signal.aborted) throw stopReason(stop);
      };
      check();
      if (leader !== null) await outwait(leader, options, stop.now, false);
      await new Units(options, names, { signal, check }).outwaitAll();
      check();
    },
  };
}

/** One run of a program of the profile, from its start or from where an earlier hail has left it. */
class UnitRun {
  readonly #signal: AbortSignal;
  readonly #units: Units;

  constructor(
    private readonly options: ActivatorOptions,
    private readonly names: UnitNames,
    private readonly activation: Activation,
    private readonly stop: Stop,
  ) {
    this.#signal = AbortSignal.any([stop.gently, stop.now]);
    this.#units = new Units(options, names, { signal: this.#signal, check: () => this.#check() });
  }

  /**
   * @returns Whether the program ended with a status that stands for "switched, but some unit failed".
   * @throws {Failure} What {@linkcode judge} throws; `activate-missing`; `activation-not-run` if systemd does not run it.
   * @throws The reason of `stop`; the unit goes on.
   */
  async perform(name: ProgramName): Promise<{ readonly degraded: boolean }> {
    this.#check();
    const program = programPath(this.options, name);
    const unit = this.names.unit(this.activation.id, name);
    try {
      const ended = await this.#attach(unit) ?? await this.#start(unit, name, program);
      return judge(program, ended, this.options.degradedStatuses, `"journalctl -u ${unit}"`);
    } catch (failure) {
      this.#check();
      // A program that was ended, or not started, because the host shuts down is not to blame.
      if (await this.#units.isShuttingDown()) await this.options.clock.sleep(SHUTDOWN_LIMIT, this.#signal);
      this.#check();
      throw failure;
    }
  }

  /** Waits for a unit that is there already; null if it is not. */
  async #attach(unit: string): Promise<Ended | null> {
    const { report } = this.options;
    const found = await this.#units.look(unit);
    if (found.phase === "absent") return null;
    if (found.description !== this.#description()) {
      // The number of a run comes again only where what hail remembers was lost.
      report({
        name: "activation-left",
        level: "warning",
        message: `${unit} is left of another activation: it is removed when it has ended`,
        fields: { unit },
      });
      await this.#units.outwait(unit);
      await this.#units.remove(unit, (await this.#units.look(unit)).failed);
      return null;
    }
    report({
      name: "activation-attached",
      level: "info",
      message: found.phase === "running"
        ? `the activation that hail began before still runs as ${unit}: waiting for it`
        : `the activation that hail began before has ended, as ${unit}`,
      fields: { unit },
    });
    return await this.#logged(unit, found.identifier, () => this.#units.outwait(unit));
  }

  async #start(unit: string, name: ProgramName, program: string): Promise<Ended> {
    const { leader } = this.activation;
    if (name === "activate") await requireProgram(program);
    if (leader !== null) await outwait(leader, this.options, this.stop.now);
    await this.#units.outwaitAll();
    this.#check();
    // No other run is in the journal under this name, not even an earlier one of this unit.
    const identifier = `activate-hail-${crypto.randomUUID().slice(0, 8)}`;
    const args = this.#startArguments(unit, program, identifier);
    return await this.#logged(unit, identifier, async () => {
      this.activation.onBegin();
      for (let tries = 1;; tries += 1) {
        const exit = await this.#systemdRun(args);
        const found = await this.#units.look(unit);
        if (found.phase !== "absent") return found.ended ?? await this.#units.outwait(unit);
        if (exit.status === 0) return { how: "exited", status: 0 };
        // It was started, then told to stop, and ended well: such a unit systemd forgets. Of its end systemd-run says
        // nothing, as it was told to; it has words only for what it could not do.
        if (exit.output.every((line) => LOST.test(line))) return { how: "other", why: "somebody ended it" };
        const words = exit.output.join(" ").slice(0, REASON_LIMIT).replace(/\.$/, "");
        if (tries === START_TRIES) throw notRun(`it does not start ${unit}: ${words}`);
        await this.options.clock.sleep(START_PAUSE * tries, this.#signal);
        this.#check();
      }
    });
  }

  #startArguments(unit: string, program: string, identifier: string): readonly string[] {
    const { timeLimit, degradedStatuses, environment } = this.options;
    const variables = { ...environment, ...programVariables(this.options, this.activation) };
    return [
      ...["--quiet", "--no-ask-password", `--unit=${unit}`, `--description=${this.#description()}`],
      // Such a unit has started when its program has ended, and stays until it is told to go: so it keeps the result.
      ...["--service-type=oneshot", "--remain-after-exit"],
      `--property=TimeoutStartSec=${timeLimit}ms`,
      `--property=TimeoutStopSec=${STOP_GRACE}ms`,
      // As it was as a child of hail's: the program itself judges what becomes of it.
      "--property=OOMPolicy=continue",
      ...["--property=StandardOutput=journal", "--property=StandardError=journal"],
      `--property=SyslogIdentifier=${identifier}`,
      ...(degradedStatuses.length === 0
        ? []
        : [`--property=SuccessExitStatus=${degradedStatuses.join(" ")}`]),
      ...Object.entries(variables).filter(([, value]) => isPlain(value)).map(([name, value]) =>
        `--setenv=${name}=${value}`
      ),
      // It is no shell that reads this, nor systemd's own language of unit files: the path reaches it as it is.
      ...["--", program],
    ];
  }

  /** What the unit is for: by this another hail knows it. */
  #description(): string {
    const { id, storePath } = this.activation;
    return `hail: run ${id}, ${storePath}`;
  }

  /** Runs systemd-run, which waits for the end of the unit. To end it does not end the unit. */
  async #systemdRun(args: readonly string[]): Promise<Exit> {
    const { run, timeLimit } = this.options;
    let exit;
    try {
      exit = await run({
        program: "systemd-run",
        args,
        env: { LC_ALL: "C", SYSTEMD_COLORS: "0", SYSTEMD_URLIFY: "0" },
        timeLimit: timeLimit + MARGIN,
        signal: this.#signal,
      });
    } catch (cause) {
      this.#check();
      throw notRun(
        `systemd-run ${cause instanceof Deno.errors.NotFound ? "is not on PATH" : "cannot be executed"}`,
        cause,
      );
    }
    this.#check();
    return exit;
  }

  /** Does something while the log of the unit is reported, and to the end of the unit. */
  async #logged(unit: string, identifier: string, work: () => Promise<Ended>): Promise<Ended> {
    const log = new UnitLog({ unit, identifier }, this.options);
    const over = new AbortController();
    const following = log.follow(over.signal, this.#signal);
    let ended;
    try {
      ended = await work();
    } finally {
      over.abort();
      await following;
    }
    await log.finish(this.#signal);
    return ended;
  }

  #check() {
    if (this.#signal.aborted) throw stopReason(this.stop);
  }
}

/** Whether systemd takes it as the value of a variable. */
function isPlain(value: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for.
  return !/[\u0000-\u001f\u007f]/.test(value);
}
