/** What Hydra's JSON about builds, evaluations and jobsets says, where the gate `jobset` asks for it. */
import * as v from "valibot";
import type { BuildsSummary, EvaluatedBuild } from "../gates/evaluations.ts";
import { ArrayItems } from "./json_array.ts";

/** Only the newest evaluations of a build are of use to anybody; a build may be in thousands. */
const EVALUATIONS_MAX = 12;

/** An evaluation with more builds is not one that a deployment can wait for. */
const BUILDS_MAX = 100_000;

/** How much JSON about one build is read, as where it is asked for alone. */
const BUILD_LIMIT = 1024 * 1024;

const FAILED_JOBS_SHOWN = 3;

const ID = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const BUILD = v.object({
  id: ID,
  finished: v.picklist([0, 1]),
  buildstatus: v.nullish(v.number()),
});
const LISTED_BUILD = v.object({ ...BUILD.entries, job: v.string() });
const OWN_BUILD = v.object({ ...BUILD.entries, jobsetevals: v.array(ID) });
// The name is asked for so that nothing else passes for a jobset without errors.
const JOBSET = v.object({ name: v.string(), errormsg: v.nullish(v.string()) });

/**
 * Reads the answer to `GET /build/ID`.
 *
 * @returns Null if it is not Hydra's JSON about that build.
 */
export function readEvaluatedBuild(body: Uint8Array, id: number): EvaluatedBuild | null {
  const build = read(OWN_BUILD, body);
  if (build === null || build.id !== id) return null;
  return {
    id,
    finished: build.finished === 1,
    succeeded: hasSucceeded(build),
    evaluations: [...new Set(build.jobsetevals)].toSorted((a, b) => b - a).slice(0, EVALUATIONS_MAX),
  };
}

/**
 * Reads the answer to `GET /jobset/PROJECT/JOBSET/errors`.
 *
 * @returns What the newest evaluation could not evaluate, as it came from the network, empty for nothing; null if it is
 * not Hydra's JSON about a jobset.
 */
export function readEvaluationErrors(body: Uint8Array): string | null {
  const jobset = read(JOBSET, body);
  return jobset === null ? null : (jobset.errormsg ?? "").trim();
}

/** Reads an array of builds while it comes in: what is kept are the ids and a few names. */
export class BuildsReader {
  readonly #items = new ArrayItems(BUILD_LIMIT, (item) => this.#add(item));
  readonly #ids: number[] = [];
  readonly #failedJobs: string[] = [];
  #unfinished = 0;
  #failed = 0;
  #tooMany = false;

  /** Takes the next piece; false if no more is needed, since it is no such array. */
  take(piece: Uint8Array): boolean {
    return this.#items.take(piece);
  }

  /**
   * What the array said, once it is at its end. The names of jobs are as they came from the network.
   *
   * @returns A clause that says what is wrong with it, in hail's own words, if it is no array of builds.
   */
  finish(): BuildsSummary | string {
    if (this.#tooMany) return `it names more than ${BUILDS_MAX} builds`;
    if (!this.#items.complete) return "its answer is not Hydra's JSON about a list of builds";
    const ids = Float64Array.from(this.#ids).sort();
    return {
      builds: ids.length,
      unfinished: this.#unfinished,
      failed: this.#failed,
      failedJobs: this.#failedJobs,
      includes: (id: number) => isIn(ids, id),
    };
  }

  #add(item: Uint8Array): boolean {
    const build = read(LISTED_BUILD, item);
    this.#tooMany = this.#ids.length >= BUILDS_MAX;
    if (build === null || this.#tooMany) return false;
    this.#ids.push(build.id);
    if (build.finished === 0) this.#unfinished++;
    else if (!hasSucceeded(build)) {
      this.#failed++;
      if (this.#failedJobs.length < FAILED_JOBS_SHOWN) this.#failedJobs.push(build.job.slice(0, 1_000));
    }
    return true;
  }
}

/** A restarted build has the status of its last run while it is under way, so both count. */
function hasSucceeded({ finished, buildstatus }: v.InferOutput<typeof BUILD>): boolean {
  return finished === 1 && buildstatus === 0;
}

function read<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
): v.InferOutput<Schema> | null {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const result = v.safeParse(schema, json, { abortEarly: true });
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

function isIn(sorted: Float64Array, id: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? Infinity) < id) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === id;
}
