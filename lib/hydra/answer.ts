/**
 * What an answer of Hydra means, decided from its status and headers alone.
 *
 * Of a `Location` only the end of the path is read, and nothing else of it is ever followed. Hydra builds it from Host
 * and X-Forwarded-*, so behind a proxy that is not set up rightly it names another host, or http in place of https.
 */
import type { JobName } from "./job_uri.ts";
import { isPathSegment } from "./path_segment.ts";
import { retryAfter } from "./retry_after.ts";

/** The parts of an answer that decisions are made from. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
}

/** An answer that is not the one that was asked for, whatever was asked. */
export type NegativeAnswer =
  /** The method is not allowed: 405 or 501. */
  | { readonly kind: "method-not-allowed" }
  /** 401, 403 or 407. */
  | { readonly kind: "refused"; readonly status: number }
  /** 404 or 410: there is nothing to answer with. */
  | { readonly kind: "none" }
  /** A fault of the server that may pass: 408, 429 or 5xx. `retryAfter` is in milliseconds. */
  | { readonly kind: "failed"; readonly status: number; readonly retryAfter: number | undefined }
  /** A redirect to what is neither a build nor a job. */
  | { readonly kind: "led-away"; readonly status: number; readonly location: string | null }
  /** A status that makes no sense here. */
  | { readonly kind: "unusable"; readonly status: number };

/** What an answer to `GET` or `HEAD .../latest` means. */
export type LatestAnswer =
  /** 302 to `/build/ID`. */
  | { readonly kind: "build"; readonly id: number }
  /** 301 to another job: its jobset was renamed. The names are legal segments of a path. */
  | { readonly kind: "renamed"; readonly name: JobName; readonly location: string }
  | NegativeAnswer;

/** What an answer to `GET` or `HEAD /jobset/PROJECT/JOBSET/latest-eval` means. */
export type EvaluationAnswer =
  /** 302 to `/eval/ID`. */
  | { readonly kind: "evaluation"; readonly id: number }
  | NegativeAnswer;

/** What an answer to `GET` of a document, such as `/build/ID`, means. */
export type DocumentAnswer = { readonly kind: "document" } | NegativeAnswer;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

// 15 digits always fit into the 53 bits of a safe integer; Hydra's ids have 31 bits.
const BUILD_PATH = /(?:^|\/)build\/([1-9][0-9]{0,14})$/;
const EVALUATION_PATH = /(?:^|\/)eval\/([1-9][0-9]{0,14})$/;
const JOB_PATH = /(?:^|\/)job\/([^/]+)\/([^/]+)\/([^/]+)\/(?:latest|latest-finished|latest-for(?:\/[^/]+)?)$/;

/**
 * Reads the answer to a poll.
 *
 * A renamed job is told by its names only. Its selector must be taken from the own job URI: on the way from the old
 * name to the new one Hydra turns `latest-for/SYSTEM` into `latest-for`.
 */
export function readLatestAnswer(head: AnswerHead): LatestAnswer {
  const location = REDIRECTS.has(head.status) ? head.headers.get("location") : null;
  if (location === null) return readNegative(head);
  const path = pathOf(location);
  const id = BUILD_PATH.exec(path)?.[1];
  if (id !== undefined) return { kind: "build", id: Number(id) };
  const [, project, jobset, job] = JOB_PATH.exec(path) ?? [];
  if (project !== undefined && jobset !== undefined && job !== undefined) {
    const name: JobName = { project, jobset, job };
    if ([project, jobset, job].every(isPathSegment)) return { kind: "renamed", name, location };
  }
  return { kind: "led-away", status: head.status, location };
}

/** Reads the answer to a request for the newest finished evaluation. */
export function readEvaluationAnswer(head: AnswerHead): EvaluationAnswer {
  const location = REDIRECTS.has(head.status) ? head.headers.get("location") : null;
  const id = EVALUATION_PATH.exec(pathOf(location ?? ""))?.[1];
  return id === undefined ? readNegative(head) : { kind: "evaluation", id: Number(id) };
}

/** Reads the head of the answer to a request for a document. */
export function readDocumentAnswer(head: AnswerHead): DocumentAnswer {
  return head.status === 200 ? { kind: "document" } : readNegative(head);
}

/** The path of a `Location`, whatever stands before and behind it. */
function pathOf(location: string): string {
  return location.replace(/[?#].*$/s, "").replace(/^(?:[A-Za-z][A-Za-z0-9+.-]*:)?\/\/[^/]*/, "");
}

function readNegative({ status, headers }: AnswerHead): NegativeAnswer {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return { kind: "refused", status };
    case 404:
    case 410:
      return { kind: "none" };
    case 405:
    case 501:
      return { kind: "method-not-allowed" };
  }
  if (REDIRECTS.has(status)) return { kind: "led-away", status, location: headers.get("location") };
  if (status === 408 || status === 429 || (status >= 500 && status <= 599)) {
    return { kind: "failed", status, retryAfter: retryAfter(headers) };
  }
  return { kind: "unusable", status };
}
