/**
 * What the deployment asks of the world. The adapters in `nix/`, `activation/` and `hydra/` implement it; tests
 * stand in for it.
 */
import type { StorePath } from "../nix/store_path.ts";

/** A build that succeeded and can be deployed. */
export interface Build {
  readonly id: number;
  /** The path of its output `out`. */
  readonly outPath: StorePath;
  /** The name of its derivation, e.g. `web-4.0`, fit for a log line. */
  readonly name: string;
  /** When it finished: seconds since 1970-01-01T00:00:00Z, or `null` if Hydra does not say. */
  readonly finishedAt: number | null;
}

/** What hail asks a Hydra: about one job, whose URI its maker was given. */
export interface Hydra {
  /**
   * Polls: the id of the latest build of the job, as its selector says. It may be lower than the last time.
   *
   * @param signal Gives up the poll. Its reason is then thrown as it is.
   * @throws {Failure} `hydra-unreachable`, `hydra-timeout` or `hydra-failed` (perhaps with `retryAfter`) if Hydra
   * cannot answer now; `hydra-refused`, `hydra-no-build` or `hydra-unusable` if the answer is no build.
   */
  latest(signal: AbortSignal): Promise<number>;

  /**
   * Fetches a build and checks that it can be deployed: it is finished, it succeeded, and its output `out` is a
   * store path.
   *
   * @param id An id that {@linkcode Hydra.latest} gave.
   * @param signal Gives up the request. Its reason is then thrown as it is.
   * @throws {Failure} As {@linkcode Hydra.latest}; `hydra-no-build` also if there is no such build, `hydra-unusable`
   * also if it is unfinished, did not succeed, has no usable output, or the answer is no build.
   */
  build(id: number, signal: AbortSignal): Promise<Build>;
}

/** What hail asks of Nix for one profile. */
export interface Nix {
  /**
   * Fetches a store path and its closure from the substituters; nothing is built or evaluated. From then on the
   * path is protected from the garbage collector, until {@linkcode Nix.release}.
   *
   * @param signal Ends the work; the promise then rejects with the signal's reason.
   * @throws {Failure} One of the codes that stand for exit status 12.
   */
  realise(path: StorePath, signal: AbortSignal): Promise<void>;
  /**
   * Makes a new generation of the profile that points at the path, and makes it the current one.
   *
   * @throws {Failure} `switch-failed`.
   */
  switchTo(path: StorePath): Promise<void>;
  /**
   * Ends the protection of the path that was realised last: it is a generation by now, which protects it as well. It
   * never fails: what stays protected is only kept a little longer, until the next realisation.
   */
  release(): Promise<void>;
}

/** One run of a profile's `bin/activate`. */
export interface Activation {
  /** The store path that the profile points at. */
  readonly storePath: string;
  /** What it pointed at before the switch; null where there was nothing. At a start, the same as `storePath`. */
  readonly previous: string | null;
  /** Hydra's id of the build; null where hail has not asked Hydra yet. */
  readonly buildId: number | null;
}

/** Runs the activation of one profile. */
export interface Activator {
  /**
   * Runs `PROFILE/bin/activate` without arguments, and waits for it.
   *
   * @param signal Ends the whole process group of the activation before its time.
   * @throws {Failure} `activate-missing`, `activate-not-executable`, `activation-failed`, `activation-timeout`, or
   * `activation-aborted` when the signal ended it.
   */
  activate(activation: Activation, signal: AbortSignal): Promise<void>;
}

/** Says what is being done and how long it may take, for the watchdog and for `systemctl status`. */
export interface Stages {
  /**
   * @param stage What hail is doing now, in a few words.
   * @param limit By when it is over at the latest, in milliseconds from now.
   * @param finishes Whether it is finished even when hail is told to stop gently.
   */
  enter(stage: string, limit: number, finishes?: boolean): void;
}
