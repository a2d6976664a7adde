import { Failure } from "../failure/failure.ts";
import type { RunCommand } from "../process/run_command.ts";

/** What systemd says about one unit: properties of `systemctl show`. */
export interface UnitStatus {
  /** ActiveState: `active`, `inactive`, `failed`, `activating`, `deactivating`, `reloading`, ... */
  readonly active: string;
  /** InvocationID of the present or last run; empty if it has never run. */
  readonly invocation: string;
  /** FragmentPath: the unit file that systemd uses; empty if it knows none. */
  readonly fragment: string;
}

/** A job for a unit. `reload-or-restart` starts a unit that does not run, and restarts one that cannot reload. */
export type Verb = "start" | "stop" | "restart" | "reload-or-restart";

/** What installing units asks of systemd. Every method throws a {@linkcode Failure} `activation-failed`. */
export interface Systemd {
  /** The state of units, in the order of the question; a unit that systemd has never heard of is `inactive`. */
  show(units: readonly string[]): Promise<readonly UnitStatus[]>;
  /** Makes systemd read all unit files again. */
  daemonReload(): Promise<void>;
  /** Puts a job in systemd's queue, without waiting for it: it happens even if this process is killed. */
  enqueue(verb: Verb, unit: string): Promise<void>;
  /**
   * Puts the stop of one unit and the start of others in systemd's queue, all of them or none, without waiting: what is
   * told to stop may be the only one that would have seen to the rest. Those that start must be ordered after the one
   * that stops.
   */
  handOver(from: string, to: readonly string[]): Promise<void>;
  /** Waits until a unit has started or stopped, for `limit` milliseconds at most. */
  finish(verb: "start" | "stop", unit: string, limit: number): Promise<void>;
  /** Makes systemd forget that a unit has failed. */
  resetFailed(unit: string): Promise<void>;
}

/** How long a call may take that waits for nothing, in milliseconds. A daemon-reload of a large host takes seconds. */
const CALL_LIMIT = 60_000;

const PROPERTIES = ["ActiveState", "InvocationID", "FragmentPath"] as const;

// The words of a Failure: enough to see the reason, short enough for a log line.
const REASON_LIMIT = 600;

/** The systemd of the machine, through `systemctl`. */
export function createSystemd(run: RunCommand): Systemd {
  const callProgram = async (what: string, name: string, command: Program, timeLimit = CALL_LIMIT) => {
    const exit = await start(run, command, timeLimit);
    if (exit.status === 0 && exit.ended === null) return exit.output;
    const words = exit.output.join(" ").slice(0, REASON_LIMIT).replace(/\.$/, "");
    throw failure(
      what,
      exit.ended === null
        ? `${name} ended with status ${exit.status}${words === "" ? "" : `: ${words}`}`
        : `${name} was not done after ${Math.round(timeLimit / 1000)} s`,
    );
  };
  const call = (what: string, args: readonly string[], timeLimit?: number) => {
    const command: Program = { program: "systemctl", args: ["--no-pager", "--no-ask-password", ...args] };
    return callProgram(what, `systemctl ${args[0]}`, command, timeLimit);
  };
  return {
    async show(units) {
      if (units.length === 0) return [];
      const output = await Promise.all(
        chunks(units, SHOWN_AT_ONCE).map((some) =>
          call("systemd", ["show", "--all", `--property=${PROPERTIES.join(",")}`, "--", ...some])
        ),
      );
      return parseShow(output.flat(), units.length);
    },
    daemonReload: async () => void await call("systemd", ["daemon-reload"]),
    enqueue: async (verb, unit) => void await call(unit, [verb, "--no-block", "--", unit]),
    // A transient unit that conflicts with the one and wants the others: starting it is one transaction of systemd's. Once
    // the one has stopped, it makes systemd forget its file, if that is gone by then: the others refer to it.
    handOver: async (from, to) => {
      const properties = [
        "Type=oneshot",
        `Conflicts=${from}`,
        `After=${from}`,
        ...to.map((unit) => `Wants=${unit}`),
      ];
      const args = [
        ...[
          "--no-block",
          "--no-ask-password",
          "--quiet",
          "--collect",
          `--description=hail: takes over from ${from}`,
        ],
        ...properties.map((property) => `--property=${property}`),
        ...["--", "systemctl", "daemon-reload"],
      ];
      await callProgram(from, "systemd-run", { program: "systemd-run", args });
    },
    finish: async (verb, unit, limit) => void await call(unit, [verb, "--", unit], limit),
    resetFailed: async (unit) => void await call(unit, ["reset-failed", "--", unit]),
  };
}

// runCommand keeps the first hundred and the last two hundred lines of an output.
const SHOWN_AT_ONCE = 50;

function chunks<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/**
 * Reads the answer of `systemctl show` about several units. systemd prints the properties in an order of its own,
 * and runCommand drops the empty lines between the units: a property that comes again begins the next unit.
 *
 * @throws {Failure} `activation-failed` if it is not about `count` units.
 */
export function parseShow(lines: readonly string[], count: number): readonly UnitStatus[] {
  const units: Map<string, string>[] = [];
  for (const line of lines) {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    let unit = units.at(-1);
    if (unit === undefined || unit.has(name)) units.push(unit = new Map());
    unit.set(name, value);
  }
  if (units.length !== count || units.some((unit) => PROPERTIES.some((name) => !unit.has(name)))) {
    throw failure("systemd", `systemctl show did not answer for all of ${count} units`);
  }
  return units.map((unit) => ({
    active: unit.get("ActiveState") ?? "",
    invocation: unit.get("InvocationID") ?? "",
    fragment: unit.get("FragmentPath") ?? "",
  }));
}

interface Program {
  readonly program: "systemctl" | "systemd-run";
  readonly args: readonly string[];
}

async function start(run: RunCommand, { program, args }: Program, timeLimit: number) {
  try {
    return await run({
      program,
      args,
      env: { LC_ALL: "C", SYSTEMD_COLORS: "0", SYSTEMD_URLIFY: "0" },
      timeLimit,
    });
  } catch (error) {
    throw new Failure("activation-failed", {
      what: program,
      why: error instanceof Deno.errors.NotFound ? "it is not on PATH" : "it cannot be executed",
      next: `Run hail on a host whose units systemd manages, with ${program} on PATH.`,
      cause: error,
    });
  }
}

function failure(what: string, why: string): Failure {
  const next = what === "systemd"
    ? `Look at "systemctl status" and at the journal of the host.`
    : `Look at "systemctl status ${what}" and "journalctl -u ${what}".`;
  return new Failure("activation-failed", { what, why, next });
}
