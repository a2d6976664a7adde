/** The {@linkcode Hydra} port over HTTP: one `HEAD` a poll, one `GET` a build. */
import type { Build, Hydra } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import type { Evaluations } from "../gates/evaluations.ts";
import { DEFAULT_STORE_FOLDER } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { readBuild } from "./build_answer.ts";
import type { Connection } from "./connection.ts";
import { BUILD_LIMIT, fetchDocument } from "./document.ts";
import { createEvaluations } from "./evaluations.ts";
import { buildUri, type JobUri } from "./job_uri.ts";
import { Redirects } from "./redirects.ts";

/** What {@linkcode createHydra} needs. */
export interface HydraOptions {
  readonly jobUri: JobUri;
  /** The service's hold on the connection to its Hydra. */
  readonly connection: Connection;
  /** How long one request may take to the last byte of its answer, from when it is sent, in milliseconds. */
  readonly requestTimeout: number;
  readonly report: Report;
  /**
   * The store folder that outputs must lie in.
   *
   * @default "/nix/store"
   */
  readonly storeFolder?: string;
}

/** What can be asked of a Hydra about one job. */
export interface HydraOfJob extends Hydra {
  /** Questions about the evaluations of the job's jobset. */
  readonly evaluations: Evaluations;
}

/** Makes a client for one job of a Hydra. */
export function createHydra(options: HydraOptions): HydraOfJob {
  return new HydraClient(options);
}

class HydraClient implements HydraOfJob {
  readonly evaluations: Evaluations;
  readonly #options: HydraOptions;
  readonly #redirects: Redirects;
  /** Where the job is since its jobset was renamed. */
  #moved: JobUri | null = null;
  /** The new URI that the operator was warned of last. */
  #warned: string | null = null;

  constructor(options: HydraOptions) {
    const { jobUri, connection, requestTimeout, report } = options;
    this.#options = options;
    this.#redirects = new Redirects(connection, requestTimeout, report);
    this.evaluations = createEvaluations({
      job: () => this.#moved ?? jobUri,
      connection,
      requestTimeout,
      redirects: this.#redirects,
    });
  }

  async latest(signal: AbortSignal): Promise<number> {
    const { jobUri, connection } = this.#options;
    let renamed = false;
    try {
      const { job, answer, words } = await this.#redirects.latest(
        this.#moved ?? jobUri,
        signal,
        (from, to) => {
          renamed = true;
          this.#warn(from, to);
        },
      );
      if (answer.kind === "build") {
        this.#moved = job.text === jobUri.text ? null : job;
        return answer.id;
      }
      // The name may be given back, or away: the next poll begins where the operator said.
      if (answer.kind === "none") this.#moved = null;
      throw connection.failures.negative(job.text, "job", answer, words);
    } catch (error) {
      // So it does where one name leads to another without an end. A trouble that passes does not forget the new name.
      if (renamed && error instanceof Failure && error.code === "hydra-unusable") this.#moved = null;
      throw error;
    }
  }

  async build(id: number, signal: AbortSignal): Promise<Build> {
    const { jobUri, connection, requestTimeout, storeFolder } = this.#options;
    const uri = buildUri(jobUri, id);
    const { failures } = connection;
    const body = await fetchDocument(connection, {
      uri,
      asked: "build",
      bodyLimit: BUILD_LIMIT,
      timeLimit: requestTimeout,
      signal,
    });
    const build = readBuild(body, id, storeFolder ?? DEFAULT_STORE_FOLDER);
    if ("why" in build) throw failures.objection(uri, build);
    return { ...build, name: failures.quote(build.name) };
  }

  #warn(from: JobUri, to: JobUri) {
    if (this.#warned === to.text) return;
    this.#warned = to.text;
    this.#options.report({
      name: "job-renamed",
      level: "warning",
      message: `Hydra says that ${from.text} is now ${to.text}; following it. Put the new URI into job-uri.`,
      fields: { job_uri: from.text, new_job_uri: to.text },
    });
  }
}
