/** Asks where Hydra's redirects lead: to a build, to an evaluation, to a job under its new name. */
import type { Report } from "../report/event.ts";
import {
  type EvaluationAnswer,
  type LatestAnswer,
  readEvaluationAnswer,
  readLatestAnswer,
} from "./answer.ts";
import type { Connection } from "./connection.ts";
import type { HttpAnswer } from "./http.ts";
import { type JobUri, withJob } from "./job_uri.ts";
import { errorIn } from "./own_words.ts";

/** What is asked for with one question: an answer, and Hydra's own words about it. */
export interface Redirect<Answer> {
  readonly answer: Answer;
  readonly words: string | null;
}

/** How many renames are followed for one question: more than one is rare, and more than a few are a loop. */
const HOPS_MAX = 3;

/** Enough for every redirect page and error of Hydra; what is longer is not read on. */
export const OTHER_LIMIT = 64 * 1024;

/** The questions of one service that are answered with redirects. */
export class Redirects {
  readonly #connection: Connection;
  readonly #requestTimeout: number;
  readonly #report: Report;
  #method: "HEAD" | "GET" = "HEAD";
  /** How often HEAD was refused where GET was not. */
  #headRefusals = 0;

  constructor(connection: Connection, requestTimeout: number, report: Report) {
    this.#connection = connection;
    this.#requestTimeout = requestTimeout;
    this.#report = report;
  }

  /**
   * Asks for the latest build of a job, and follows it where its jobset was renamed.
   *
   * @param onRenamed Called with each new URI, before it is asked.
   * @returns The URI that answered, and its answer, which is no renaming.
   * @throws {Failure}
   */
  async latest(
    start: JobUri,
    signal: AbortSignal,
    onRenamed: (from: JobUri, to: JobUri) => void = () => {},
  ): Promise<Redirect<Exclude<LatestAnswer, { kind: "renamed" }>> & { readonly job: JobUri }> {
    const { failures } = this.#connection;
    const seen = new Set<string>();
    for (let job = start;;) {
      seen.add(job.text);
      const { answer, words } = await this.build(job.text, signal);
      if (answer.kind !== "renamed") return { job, answer, words };
      const next = withJob(start, answer.name);
      if (next.text === job.text) throw failures.toItself(job.text, answer.location);
      if (failures.wouldShow(next.text)) throw failures.showing(job.text);
      onRenamed(job, next);
      if (seen.has(next.text) || seen.size > HOPS_MAX) throw failures.circle(job.text, seen.size);
      job = next;
    }
  }

  /** Asks for what redirects to a build. */
  async build(uri: string, signal: AbortSignal): Promise<Redirect<LatestAnswer>> {
    return await this.#ask(uri, signal, readLatestAnswer);
  }

  /** Asks for what redirects to an evaluation. */
  async evaluation(uri: string, signal: AbortSignal): Promise<Redirect<EvaluationAnswer>> {
    return await this.#ask(uri, signal, readEvaluationAnswer);
  }

  /** One question and, where `HEAD` gives no answer or no reason, once more with `GET`. */
  async #ask<Answer extends LatestAnswer | EvaluationAnswer>(
    uri: string,
    signal: AbortSignal,
    read: (answer: HttpAnswer) => Answer,
  ): Promise<Redirect<Answer>> {
    const ask = async (method: "HEAD" | "GET") => {
      const bodyLimit = () => OTHER_LIMIT;
      const timeLimit = this.#requestTimeout;
      const answer = await this.#connection.send({ method, uri, timeLimit, bodyLimit, signal });
      return { answer: read(answer), words: errorIn(answer.body) };
    };
    const first = await ask(this.#method);
    const { kind } = first.answer;
    if (this.#method === "GET" || !["method-not-allowed", "refused", "none"].includes(kind)) return first;
    // Where credentials are wanted, another method needs the same, and some servers count wrong ones.
    if (first.answer.kind === "refused" && [401, 407].includes(first.answer.status)) return first;
    const second = await ask("GET");
    const better = ["build", "evaluation", "renamed"].includes(second.answer.kind);
    // One refusal may be a passing fault; a second that GET does not meet is a matter of the method.
    if (kind === "refused" && better) this.#headRefusals += 1;
    if (kind === "method-not-allowed" || this.#headRefusals > 1) {
      this.#method = "GET";
      this.#report({
        name: "poll",
        level: "debug",
        message: `HEAD is not allowed by ${new URL(uri).origin}; polling with GET from now on.`,
      });
    }
    return second;
  }
}
