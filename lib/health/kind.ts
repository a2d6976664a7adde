/**
 * What a kind of health check consists of. Each kind is a file of its own that exports one {@linkcode Kind}, and a line
 * in `kinds.ts`.
 */
import type { RunCommand } from "../process/run_command.ts";

/** What every health check has, whatever its kind. Times are in milliseconds. */
export interface Bounds {
  /** What it is called in the log and in failures. */
  readonly name: string;
  /** From the beginning of one run to that of the next. */
  readonly interval: number;
  /** How long a run may take; then it is ended and has failed. */
  readonly timeout: number;
  /** So many failures in a row, once it has passed, show that the service is not well. */
  readonly threshold: number;
  /** Whether it decides. An advisory check is only reported. */
  readonly required: boolean;
}

/** Sends a request; `fetch`, or what stands in for it in a test. */
export type Fetch = (url: string, init: RequestInit & { client: Deno.HttpClient }) => Promise<Response>;

/** What health checks need of the world. */
export interface World {
  readonly run: RunCommand;
  readonly fetch: Fetch;
  /** Certificates of authorities to trust beside those that Deno trusts, in PEM. */
  readonly certificates: readonly string[];
  /** Variables for programs, on top of hail's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Takes a line that a program printed. */
  readonly onLine: (check: string, line: string, stream: "stdout" | "stderr") => void;
}

/** A health check in use, for one verification. */
export interface Probe {
  /**
   * Looks once.
   *
   * @param signal Ends the look at its timeout. The promise then settles soon, in whichever way.
   * @returns Null if the check passed, else why not, in one clause: limited, but not yet fit for a log.
   */
  look(signal: AbortSignal): Promise<string | null>;
  /** Lets go of what it holds. No look is under way. */
  close?(): void;
}

/** A kind of health check. `Target` is what only checks of this kind have: plain data, fit for JSON. */
export interface Kind<Target extends object> {
  /** How it is written, for messages: `tcp HOST:PORT`. */
  readonly synopsis: string;
  /** The keys that only this kind knows. */
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
  /** The name of a check that was given none. */
  nameOf(target: Target): string;
  /** Makes a check ready for one verification. */
  open(check: Target & Bounds, world: World): Probe;
}
