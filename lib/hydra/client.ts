/** The {@linkcode Hydra} port over HTTP: one `HEAD` a poll, one `GET` a build. */
import { DEFAULT_STORE_FOLDER } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { type LatestAnswer, readBuildAnswer, readLatestAnswer } from "./answer.ts";
import { readBuild } from "./build_answer.ts";
import type { Http, HttpAnswer } from "./http.ts";
import { HttpFault } from "./http_fault.ts";
import type { Build, Hydra } from "../deployment/ports.ts";
import { HydraFailures } from "./hydra_failures.ts";
import { buildUri, type JobName, type JobUri, withJob } from "./job_uri.ts";
import { basicAuthorization, type BasicCredentials } from "./basic_authorization.ts";
import { errorIn } from "./own_words.ts";
import { SESSION_COOKIE, sessionIn } from "./session_cookie.ts";

/** What {@linkcode createHydra} needs. */
export interface HydraOptions {
  readonly jobUri: JobUri;
  /** Sent as HTTP Basic to the origin of the job URI, and nowhere else. */
  readonly credentials: BasicCredentials | null;
  /** How long one request may take to the last byte of its answer, in milliseconds. */
  readonly requestTimeout: number;
  readonly http: Http;
  readonly report: Report;
  /** The version of hail, for `User-Agent`. */
  readonly version: string;
  /**
   * The store folder that outputs must lie in.
   *
   * @default "/nix/store"
   */
  readonly storeFolder?: string;
}

/** How many renames are followed in one poll: more than one is rare, and more than a few are a loop. */
const HOPS_MAX = 3;

/** A build's JSON has about a kilobyte, plus 250 bytes for each of its products. */
const BUILD_LIMIT = 1024 * 1024;

/** Enough for every redirect page and error of Hydra; what is longer is not read on. */
const OTHER_LIMIT = 64 * 1024;

/**
 * Makes a client for one job of a Hydra.
 *
 * @throws {Failure} `netrc-unusable` if the login has a colon, which HTTP Basic cannot carry.
 */
export function createHydra(options: HydraOptions): Hydra {
  return new HydraClient(options);
}

class HydraClient implements Hydra {
  readonly #options: HydraOptions;
  readonly #failures: HydraFailures;
  readonly #headers: Readonly<Record<string, string>>;
  /** Where the job is since its jobset was renamed. */
  #moved: JobUri | null = null;
  /** The new URI that the operator was warned of last. */
  #warned: string | null = null;
  #method: "HEAD" | "GET" = "HEAD";
  /** How often HEAD was refused where GET was not. */
  #headRefusals = 0;
  /** The session to send, and the one that was sent last. */
  #session: string | null = null;
  #sent: string | null = null;

  constructor(options: HydraOptions) {
    const { jobUri, credentials, version } = options;
    const authorization = credentials === null ? null : basicAuthorization(jobUri, credentials);
    this.#options = options;
    this.#headers = {
      "accept": "application/json",
      "user-agent": `hail/${version}`,
      ...(authorization === null ? {} : { authorization }),
    };
    // What the job URI shows anyway, such as a password that is also the name of the job, is not hidden elsewhere.
    const secrets = [credentials?.password ?? "", authorization?.slice("Basic ".length) ?? ""]
      .filter((secret) => secret !== "" && !jobUri.text.includes(secret));
    this.#failures = new HydraFailures(
      new URL(jobUri.origin).hostname,
      credentials !== null,
      () => [...secrets, ...[this.#session, this.#sent].filter((session) => session !== null)],
    );
  }

  async latest(signal: AbortSignal): Promise<number> {
    let job = this.#moved ?? this.#options.jobUri;
    const seen = new Set<string>();
    for (;;) {
      seen.add(job.text);
      const { answer, words } = await this.#poll(job, signal);
      if (answer.kind === "build") {
        this.#moved = job.text === this.#options.jobUri.text ? null : job;
        return answer.id;
      }
      if (answer.kind !== "renamed") {
        // The name may be given back, or away: the next poll begins where the operator said.
        if (answer.kind === "none") this.#moved = null;
        throw this.#failures.negative(job.text, "job", answer, words);
      }
      const next = this.#renamed(job, answer.name, answer.location);
      if (seen.has(next.text) || seen.size > HOPS_MAX) {
        this.#moved = null;
        throw this.#failures.circle(job.text, seen.size);
      }
      job = next;
    }
  }

  async build(id: number, signal: AbortSignal): Promise<Build> {
    const uri = buildUri(this.#options.jobUri, id);
    const exchange = await this.#request(
      "GET",
      uri,
      signal,
      (status) => status === 200 ? BUILD_LIMIT : OTHER_LIMIT,
    );
    const answer = readBuildAnswer(exchange);
    if (answer.kind !== "document") {
      throw this.#failures.negative(uri, "build", answer, errorIn(exchange.body));
    }
    const type = exchange.headers.get("content-type");
    if (!/^application\/json\s*(?:;|$)/i.test(type ?? "")) throw this.#failures.wrongType(uri, type);
    if (exchange.body === null) throw this.#failures.tooLong(uri, BUILD_LIMIT);
    const build = readBuild(exchange.body, id, this.#options.storeFolder ?? DEFAULT_STORE_FOLDER);
    if ("why" in build) throw this.#failures.objection(uri, build);
    return { ...build, name: this.#failures.quote(build.name) };
  }

  /** One question and, where `HEAD` gives no answer or no reason, once more with `GET`. */
  async #poll(job: JobUri, signal: AbortSignal): Promise<{ answer: LatestAnswer; words: string | null }> {
    const ask = async (method: "HEAD" | "GET") => {
      const exchange = await this.#request(method, job.text, signal, () => OTHER_LIMIT);
      return { answer: readLatestAnswer(exchange), words: errorIn(exchange.body) };
    };
    const first = await ask(this.#method);
    const { kind } = first.answer;
    if (this.#method === "GET" || !["method-not-allowed", "refused", "none"].includes(kind)) return first;
    // Where credentials are wanted, another method needs the same, and some servers count wrong ones.
    if (first.answer.kind === "refused" && [401, 407].includes(first.answer.status)) return first;
    const second = await ask("GET");
    const better = second.answer.kind === "build" || second.answer.kind === "renamed";
    // One refusal may be a passing fault; a second that GET does not meet is a matter of the method.
    if (kind === "refused" && better) this.#headRefusals += 1;
    if (kind === "method-not-allowed" || this.#headRefusals > 1) {
      this.#method = "GET";
      this.#options.report({
        name: "poll",
        level: "debug",
        message: `HEAD is not allowed by ${this.#options.jobUri.origin}; polling with GET from now on.`,
      });
    }
    return second;
  }

  #renamed(job: JobUri, name: JobName, location: string): JobUri {
    const next = withJob(this.#options.jobUri, name);
    if (next.text === job.text) throw this.#failures.toItself(job.text, location);
    if (this.#failures.wouldShow(next.text)) throw this.#failures.showing(job.text);
    if (this.#warned !== next.text) {
      this.#warned = next.text;
      this.#options.report({
        name: "job-renamed",
        level: "warning",
        message:
          `Hydra says that ${job.text} is now ${next.text}; following it. Put the new URI into --job-uri.`,
        fields: { job_uri: job.text, new_job_uri: next.text },
      });
    }
    return next;
  }

  /** The only place that sends anything, so that credentials and cookie cannot go astray. */
  async #request(
    method: "HEAD" | "GET",
    uri: string,
    signal: AbortSignal,
    bodyLimit: (status: number) => number,
  ): Promise<HttpAnswer> {
    const { jobUri, http, requestTimeout } = this.#options;
    if (!uri.startsWith(`${jobUri.base}/`) || new URL(uri).origin !== jobUri.origin) {
      throw new Error("a request would leave the origin of the job URI");
    }
    const headers = this.#session === null
      ? this.#headers
      : { ...this.#headers, cookie: `${SESSION_COOKIE}=${this.#session}` };
    this.#sent = this.#session;
    try {
      const answer = await http.exchange({
        method,
        uri,
        headers,
        timeLimit: requestTimeout,
        bodyLimit,
        signal,
      });
      this.#keepSession(answer);
      return answer;
    } catch (error) {
      throw error instanceof HttpFault ? this.#failures.fault(uri, error) : error;
    }
  }

  #keepSession({ status, headers }: HttpAnswer) {
    if (status === 401 || status === 403) this.#session = null;
    else this.#session = sessionIn(headers.getSetCookie()) ?? this.#session;
  }
}
