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
