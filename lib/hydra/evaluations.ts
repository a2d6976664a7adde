/** The {@linkcode Evaluations} port over HTTP. */
import { Failure } from "../failure/failure.ts";
import type { BuildsSummary, Evaluations } from "../gates/evaluations.ts";
import type { EvaluationAnswer, LatestAnswer } from "./answer.ts";
import type { Connection } from "./connection.ts";
import { BUILD_LIMIT, fetchDocument } from "./document.ts";
import { BuildsReader, readEvaluatedBuild, readEvaluationErrors } from "./evaluation_answer.ts";
import type { Asked } from "./hydra_failures.ts";
import {
  buildUri,
  evaluationUri,
  jobSegment,
  jobsetUri,
  type JobUri,
  withJob,
  withSelector,
} from "./job_uri.ts";
import type { Redirect, Redirects } from "./redirects.ts";

/** What {@linkcode createEvaluations} needs. */
export interface EvaluationsOptions {
  /** The job, as Hydra names it now. */
  readonly job: () => JobUri;
  readonly connection: Connection;
  /** How long a light request may take, in milliseconds. */
  readonly requestTimeout: number;
  readonly redirects: Redirects;
}

/** A heavy request may take so many times as long as a light one. */
const HEAVY_FACTOR = 5;

/** A light question is one request, or two where HEAD is of no use; each may wait as long as it may take. */
const LIGHT_REQUESTS = 4;

/**
 * Carries 20,000 builds of 3 kB, and most have less. It is not kept: each build is read when it has come.
 */
const BUILDS_LIMIT = 64 * 1024 * 1024;

/** Of a large jobset, errors fill a megabyte. */
const ERRORS_LIMIT = 4 * 1024 * 1024;

const ERRORS_SHOWN = 100;
const JOB_SHOWN = 60;

/** Answers questions about the evaluations of one job's jobset. */
export function createEvaluations(options: EvaluationsOptions): Evaluations {
  const { job, connection, requestTimeout, redirects } = options;
  const { failures } = connection;
  const heavyTimeout = requestTimeout * HEAVY_FACTOR;

  /** The id that a redirect names; null where there is nothing. */
  const idIn = (asked: Asked, uri: string, { answer, words }: Redirect<LatestAnswer | EvaluationAnswer>) => {
    switch (answer.kind) {
      case "build":
      case "evaluation":
        return answer.id;
      case "none":
        return null;
      case "renamed": {
        // The next poll finds the new name.
        const away = { kind: "led-away", status: 301, location: answer.location } as const;
        throw failures.negative(uri, asked, away, words);
      }
      default:
        throw failures.negative(uri, asked, answer, words);
    }
  };

  const latest = async (start: JobUri, signal: AbortSignal) => {
    const found = await redirects.latest(start, signal);
    return idIn("job", found.job.text, found);
  };

  const document = (asked: Asked, uri: string, bodyLimit: number, signal: AbortSignal) =>
    fetchDocument(connection, { uri, asked, bodyLimit, timeLimit: requestTimeout, signal });

  const summary = (asked: Asked, uri: string, signal: AbortSignal): Promise<BuildsSummary | null> =>
    connection.sparingly(uri, heavyTimeout, signal, async (onSent) => {
      const reader = new BuildsReader();
      try {
        await fetchDocument(connection, {
          uri,
          asked,
          bodyLimit: BUILDS_LIMIT,
          timeLimit: heavyTimeout,
          waitLimit: requestTimeout,
          take: (piece) => reader.take(piece),
          onSent,
          signal,
        });
      } catch (error) {
        if (error instanceof Failure && error.code === "hydra-no-build") return null;
        throw error;
      }
      const read = reader.finish();
      if (typeof read === "string") throw failures.unexpected(uri, read);
      const failedJobs = read.failedJobs.map((name) => failures.quote(name).slice(0, JOB_SHOWN));
      return { ...read, failedJobs };
    });

  return {
    limits: {
      light: requestTimeout * LIGHT_REQUESTS,
      heavy: heavyTimeout * 2 + requestTimeout,
    },
    async build(id, signal) {
      const uri = buildUri(job(), id);
      const build = readEvaluatedBuild(await document("build", uri, BUILD_LIMIT, signal), id);
      if (build === null) throw failures.unexpected(uri, `its answer is not Hydra's JSON about build ${id}`);
      return build;
    },
    async newestFinished(signal) {
      const uri = `${jobsetUri(job())}/latest-eval`;
      return idIn("jobset", uri, await redirects.evaluation(uri, signal));
    },
    latestFinished: (signal) => latest(withSelector(job(), "latest-finished"), signal),
    latestOf: async (name, signal) =>
      await latest(withSelector(withJob(job(), { ...job(), job: segmentOf(name) }), "latest"), signal),
    async buildIn(evaluation, name, signal) {
      const uri = `${evaluationUri(job(), evaluation)}/job/${segmentOf(name)}`;
      return idIn("build", uri, await redirects.build(uri, signal));
    },
    constituentsOf: async (id, signal) =>
      await summary("build", `${buildUri(job(), id)}/constituents`, signal),
    buildsOf: async (evaluation, signal) =>
      await summary("evaluation", `${evaluationUri(job(), evaluation)}/builds`, signal),
    async evaluationErrors(signal) {
      const uri = `${jobsetUri(job())}/errors`;
      const errors = readEvaluationErrors(await document("jobset", uri, ERRORS_LIMIT, signal));
      if (errors === null) throw failures.unexpected(uri, "its answer is not Hydra's JSON about a jobset");
      return errors === "" ? null : failures.quote(errors).slice(0, ERRORS_SHOWN).trim();
    },
  };
}

/** @throws {RangeError} If it cannot be the name of a job: whoever reads the settings refuses it before. */
function segmentOf(name: string): string {
  const segment = jobSegment(name);
  if (segment === null) throw new RangeError("not the name of a job");
  return segment;
}
