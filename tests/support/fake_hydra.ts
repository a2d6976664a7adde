import { describe, type FakeBuild, isFinished, statusOf, systemOf } from "./fake_build.ts";
import { FakeEvaluations } from "./fake_evaluations.ts";
import { basicAuthorization, type HttpAnswer, type HttpRequest, HttpServer } from "./http_server.ts";

export type { FakeBuild } from "./fake_build.ts";

/** What can be wrong with a Hydra as a whole. */
export type HydraFault =
  /** 500, as the real one answers without its database. */
  | "database-down"
  /** 403: the server is private, and this is nobody. */
  | "private"
  /** Nothing is ever answered. */
  | "hang";

/** A request that a Hydra has received. */
export interface HydraRequest {
  readonly method: string;
  /** The request target as sent. */
  readonly path: string;
  readonly headers: Headers;
  /** What was answered; null if nothing ever is. */
  readonly status: number | null;
}

/** How to serve a Hydra. */
export interface HydraOptions {
  /** Asked for with HTTP Basic, as by a reverse proxy in front of Hydra. */
  readonly credentials?: { readonly login: string; readonly password: string };
}

interface Job {
  readonly builds: Map<number, FakeBuild>;
  latest: number | null;
}

const JSON_TYPE = "application/json";
const HTML_TYPE = "text/html; charset=utf-8";
const NOTHING_BUILT = "There is no successful build to redirect to.";

/**
 * A Hydra look-alike on loopback: it knows `/job/P/J/JOB/latest`, `latest-finished` and `latest-for/SYSTEM`, `/build/ID`
 * and its constituents, and what the gate `jobset` asks of evaluations. Status, headers and texts are those of the answers
 * that were captured from a real Hydra.
 */
export class FakeHydra implements AsyncDisposable {
  #server: HttpServer;
  readonly #authorization: string | null;
  readonly #jobs = new Map<string, Job>();
  readonly #requests: HydraRequest[] = [];
  readonly #evaluations = new FakeEvaluations((id) => {
    const found = this.#find(id);
    return found !== null && isFinished(found.build);
  });
  #sessions = 0;

  /** What is wrong with it now. */
  fault: HydraFault | null = null;
  /** Called with each request, once its answer is decided and before it is sent. */
  onRequest: ((request: HydraRequest) => void) | null = null;

  constructor(options: HydraOptions = {}) {
    this.#authorization = options.credentials === undefined ? null : basicAuthorization(options.credentials);
    this.#server = this.#serve(0);
  }

  get origin(): string {
    return this.#server.origin;
  }

  get port(): number {
    return this.#server.port;
  }

  /** How many connections there were since it was opened. */
  get connections(): number {
    return this.#server.accepted;
  }

  /** How many sessions were made: one for each request without a cookie, or with an unknown one. */
  get sessions(): number {
    return this.#sessions;
  }

  /** What was asked for so far, in order. */
  get requests(): readonly HydraRequest[] {
    return this.#requests;
  }

  /** The URI of a job, given as `PROJECT/JOBSET/JOB`. */
  jobUri(job: string): string {
    return `${this.origin}/job/${job}`;
  }

  /**
   * Makes a build the latest of a job, and with it the job. The earlier builds can still be asked for.
   *
   * @param job As `PROJECT/JOBSET/JOB`.
   */
  setLatest(job: string, build: FakeBuild): void {
    this.#job(job).builds.set(build.id, build);
    this.#job(job).latest = build.id;
  }

  /** Makes a build of a job, and leaves its latest one as it is; or makes another one of the build of this id. */
  setBuild(job: string, build: FakeBuild): void {
    this.#job(job).builds.set(build.id, build);
  }

  /**
   * Makes an evaluation. Its builds are made apart from it.
   *
   * @param jobset As `PROJECT/JOBSET`.
   * @param builds The ids of the builds, by the names of their jobs.
   */
  setEvaluation(jobset: string, id: number, builds: Readonly<Record<string, number>>): void {
    this.#evaluations.set(jobset, id, builds);
  }

  /** Makes the build of an aggregate job hold others. */
  setConstituents(build: number, constituents: readonly number[]): void {
    this.#evaluations.setConstituents(build, constituents);
  }

  /** Says what the newest evaluation of a jobset, given as `PROJECT/JOBSET`, could not evaluate; empty for nothing. */
  setErrors(jobset: string, errors: string): void {
    this.#evaluations.setErrors(jobset, errors);
  }

  /** Makes a job of which no build was successful. */
  addJob(job: string): void {
    this.#job(job);
  }

  /** Stops serving, and cuts all connections. */
  close(): Promise<void> {
    return this.#server.close();
  }

  /** Serves again after {@linkcode FakeHydra.close}, on the same port and with the same jobs. */
  open(): void {
    this.#server = this.#serve(this.port);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #serve(port: number): HttpServer {
    return new HttpServer((request) => {
      const answer = this.#answer(request);
      const status = answer === "hang" ? null : answer.status;
      const received = { method: request.method, path: request.target, headers: request.headers, status };
      this.#requests.push(received);
      this.onRequest?.(received);
      return answer;
    }, port);
  }

  #job(name: string): Job {
    if (name.split("/").length !== 3) {
      throw new TypeError(`Cannot make a job: '${name}' is not PROJECT/JOBSET/JOB`);
    }
    const job = this.#jobs.get(name) ?? { builds: new Map(), latest: null };
    this.#jobs.set(name, job);
    return job;
  }

  #answer(request: HttpRequest): HttpAnswer | "hang" {
    if (this.fault === "hang") return "hang";
    if (this.#authorization !== null && request.headers.get("authorization") !== this.#authorization) {
      // From the proxy, which knows nothing of sessions.
      return { status: 401, headers: [["WWW-Authenticate", 'Basic realm="hydra"']] };
    }
    const session = this.#session(request);
    if (this.fault === "database-down") {
      const error = "DBIx::Class::Storage::DBI::catch {...} (): DBI Connection failed: Connection refused\n";
      return failure(request, 500, error, session, "Content-Type");
    }
    if (this.fault === "private") {
      return failure(request, 403, "This page requires you to sign in.", session, "Content-Type");
    }
    const path = request.target.replace(/\?.*$/, "").replace(/\/$/, "");
    const [, first, ...parts] = path.split("/");
    if (first === "job" && parts.length >= 4) return this.#latest(request, parts, session);
    const evaluated = this.#evaluations.answer(path);
    if (evaluated !== null) {
      if ("to" in evaluated) return moved(requestedOrigin(request, this.origin) + evaluated.to, session);
      if ("error" in evaluated) return failure(request, 404, evaluated.error, session);
      const json = "json" in evaluated ? evaluated.json : evaluated.builds.flatMap((id) => {
        const found = this.#find(id);
        return found === null ? [] : [this.#describe(found.job, found.build)];
      });
      return { status: 200, headers: headers(JSON_TYPE, session), body: JSON.stringify(json) };
    }
    const id = first === "build" && parts.length === 1 ? parts[0] : undefined;
    if (id !== undefined) return this.#build(request, id, session);
    return failure(request, 404, "Page not found.", session);
  }

  #latest(request: HttpRequest, parts: readonly string[], session: string): HttpAnswer {
    const [project = "", jobset = "", name = "", selector, system] = parts;
    const jobsets = [...this.#jobs.keys()].map((job) => job.split("/").slice(0, 2).join("/"));
    if (!jobsets.includes(`${project}/${jobset}`)) {
      return failure(request, 404, `Jobset \u2018${jobset}\u2019 doesn't exist.`, session);
    }
    const job = this.#jobs.get(`${project}/${jobset}/${name}`);
    const build = selector === "latest-finished" ? this.#latestFinished(job) : latestOf(job);
    if (selector === "latest-for") {
      if (system === undefined) {
        return failure(request, 404, "You need to specify a platform type in the URL.", session);
      }
      if (build === undefined || systemOf(build) !== system) {
        const error = `There is no successful build for platform \`${system}' to redirect to.`;
        return failure(request, 404, error, session);
      }
      return moved(`${requestedOrigin(request, this.origin)}/build/${build.id}`, session);
    }
    if ((selector !== "latest" && selector !== "latest-finished") || system !== undefined) {
      return failure(request, 404, "Page not found.", session);
    }
    if (build === undefined) return failure(request, 404, NOTHING_BUILT, session);
    return moved(`${requestedOrigin(request, this.origin)}/build/${build.id}`, session);
  }

  #build(request: HttpRequest, id: string, session: string): HttpAnswer {
    if (!/^[0-9]+$/.test(id)) return failure(request, 500, `Invalid build ID \u2018${id}\u2019.`, session);
    const found = this.#find(Number(id));
    if (found !== null) {
      // The real one answers a HEAD, and anything but a plain wish for JSON, with a page for people.
      if (request.method === "HEAD" || !wantsJson(request)) {
        return { status: 200, headers: headers(HTML_TYPE, session), body: "" };
      }
      const body = JSON.stringify(this.#describe(found.job, found.build));
      return { status: 200, headers: headers(JSON_TYPE, session), body };
    }
    return failure(request, 404, `Build with ID ${id} doesn't exist.`, session);
  }

  /** The newest successful build in an evaluation without unfinished ones; where no evaluations were made, the latest. */
  #latestFinished(job: Job | undefined): FakeBuild | undefined {
    const builds = [...job?.builds.values() ?? []].filter(({ id }) => this.#evaluations.of(id).length > 0);
    if (builds.length === 0) return latestOf(job);
    return builds.filter((build) => statusOf(build) === 0 && this.#evaluations.hasSettled(build.id))
      .toSorted((a, b) => b.id - a.id)[0];
  }

  #find(id: number): { readonly job: string; readonly build: FakeBuild } | null {
    for (const [job, { builds }] of this.#jobs) {
      const build = builds.get(id);
      if (build !== undefined) return { job, build };
    }
    return null;
  }

  #describe(job: string, build: FakeBuild): Record<string, unknown> {
    const evaluations = this.#evaluations.of(build.id);
    return { ...describe(job, build), ...(evaluations.length === 0 ? {} : { jobsetevals: evaluations }) };
  }

  /** The session of the request's cookie, or a new one. */
  #session(request: HttpRequest): string {
    const known = /(?:^|; *)hydra_session=([0-9a-f]{40})(?:;|$)/.exec(request.headers.get("cookie") ?? "")
      ?.[1];
    if (known !== undefined && Number(`0x${known.slice(-8)}`) <= this.#sessions) return known;
    return (++this.#sessions).toString(16).padStart(40, "0");
  }
}

/** Where the client believes Hydra to be, as the real one builds its absolute links. */
function requestedOrigin(request: HttpRequest, origin: string): string {
  const host = request.headers.get("x-forwarded-host") ?? request.headers.get("host");
  const protocol = request.headers.get("x-forwarded-proto") ?? "http";
  return host === null ? origin : `${protocol}://${host}`;
}

function wantsJson(request: HttpRequest): boolean {
  return (request.headers.get("accept") ?? "").trim().toLowerCase().startsWith(JSON_TYPE);
}

function headers(type: string, session: string, vary = "Accept"): [string, string][] {
  const expires = new Date(Date.now() + 7 * 24 * 3600 * 1000).toUTCString();
  return [
    ["Vary", vary],
    ["Content-Type", type],
    [
      "Set-Cookie",
      `hydra_session=${session}; path=/; expires=${cookieDate(expires)}; HttpOnly; SameSite=Lax`,
    ],
  ];
}

/** The date as in a cookie of Catalyst: `Sun, 29-Nov-2026 12:20:12 GMT`. */
function cookieDate(date: string): string {
  return date.replace(/(\d\d) (\w{3}) (\d{4})/, "$1-$2-$3");
}

function moved(location: string, session: string): HttpAnswer {
  const body = `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" \
"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
    <html xmlns="http://www.w3.org/1999/xhtml">
    <head>
    <title>Moved</title>
    </head>
    <body>
   <p>This item has moved <a href="${location}">here</a>.</p>
</body>
</html>
`;
  return { status: 302, headers: [["Location", location], ...headers(HTML_TYPE, session)], body };
}

function failure(
  request: HttpRequest,
  status: number,
  error: string,
  session: string,
  vary?: string,
): HttpAnswer {
  if (request.method === "HEAD") return { status, headers: headers(HTML_TYPE, session, vary) };
  if (wantsJson(request)) {
    return { status, headers: headers(JSON_TYPE, session, vary), body: JSON.stringify({ error }) };
  }
  const body = `<!DOCTYPE html>\n<html lang="en"><head><title>Hydra - ${status}</title></head></html>\n`;
  return { status, headers: headers(HTML_TYPE, session, vary), body };
}

function latestOf(job: Job | undefined): FakeBuild | undefined {
  return job === undefined || job.latest === null ? undefined : job.builds.get(job.latest);
}
