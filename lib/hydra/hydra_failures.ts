/** How the failures of talking to Hydra are worded: the thing, the cause, the next step, and never a secret. */
import { Failure, type FailureCode } from "../failure/failure.ts";
import type { NegativeAnswer } from "./answer.ts";
import type { Objection } from "./build_answer.ts";
import type { HttpFault, HttpFaultKind } from "./http_fault.ts";
import { holdsSecret, quotable, WITHHELD } from "./own_words.ts";
import { redactUri } from "./redact_uri.ts";

const RIGHT_URI = "Check that job-uri leads to a Hydra, not to something in front of it.";
const RETRIED =
  "It is asked again later; if it stays like this, look at the log of Hydra and of any proxy before it.";
const PRIVATE =
  "This Hydra is private, and Hydra itself ignores passwords: have it let this host read without " +
  "signing in, or put a proxy in front of it that asks for HTTP Basic and is itself let in.";

/** What can be asked for. */
export type Asked = "job" | "build" | "evaluation" | "jobset";

const GONE_NEXT: Readonly<Record<Asked, string>> = {
  "job": "Check the names in job-uri; where they are right, no build of the job has succeeded yet.",
  "build": "It may have been deleted in Hydra; the next poll tells.",
  "evaluation": "It may have been deleted in Hydra; the next poll tells.",
  "jobset": "Check the names in job-uri.",
};

const FAULT_NEXT: Readonly<Record<HttpFaultKind, string>> = {
  "time-limit": "Hydra may be slow: raise the time limit for requests, or look at its load.",
  "name": "Check the host name in job-uri and this host's DNS.",
  "network": "Check this host's network: its addresses, its routes, and whether it is up at all.",
  "connect": "Check that Hydra is up, that the port in job-uri is right, and that no firewall is between.",
  "certificate":
    "If it is signed by an authority of your own, name a file with that authority's certificate in " +
    "NIX_SSL_CERT_FILE or SSL_CERT_FILE; otherwise look at the server's certificate and at this host's clock.",
  "tls": "Check whether job-uri should say http:// or name another port.",
  "proxy": "Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY in hail's environment.",
  "cut": RETRIED,
  "malformed": "Check that job-uri names the port of an HTTP server.",
  "other": RETRIED,
};

/** Words failures about one Hydra. */
export class HydraFailures {
  readonly #host: string;
  readonly #hasCredentials: boolean;
  readonly #secrets: () => readonly string[];

  /**
   * @param host The host of the job URI.
   * @param hasCredentials Whether requests carry credentials.
   * @param secrets What must not be seen in any text, at this moment.
   */
  constructor(host: string, hasCredentials: boolean, secrets: () => readonly string[]) {
    this.#host = host;
    this.#hasCredentials = hasCredentials;
    this.#secrets = secrets;
  }

  /** Text from the other side, fit to be shown. */
  quote(text: string): string {
    return quotable(text, this.#secrets());
  }

  /** There was no answer. */
  fault(uri: string, fault: HttpFault): Failure {
    const code = fault.kind === "time-limit" ? "hydra-timeout" : "hydra-unreachable";
    const details = fault.details === null ? "" : ` (${this.quote(fault.details)})`;
    const more = fault.unnoticed ? { cause: fault, unnoticed: true } : { cause: fault };
    return this.#failure(code, uri, fault.message + details, FAULT_NEXT[fault.kind], more);
  }

  /**
   * There was an answer, and it is a no.
   *
   * @param asked What was asked for; a job stands for the latest build of it.
   * @param words What Hydra itself said, or `null`.
   */
  negative(uri: string, asked: Asked, answer: NegativeAnswer, words: string | null): Failure {
    const said = words === null ? "" : ` and says: ${this.quote(words)}`;
    switch (answer.kind) {
      case "refused":
        return this.#failure(
          "hydra-refused",
          uri,
          `it refuses with ${answer.status}${said}`,
          this.#letIn(answer.status, words),
        );
      case "none":
        return this.#failure(
          "hydra-no-build",
          uri,
          `${asked === "job" ? "it has no build" : `there is no such ${asked}`}${
            said === "" ? " (404)" : said
          }`,
          GONE_NEXT[asked],
        );
      case "failed":
        return this.#failure(
          "hydra-failed",
          uri,
          `it fails with ${answer.status}${said}`,
          RETRIED,
          answer.retryAfter === undefined ? {} : { retryAfter: answer.retryAfter },
        );
      case "led-away":
        return this.#failure(
          "hydra-unusable",
          uri,
          `it redirects (${answer.status}) ${this.#to(answer.location)}, where there is no ${asked}`,
          `Perhaps it is a login page. ${RIGHT_URI}`,
        );
      case "method-not-allowed":
        return this.#failure("hydra-unusable", uri, `it does not allow GET${said}`, RIGHT_URI);
      case "unusable":
        return this.#failure(
          "hydra-unusable",
          uri,
          `it answers ${answer.status}, which Hydra does not for ${
            asked === "evaluation" ? "an" : "a"
          } ${asked}${said}`,
          answer.status === 200 ? `Perhaps it is a login page. ${RIGHT_URI}` : RIGHT_URI,
        );
    }
  }

  /**
   * It was not asked, since it has asked to be left alone.
   *
   * @param status The status with which it did that.
   * @param rest How long it is left alone from now on, in milliseconds.
   */
  leftAlone(uri: string, status: number, rest: number): Failure {
    return this.#failure(
      "hydra-failed",
      uri,
      `it failed with ${status} and asked to be left alone for a while, so it is`,
      RETRIED,
      { retryAfter: rest },
    );
  }

  /** Renamed jobsets lead in a circle, or too far. */
  circle(uri: string, hops: number): Failure {
    return this.#failure(
      "hydra-unusable",
      uri,
      `it redirects from job to job without an end (given up after ${hops})`,
      "Look at the names of the jobset in Hydra, and put the right one into job-uri.",
    );
  }

  /** The job redirects to the same job, by its path. */
  toItself(uri: string, location: string): Failure {
    return this.#failure(
      "hydra-unusable",
      uri,
      `it redirects ${this.#to(location)}, which is the same job at this or another origin`,
      "hail leaves the origin of job-uri for no redirect: if that address is right, put it into job-uri.",
    );
  }

  /** Whether the URI would show a secret. */
  wouldShow(uri: string): boolean {
    return holdsSecret(uri, this.#secrets());
  }

  /** The job was renamed to what cannot be shown. */
  showing(uri: string): Failure {
    return this.#failure(
      "hydra-unusable",
      uri,
      "it redirects to a job whose name repeats the credentials",
      RIGHT_URI,
    );
  }

  /** The answer is not JSON. */
  wrongType(uri: string, type: string | null): Failure {
    const what = type === null ? "an answer without a type" : `'${this.quote(type)}'`;
    return this.#failure(
      "hydra-unusable",
      uri,
      `it answers with ${what} in place of JSON`,
      `Perhaps it is a login page. ${RIGHT_URI}`,
    );
  }

  /** The answer is longer than any such answer is. */
  tooLong(uri: string, limit: number): Failure {
    return this.#failure("hydra-unusable", uri, `its answer is longer than ${limit / 1024} KiB`, RIGHT_URI);
  }

  /** The answer is JSON, and not what was asked for. */
  unexpected(uri: string, why: string): Failure {
    return this.#failure("hydra-unusable", uri, why, RIGHT_URI);
  }

  /** The build cannot be deployed. */
  objection(uri: string, { why, said, next }: Objection): Failure {
    return this.#failure(
      "hydra-unusable",
      uri,
      said === undefined ? why : `${why} ${this.quote(said)}`,
      next,
    );
  }

  #letIn(status: number, words: string | null): string {
    if (status === 407) return "Give the proxy's user and password in HTTP_PROXY or HTTPS_PROXY.";
    if (status === 401) {
      return this.#hasCredentials
        ? `Correct the netrc entry for host ${this.#host} (see the setting netrc-file): its login or password was refused.`
        : `Add 'machine ${this.#host} login USER password PASSWORD' to the netrc file (see the setting netrc-file).`;
    }
    if (words !== null && /sign in/i.test(words)) return PRIVATE;
    return "Have whoever runs Hydra, or the proxy before it, let this host in.";
  }

  #to(location: string | null): string {
    if (location === null) return "to nowhere";
    return `to ${holdsSecret(location, this.#secrets()) ? WITHHELD : redactUri(location)}`;
  }

  #failure(
    code: FailureCode,
    what: string,
    why: string,
    next: string,
    more: { cause?: unknown; retryAfter?: number; unnoticed?: boolean } = {},
  ): Failure {
    return new Failure(code, { what, why, next, ...more });
  }
}
