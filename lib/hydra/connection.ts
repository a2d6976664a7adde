/**
 * The connection to a Hydra that many services share: one HTTP client, one session, one queue. It keeps a Hydra from
 * being asked by all of them at once, and leaves it alone for all of them when it asks one of them for that.
 */
import type { Clock } from "../time/clock.ts";
import { Turns } from "../time/turns.ts";
import type { BuildsSummary } from "../gates/evaluations.ts";
import { basicAuthorization, type BasicCredentials } from "./basic_authorization.ts";
import { type Certificates, NO_CERTIFICATES } from "./certificates.ts";
import { createHttp, type Http, type HttpAnswer, type HttpRequest } from "./http.ts";
import { HttpFault } from "./http_fault.ts";
import { HydraFailures } from "./hydra_failures.ts";
import type { JobUri } from "./job_uri.ts";
import { retryAfter } from "./retry_after.ts";
import { SESSION_COOKIE, sessionIn } from "./session_cookie.ts";
import { Sparingly } from "./sparingly.ts";
import { takeTurn } from "./take_turn.ts";

/** So many requests are under way to one Hydra at once. */
const AT_ONCE = 4;

/**
 * A request that takes longer, or a quarter of its time limit, does not count any more, in milliseconds: it hangs, and the
 * others need not wait for it.
 */
const PATIENCE = 10_000;

/**
 * So many are under way at the most, those that hang included: what is slow must not be given more and more to do.
 */
const AT_ONCE_MOST = 16;

/**
 * A Hydra that has not answered yet, or has asked to be left alone, is sent one request at a time, unless it takes longer
 * than this to answer; in milliseconds. So there is one session, and a Hydra that comes back is not met by a crowd.
 */
const TRIAL_PATIENCE = 1_000;

/** What is left of a wait and is shorter counts as over, in milliseconds: timers are not more exact than that. */
const SLACK = 100;

/** A session is not thrown away for a refusal more often, in milliseconds: what is refused may be one service's fault. */
const SESSION_KEPT = 10 * 60_000;

/** So many sessions are remembered as what must not be shown. */
const SESSIONS_HIDDEN = 8;

/** What {@linkcode Connections} needs. */
export interface ConnectionsOptions {
  /** The version of hail, for `User-Agent`. */
  readonly version: string;
  readonly clock: Clock;
  /** A longer Retry-After is taken for a mistake and counts as this much, in milliseconds. */
  readonly longestQuiet: number;
  /**
   * Makes the client that sends.
   *
   * @default createHttp
   */
  readonly connect?: (certificates: Certificates) => Http & { close(): void };
}

/** One request over a connection. */
export interface Exchange {
  readonly method: HttpRequest["method"];
  readonly uri: string;
  /** How long it may take to the last byte of its answer, from when it is sent, in milliseconds. */
  readonly timeLimit: number;
  /** How long it may wait until it is sent; as long as `timeLimit` where that is not said. */
  readonly waitLimit?: number;
  readonly bodyLimit: HttpRequest["bodyLimit"];
  readonly take?: NonNullable<HttpRequest["take"]>;
  /** Called when it is sent. */
  readonly onSent?: () => void;
  readonly signal: AbortSignal;
}

/** A Hydra asked to be left alone, and this request was not sent. */
class LeftAlone extends Error {
  override readonly name = "LeftAlone";
  readonly status: number;
  readonly rest: number;

  constructor(status: number, rest: number) {
    super(`left alone for another ${rest} ms`);
    this.status = status;
    this.rest = rest;
  }
}

/** What is shared: made for the first service, closed after the last one. */
interface Shared {
  readonly base: string;
  readonly credentials: BasicCredentials | null;
  readonly certificates: Certificates;
  readonly line: Line;
  services: number;
}

/** The connections of one process to all of its Hydras. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #shared = new Set<Shared>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /**
   * Connects a service. Services of the same Hydra with the same credentials and certificates share what there is to
   * share. Nothing is sent.
   *
   * @param jobUri The job of the service.
   * @param credentials Sent as HTTP Basic to the origin of the job URI, and nowhere else.
   * @param certificates The authorities to trust beside those that Deno trusts.
   * @returns To be closed when the service ends, once none of its requests is under way.
   * @throws {Failure} `netrc-unusable` if the login has a colon, which HTTP Basic cannot carry; `usage` if none of the
   * certificates can be read.
   */
  to(
    jobUri: JobUri,
    credentials: BasicCredentials | null,
    certificates: Certificates = NO_CERTIFICATES,
  ): Connection {
    const authorization = credentials === null ? null : basicAuthorization(jobUri, credentials);
    let shared = [...this.#shared].find((one) =>
      one.base === jobUri.base && sameCredentials(one.credentials, credentials) &&
      sameCertificates(one.certificates, certificates)
    );
    if (shared === undefined) {
      const http = (this.#options.connect ?? createHttp)(certificates);
      const line = new Line(http, authorization, this.#options);
      shared = { base: jobUri.base, credentials, certificates, line, services: 0 };
      this.#shared.add(shared);
    }
    const { line } = shared;
    const joined = shared;
    joined.services++;
    // What the job URI shows anyway, such as a password that is also the name of the job, is not hidden elsewhere.
    const secrets = [credentials?.password ?? "", authorization?.slice("Basic ".length) ?? ""]
      .filter((secret) => secret !== "" && !jobUri.text.includes(secret));
    const failures = new HydraFailures(
      new URL(jobUri.origin).hostname,
      credentials !== null,
      () => [...secrets, ...line.sessions],
    );
    return new Connection(jobUri, line, failures, () => {
      if (--joined.services > 0) return;
      this.#shared.delete(joined);
      line.close();
    });
  }
}

/** A service's hold on the connection to its Hydra. */
export class Connection implements Disposable {
  /** Words the failures of this service's requests. */
  readonly failures: HydraFailures;
  readonly #jobUri: JobUri;
  readonly #line: Line;
  #leave: (() => void) | null;

  /** Made by {@linkcode Connections.to}. */
  constructor(jobUri: JobUri, line: Line, failures: HydraFailures, leave: () => void) {
    this.failures = failures;
    this.#jobUri = jobUri;
    this.#line = line;
    this.#leave = leave;
  }

  /**
   * Waits for its turn, sends a request, and waits for its answer, whatever its status.
   *
   * @throws {Failure} `hydra-unreachable`, `hydra-timeout`; `hydra-failed` with `retryAfter`, without a request, where
   * Hydra has asked to be left alone.
   * @throws The reason of the signal, as it is, if that is what ended the request.
   */
  async send(exchange: Exchange): Promise<HttpAnswer> {
    const { uri } = exchange;
    const { base, origin } = this.#jobUri;
    // The only place that sends anything, so that credentials and cookie cannot go astray.
    if (!uri.startsWith(`${base}/`) || new URL(uri).origin !== origin) {
      throw new Error("a request would leave the origin of the job URI");
    }
    return await this.#worded(uri, () => this.#line.send(exchange));
  }

  /**
   * Asks for many builds, which is heavy for a Hydra: one at a time, and what was asked a while ago is answered from
   * memory, for all services.
   *
   * @param uri Where they are asked for.
   * @param waitLimit How long to wait for the turn at the most, in milliseconds.
   * @param ask Asks, and calls `sent` when the request goes out.
   * @throws {Failure} `hydra-timeout` if its turn did not come; what `ask` throws.
   */
  async sparingly(
    uri: string,
    waitLimit: number,
    signal: AbortSignal,
    ask: (sent: () => void) => Promise<BuildsSummary | null>,
  ): Promise<BuildsSummary | null> {
    return await this.#worded(uri, () => this.#line.heavy.ask(uri, waitLimit, signal, ask));
  }

  /** Gives the connection up. */
  close(): void {
    this.#leave?.();
    this.#leave = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #worded<T>(uri: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof HttpFault) throw this.failures.fault(uri, error);
      if (error instanceof LeftAlone) throw this.failures.leftAlone(uri, error.status, error.rest);
      throw error;
    }
  }
}

/** The line to one Hydra: what its services share. */
class Line {
  readonly heavy: Sparingly<BuildsSummary | null>;
  readonly #http: Http & { close(): void };
  readonly #clock: Clock;
  readonly #longestQuiet: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #turns: Turns;
  /** The sessions of late, the present one last. */
  #sessions: readonly string[] = [];
  #session: string | null = null;
  #droppedAt = -Infinity;
  /** Whether it is sent one request at a time. */
  #onTrial = true;
  /** Until when it is left alone, by the clock that never jumps, and the status with which it asked for that. */
  #quiet: { readonly until: number; readonly status: number } | null = null;

  constructor(http: Http & { close(): void }, authorization: string | null, options: ConnectionsOptions) {
    const { version, clock, longestQuiet } = options;
    this.#http = http;
    this.#clock = clock;
    this.#longestQuiet = longestQuiet;
    this.#headers = {
      "accept": "application/json",
      "user-agent": `hail/${version}`,
      ...(authorization === null ? {} : { authorization }),
    };
    this.#turns = new Turns(clock, {
      width: () => this.#onTrial ? 1 : AT_ONCE,
      patience: () => this.#onTrial ? TRIAL_PATIENCE : PATIENCE,
      most: AT_ONCE_MOST,
    });
    this.heavy = new Sparingly(clock);
  }

  /** What must not be shown. */
  get sessions(): readonly string[] {
    return this.#sessions;
  }

  close() {
    this.#http.close();
  }

  async send({ method, uri, timeLimit, waitLimit, bodyLimit, take, onSent, signal }: Exchange) {
    this.#refuseWhileQuiet();
    const endTurn = await takeTurn(this.#turns, waitLimit ?? timeLimit, signal);
    try {
      // It may have asked for it while this request waited.
      this.#refuseWhileQuiet();
      onSent?.();
      const session = this.#session;
      const headers = session === null
        ? this.#headers
        : { ...this.#headers, cookie: `${SESSION_COOKIE}=${session}` };
      const request = { method, uri, headers, timeLimit, bodyLimit, signal };
      const answer = await this.#http.exchange(take === undefined ? request : { ...request, take });
      this.#keepSession(answer, session);
      this.#listen(answer);
      return answer;
    } finally {
      endTurn();
    }
  }

  #refuseWhileQuiet() {
    if (this.#quiet === null) return;
    const rest = this.#quiet.until - this.#clock.monotonic();
    if (rest > SLACK) throw new LeftAlone(this.#quiet.status, Math.ceil(rest));
    this.#quiet = null;
  }

  #listen({ status, headers }: HttpAnswer) {
    const wait = status === 429 || status === 503 ? retryAfter(headers) ?? 0 : 0;
    if (wait > 0) {
      this.#onTrial = true;
      const until = this.#clock.monotonic() + Math.min(wait, this.#longestQuiet);
      if (until > (this.#quiet?.until ?? 0)) this.#quiet = { until, status };
    } else if (this.#quiet === null) this.#onTrial = false;
  }

  #keepSession({ status, headers }: HttpAnswer, sent: string | null) {
    if (status === 401 || status === 403) {
      const now = this.#clock.monotonic();
      if (sent === null || sent !== this.#session || now - this.#droppedAt < SESSION_KEPT) return;
      this.#droppedAt = now;
      this.#session = null;
      return;
    }
    const session = sessionIn(headers.getSetCookie());
    if (session === null || session === this.#session) return;
    // Of requests that were sent together without one, the first answer counts.
    if (sent !== this.#session) return;
    this.#session = session;
    this.#sessions = [...this.#sessions.filter((one) => one !== session), session].slice(-SESSIONS_HIDDEN);
  }
}

function sameCredentials(one: BasicCredentials | null, other: BasicCredentials | null): boolean {
  return one?.login === other?.login && one?.password === other?.password;
}

function sameCertificates(one: Certificates, other: Certificates): boolean {
  return one === other || (one.file === other.file && one.pem.length === other.pem.length &&
    one.pem.every((pem, at) => pem === other.pem[at]));
}
