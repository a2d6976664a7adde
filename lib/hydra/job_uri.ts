/**
 * The URI of a Hydra job, as given with `--job-uri`.
 *
 * `new URL` repairs what it is given: it resolves `..` and `%2e%2e`, turns backslashes into slashes and drops
 * tabs and line ends. A repaired URI would lead elsewhere than its text says, so the text is checked first
 * and refused, never repaired. Only the scheme and the host are normalised (lower case, no default port).
 */
import { Failure } from "../failure/failure.ts";
import { isPathSegment } from "./path_segment.ts";
import { redactUri } from "./redact_uri.ts";

/** A job of a Hydra, and how its latest build is asked for. */
export interface JobUri {
  /** The URI to poll, in full. `new URL` leaves it as it is. */
  readonly text: string;
  /** The origin: credentials go here and nowhere else. */
  readonly origin: string;
  /** The origin and the base path of the Hydra, without a slash at its end. */
  readonly base: string;
  /** The project, with its percent-encoding as typed; so are the jobset and the job. */
  readonly project: string;
  readonly jobset: string;
  readonly job: string;
  /** `latest`, `latest-finished` or `latest-for/SYSTEM`. */
  readonly selector: string;
}

/** The parts that name a job, percent-encoded. */
export type JobName = Pick<JobUri, "project" | "jobset" | "job">;

/** Longer than any URI that Hydra and the proxies before it would take. */
const LENGTH_MAX = 4096;

const EXAMPLE = "https://hydra.example.org/job/PROJECT/JOBSET/JOB";
const WRITE_IT_LIKE =
  `Write it like ${EXAMPLE}, or with /latest, /latest-finished or /latest-for/SYSTEM at its end.`;
const USE_NETRC = "Take them out of the URI and put them in a netrc file: " +
  "machine HOST login USER password PASSWORD (see the setting netrc-file). An @ that belongs to a path is written %40.";

/**
 * Reads the URI of a job: `http` or `https`, a host, any base path, `/job/PROJECT/JOBSET/JOB`, and then a
 * selector, which is `/latest`, `/latest-finished` or `/latest-for/SYSTEM`. Without a selector, `/latest` is
 * added. One slash at the end is tolerated.
 *
 * A selector at the end is always read as one: a job that is itself called `latest` is written
 * `.../latest/latest`.
 *
 * @throws {Failure} `usage`, with a message that shows no password, if the text is no such URI; if it has a
 * user or a password, a query or a fragment; or if it has control characters, white space, empty or dot
 * segments, or anything else that a path may hold only percent-encoded.
 */
export function parseJobUri(text: string): JobUri {
  const refuse = (why: string, next = WRITE_IT_LIKE): never => {
    throw new Failure("usage", { what: `job URI ${redactUri(text)}`, why, next });
  };
  if (text === "") return refuse("it is empty");
  if (text.length > LENGTH_MAX) return refuse(`it is longer than ${LENGTH_MAX} characters`);
  if (/[\0-\x20\x7f-\xa0\u2028\u2029\ufeff]/.test(text)) {
    return refuse("it has white space or control characters in it");
  }
  if (text.includes("\\")) return refuse("it has a backslash in it");

  const match = /^([^:/?#]*):\/\/([^/?#]*)([^?#]*)(.*)$/.exec(text);
  const [, scheme = "", authority = "", path = "", behind = ""] = match ?? [];
  if (!/^https?$/i.test(scheme)) return refuse("it does not begin with http:// or https://");
  // A password with `/`, `?` or `#` in it ends the authority too early: an `@` anywhere is taken for a
  // password's end.
  if (text.includes("@")) {
    return refuse("it has a user or a password in it, which others could read", USE_NETRC);
  }
  if (authority === "") return refuse("it has no host");
  const origin = originOf(scheme, authority);
  if (origin === null) {
    return refuse("its host or port is not valid (an international name is written as xn--...)");
  }
  if (behind !== "") {
    return refuse(`it has a ${behind.startsWith("?") ? "query" : "fragment"} behind the job`);
  }

  const segments = path.split("/").slice(1);
  if (segments.at(-1) === "") segments.pop();
  if (segments.includes("")) return refuse("it has an empty segment (two slashes in a row)");
  const wrong = segments.find((segment) => !isPathSegment(segment));
  if (wrong !== undefined) {
    return refuse(
      /^(\.|%2e){1,2}$/i.test(wrong)
        ? "it has a segment that is . or .."
        : "it has characters in its path that must be percent-encoded, or percent-encoded control characters",
    );
  }

  const selector = selectorOf(segments);
  if (selector !== null) segments.splice(segments.length - selector.split("/").length);
  const [marker, project, jobset, job] = segments.slice(-4);
  if (marker !== "job" || project === undefined || jobset === undefined || job === undefined) {
    if (segments.at(-1) === "latest-for") return refuse("SYSTEM is missing behind /latest-for");
    return refuse(
      `/job/PROJECT/JOBSET/JOB is not ${selector === null ? "at its end" : `in front of /${selector}`}`,
    );
  }
  const base = [origin, ...segments.slice(0, -4)].join("/");
  return assemble(origin, base, { project, jobset, job }, selector ?? "latest");
}

/**
 * The web page and the API of a build, on the Hydra of the job.
 *
 * @throws {RangeError} If the id is not a positive integer.
 */
export function buildUri(uri: JobUri, id: number): string {
  if (!Number.isSafeInteger(id) || id < 1) throw new RangeError(`not the id of a build: ${id}`);
  return `${uri.base}/build/${id}`;
}

/**
 * The same question about another job of the same Hydra, for a jobset that was renamed. The selector stays.
 *
 * @throws {Failure} `usage` if a part is not one percent-encoded segment of a path, see `isPathSegment`. A
 * caller that has the parts from the network checks them first, since then the fault is not the operator's.
 */
export function withJob(uri: JobUri, name: JobName): JobUri {
  if (![name.project, name.jobset, name.job].every(isPathSegment)) {
    throw new Failure("usage", {
      what: `job URI ${redactUri(uri.text)}`,
      why: "the new names of its project, jobset and job cannot stand in a path",
      next: WRITE_IT_LIKE,
    });
  }
  return assemble(uri.origin, uri.base, name, uri.selector);
}

/** The same question, or another one, about the same job: `latest` or `latest-finished`. */
export function withSelector(uri: JobUri, selector: "latest" | "latest-finished"): JobUri {
  return assemble(uri.origin, uri.base, uri, selector);
}

/**
 * The API of an evaluation, on the Hydra of the job.
 *
 * @throws {RangeError} If the id is not a positive integer.
 */
export function evaluationUri(uri: JobUri, id: number): string {
  if (!Number.isSafeInteger(id) || id < 1) throw new RangeError(`not the id of an evaluation: ${id}`);
  return `${uri.base}/eval/${id}`;
}

/** The API of the job's jobset. */
export function jobsetUri({ base, project, jobset }: JobUri): string {
  return `${base}/jobset/${project}/${jobset}`;
}

/**
 * The name of a job as a segment of a path.
 *
 * @returns Null if it cannot be one.
 */
export function jobSegment(name: string): string | null {
  if (!name.isWellFormed()) return null;
  const segment = encodeURIComponent(name);
  return isPathSegment(segment) ? segment : null;
}

function assemble(origin: string, base: string, { project, jobset, job }: JobName, selector: string): JobUri {
  const text = `${base}/job/${project}/${jobset}/${job}/${selector}`;
  return { text, origin, base, project, jobset, job, selector };
}

function selectorOf(segments: readonly string[]): string | null {
  const [before, last] = segments.slice(-2);
  if (last === "latest" || last === "latest-finished") return last;
  return before === "latest-for" && last !== undefined ? `latest-for/${last}` : null;
}

/** The normalised origin, or `null` if the authority is not a plain host with perhaps a port. */
function originOf(scheme: string, authority: string): string | null {
  const port = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*\.?)(?::([0-9]{1,5}))?$/.exec(
    authority,
  );
  if (port === null || (port[1] !== undefined && Number(port[1]) === 0)) return null;
  const url = URL.parse(`${scheme}://${authority}/`);
  return url === null || url.hostname === "" ? null : url.origin;
}
