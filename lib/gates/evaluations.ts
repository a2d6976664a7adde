/** What the gate `jobset` asks of a Hydra; `hydra/` answers it. */

/** One build, as far as it concerns the evaluations that it is in. */
export interface EvaluatedBuild {
  readonly id: number;
  readonly finished: boolean;
  /** Whether it is finished and succeeded. */
  readonly succeeded: boolean;
  /** The ids of the evaluations that it belongs to, the newest first; of many, the newest. */
  readonly evaluations: readonly number[];
}

/** What became of many builds. */
export interface BuildsSummary {
  readonly builds: number;
  readonly unfinished: number;
  /** How many are finished and did not succeed. */
  readonly failed: number;
  /** The jobs of some of those: a few names, fit for a log. */
  readonly failedJobs: readonly string[];
  /** Whether a build is among them. */
  includes(buildId: number): boolean;
}

/**
 * Questions about the evaluations of one job's jobset. Each is limited in size and time, and rejects with the reason of
 * the signal, as it is, when that gives it up.
 *
 * Those that are heavy for Hydra, {@linkcode Evaluations.buildsOf} and {@linkcode Evaluations.constituentsOf}, are asked
 * one at a time for each Hydra. An answer is good for a minute, and for ten times as long as it took to come: who asks
 * again sooner gets the same answer, or failure, without a request.
 *
 * @throws {Failure} Each: as `Hydra.latest`, without `hydra-no-build` where null says it; `hydra-unusable` also where the
 * answer is too long.
 */
export interface Evaluations {
  /** How long one question may take at the most, waiting included, in milliseconds. */
  readonly limits: { readonly light: number; readonly heavy: number };
  /** One build. One request. */
  build(id: number, signal: AbortSignal): Promise<EvaluatedBuild>;
  /**
   * The newest successful build of the job in an evaluation without unfinished builds; null for none. A build that is newer
   * than that is in no such evaluation. One request.
   */
  latestFinished(signal: AbortSignal): Promise<number | null>;
  /** The newest evaluation of the jobset without unfinished builds; null for none. One request. */
  newestFinished(signal: AbortSignal): Promise<number | null>;
  /** The newest successful build of a job of the same jobset, by its plain name; null for none. One request. */
  latestOf(job: string, signal: AbortSignal): Promise<number | null>;
  /** The build of a job in an evaluation, whatever became of it; null if it has none. One request. */
  buildIn(evaluation: number, job: string, signal: AbortSignal): Promise<number | null>;
  /** The constituents of a build of an aggregate job; null where there is no such build. Heavy where there are many. */
  constituentsOf(buildId: number, signal: AbortSignal): Promise<BuildsSummary | null>;
  /** All builds of an evaluation; null where there is no such evaluation. Heavy where there are many. */
  buildsOf(evaluation: number, signal: AbortSignal): Promise<BuildsSummary | null>;
  /** What the newest evaluation of the jobset could not evaluate: its first words, fit for a log; null for nothing. */
  evaluationErrors(signal: AbortSignal): Promise<string | null>;
}
