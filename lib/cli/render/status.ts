import type { ServiceRecord } from "../../deployment/record.ts";
import type { OnRemoval } from "../../settings/service.ts";
import type { Page } from "../context.ts";
import { activeDocument, buildDocument, deploymentDocument, versionDocument } from "./documents.ts";
import { type Entry, layOut, paint } from "./layout.ts";
import { jsonTime, moment, momentAndDistance } from "./times.ts";
import { HOW, isUnderWay, longVersion, refusalOf, stateWords, waitsFor } from "./words.ts";

/** Whether a hail runs for a service. */
export type Agent =
  /** It answers on its socket. */
  | { readonly is: "running" }
  /** It takes connections and does not answer. */
  | { readonly is: "silent" }
  /** It does not listen, but holds the profile: a `--oneshot`, or one without a socket. */
  | { readonly is: "holding"; readonly pid: number }
  /** None runs. */
  | { readonly is: "absent" }
  /** This user may not ask. */
  | { readonly is: "unknown" };

/** What the status of a service is told from. */
export interface ServiceView {
  /** What the operator calls it. */
  readonly name: string;
  readonly profile: string;
  readonly jobUri: string;
  readonly record: ServiceRecord;
  /** When the record was written; null where it never was. */
  readonly writtenAt: number | null;
  readonly agent: Agent;
  /** How it is being removed, by a removal that is under way or was cut off; null where it is not. */
  readonly removing: OnRemoval | null;
  /** How it was taken out, where nobody keeps it since then; null otherwise. */
  readonly removed: Exclude<OnRemoval, "purge"> | null;
}

/** The status of a service as text for a person. */
export function renderStatus(view: ServiceView, now: number, page: Page): string {
  const entries = [
    profileEntry(view),
    { label: "Job", paragraphs: [view.jobUri] },
    stateEntry(view.record, now),
    activeEntry(view.record, now),
    ...previousEntry(view.record),
    ...latestEntry(view.record),
    ...waitsEntry(view, now),
    { label: "Last poll", paragraphs: [pollWords(view.record.polledAt, now)] },
    nextPollEntry(view, now),
    ...errorEntry(view.record, now),
    agentEntry(view, now),
    ...removalEntry(view),
  ];
  return [paint(view.name, "heading", page), ...layOut(entries, page)].join("\n");
}

function profileEntry({ profile }: ServiceView): Entry {
  return { label: "Profile", paragraphs: [profile] };
}

function stateEntry(record: ServiceRecord, now: number): Entry {
  const { text, tone } = stateWords(record, now);
  const { work, state } = record;
  const shows = state === "rolled-back" || state === "failed" || state === "undoing" ||
    state === "rolling-back";
  const faults = shows ? [work?.fault, work?.rollbackFault] : [];
  return {
    label: "State",
    tone,
    paragraphs: [
      text,
      ...faults.flatMap((fault) => fault ? [fault.message] : []),
      `since ${momentAndDistance(record.since, now)}`,
    ],
  };
}

function activeEntry({ active }: ServiceRecord, now: number): Entry {
  if (active === null) return { label: "Active", paragraphs: ["nothing"] };
  return {
    label: "Active",
    paragraphs: [
      `${longVersion(active)}, ${HOW[active.how]}${active.degraded ? ", degraded" : ""}`,
      active.path,
      `since ${momentAndDistance(active.since, now)}`,
    ],
  };
}

function previousEntry({ previous }: ServiceRecord): Entry[] {
  return previous === null ? [] : [{ label: "Before it", paragraphs: [longVersion(previous)] }];
}

function latestEntry({ latest, active }: ServiceRecord): Entry[] {
  if (latest === null || latest.outPath === active?.path) return [];
  return [{ label: "Latest", paragraphs: [`build ${latest.id} (${latest.name})`] }];
}

function waitsEntry({ record, removed }: ServiceView, now: number): Entry[] {
  const paragraphs = removed === null ? waitsFor(record, now) : [];
  return paragraphs.length === 0 ? [] : [{ label: "Waits for", paragraphs }];
}

function pollWords(polledAt: number | null, now: number): string {
  return polledAt === null ? "none has succeeded yet" : momentAndDistance(polledAt, now);
}

function nextPollEntry({ record, agent }: ServiceView, now: number): Entry {
  const { nextPollAt, failures } = record;
  const label = failures > 0 ? "Next try" : "Next poll";
  const after = failures > 0 ? `, after ${failures} ${failures === 1 ? "failure" : "failures in a row"}` : "";
  if (agent.is === "absent") {
    return { label, paragraphs: [`when hail is started, or at \`hail poll\`${after}`] };
  }
  if (nextPollAt === null) return { label, paragraphs: [`not known yet${after}`] };
  const when = nextPollAt < now ? `due since ${moment(nextPollAt)}` : momentAndDistance(nextPollAt, now);
  return { label, paragraphs: [`${when}${after}`] };
}

function errorEntry(record: ServiceRecord, now: number): Entry[] {
  const { lastFailure, failures, polledAt, state } = record;
  if (lastFailure === null) return [];
  const { at, message, next } = lastFailure;
  // After `hail retry` no failure counts any more, and nothing has succeeded yet.
  const isOpen = isUnderWay(record) || state === "waiting" || state === "failed";
  const isOver = failures === 0 && !isOpen && polledAt !== null && polledAt >= at;
  return [{
    label: "Last error",
    tone: isOver ? "plain" : "bad",
    paragraphs: [message, `Hint: ${next}`, `${momentAndDistance(at, now)}${isOver ? ", over since" : ""}`],
  }];
}

function agentEntry({ agent, writtenAt, record }: ServiceView, now: number): Entry {
  const known = writtenAt === null
    ? "nothing was written yet"
    : `what is shown was written ${momentAndDistance(writtenAt, now)}`;
  switch (agent.is) {
    case "running":
      return { label: "Agent", paragraphs: ["runs"] };
    case "silent":
      return { label: "Agent", tone: "bad", paragraphs: [`runs, but does not answer; ${known}`] };
    case "holding":
      return {
        label: "Agent",
        paragraphs: [`process ${agent.pid} holds the profile, and takes no commands; ${known}`],
      };
    case "unknown":
      return { label: "Agent", paragraphs: ["not known: only root and the group hail may ask it"] };
    case "absent":
      return {
        label: "Agent",
        tone: "doubtful",
        paragraphs: [
          `none runs${isUnderWay(record) ? ", and what was under way goes on at its start" : ""}`,
          known,
        ],
      };
  }
}

function removalEntry({ removing, removed }: ServiceView): Entry[] {
  if (removed !== null) {
    const words = removed === "keep"
      ? "no hail keeps it any more; it was left as it was"
      : "no hail keeps it any more; its bin/deactivate has run, so what stands here is not running";
    return [{ label: "Removal", tone: "doubtful", paragraphs: [words] }];
  }
  if (removing === null) return [];
  const words =
    `under way (--${removing}); one that was cut off goes on when the agent starts, or at \`hail remove\``;
  return [{ label: "Removal", tone: "doubtful", paragraphs: [words] }];
}

/** The status of a service in JSON: `docs/schema/status.json`. */
export function statusDocument(view: ServiceView, now: number) {
  const { name, profile, jobUri, record, writtenAt, agent, removing, removed } = view;
  const { state, since, active, previous, latest, work, pause, heldSince, bad, lastFailure } = record;
  const refusal = refusalOf(record, now);
  const closed = refusal?.code === "gate-closed" ? record.closed : null;
  return {
    service: name,
    profile,
    job_uri: jobUri,
    state,
    state_text: stateWords(record, now).text,
    since: jsonTime(since),
    active: active === null ? null : activeDocument(active),
    previous: previous === null ? null : versionDocument(previous),
    latest: latest === null ? null : buildDocument(latest),
    deployment: work === null ? null : deploymentDocument(work),
    refusal: refusal === null ? null : { code: refusal.code, message: refusal.why, next: refusal.next },
    gate: closed === null
      ? null
      : { gate: closed.gate, why: closed.why, ask_again_at: jsonTime(closed.askAgainAt) },
    pause: pause === null
      ? null
      : { reason: pause.reason, since: jsonTime(pause.since), until: jsonTime(pause.until) },
    held_since: jsonTime(heldSince),
    bad: bad.map(({ path, buildId, step, reason, at }) => ({
      path,
      build_id: buildId,
      step,
      reason,
      at: jsonTime(at),
    })),
    last_poll: jsonTime(record.polledAt),
    next_poll: jsonTime(record.nextPollAt),
    failures: record.failures,
    last_failure: lastFailure === null ? null : {
      at: jsonTime(lastFailure.at),
      code: lastFailure.code,
      message: lastFailure.message,
      next: lastFailure.next,
    },
    agent: agent.is,
    written_at: jsonTime(writtenAt),
    removing,
    removed,
  };
}
