/**
 * What a kind of gate consists of. Each kind is a file of its own that exports one {@linkcode Kind}, and a line in
 * `kinds.ts`.
 */
import type { GateQuestion } from "../deployment/ports.ts";
import type { RunCommand } from "../process/run_command.ts";
import type { Clock } from "../time/clock.ts";
import type { Evaluations } from "./evaluations.ts";

/** The answer of a gate that is closed. */
export interface Shut {
  /** Why, in one clause: limited, and fit for a log. */
  readonly why: string;
  /** When it is worth asking again: milliseconds since 1970; null where that cannot be known. */
  readonly askAgainAt: number | null;
}

/** It cannot be known whether a gate is open; whoever knows its name makes a failure of it. */
export class GateFault extends Error {
  override readonly name = "GateFault";
  readonly why: string;
  readonly next: string;

  /**
   * @param why What is wrong, in one clause: limited, and fit for a log.
   * @param next What the operator can do, as one sentence.
   */
  constructor(why: string, next: string, cause?: unknown) {
    super(why, cause === undefined ? undefined : { cause });
    this.why = why;
    this.next = next;
  }
}

/** A gate in use, for as long as hail keeps the service. */
export interface Gate {
  /** How long an answer may take at the most, in milliseconds. */
  readonly limit: number;
  /**
   * Says whether a build may be deployed now.
   *
   * @param now Milliseconds since 1970.
   * @param signal Gives up. Its reason is then thrown as it is.
   * @returns Null if it may.
   * @throws {GateFault} It cannot be known.
   * @throws {Failure} The same, where Hydra's own failure says it.
   */
  ask(question: GateQuestion, now: number, signal: AbortSignal): Promise<Shut | null>;
}

/** What every gate has, whatever its kind. */
export interface Named {
  /** What it is called in the log, in failures and in the status: its kind, and what tells it from others. */
  readonly name: string;
}

/** What gates need of the world. */
export interface World {
  readonly run: RunCommand;
  readonly clock: Clock;
  /** What tells this machine from others; it must not leave the machine. */
  readonly machineId: () => Promise<string>;
  /** The profile of the service, and its job, for programs. */
  readonly profile: string;
  readonly jobUri: string;
  /** What Hydra says of the evaluations of the job's jobset. */
  readonly evaluations: Evaluations;
  /** Variables for programs, on top of hail's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Takes a line that a program printed, and the name of its gate. */
  readonly onLine: (gate: string, line: string, stream: "stdout" | "stderr") => void;
}

/** A kind of gate. `Target` is what only gates of this kind have: plain data, fit for JSON. */
export interface Kind<Target extends object> {
  /** How it is written, for messages and the documents: `delay TIME [rollout=TIME] [wariness=SHARE]`. */
  readonly synopsis: string;
  /** What it does, in one sentence, for the documents. */
  readonly about: string;
  /** The keys that may stand behind the target, as `KEY=VALUE`. */
  readonly keys: readonly string[];
  /** What to write where there are words that this kind does not know. */
  readonly hint?: string;
  /**
   * Reads what stands behind the kind.
   *
   * @param target The first word.
   * @param values The values of the keys, none of them empty.
   * @throws {Mistake}
   */
  read(target: string, values: Readonly<Record<string, string | undefined>>): Target;
  /**
   * What tells a gate from others of its kind.
   *
   * @default Its target, as it was written.
   */
  nameOf?(target: Target): string;
  /** Makes a gate ready for a service. */
  open(gate: Target & Named, world: World): Gate;
}
