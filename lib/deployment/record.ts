/**
 * What hail remembers of one service, on disk and across everything that can end a process. Times are milliseconds
 * since 1970-01-01T00:00:00Z.
 */
import type { FailureCode } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import type { Build } from "./build.ts";
import type { EventName, Kind, State } from "./machine.ts";

/** A version of the service. */
export interface Version {
  readonly path: StorePath;
  /** Hydra's id of the build; null where hail did not deploy it itself. */
  readonly buildId: number | null;
  /** The name of its derivation; null where Hydra was not asked. */
  readonly name: string | null;
}

/** How a version became the active one. */
export type How =
  /** hail deployed it. */
  | "deployed"
  /** A later version failed, or the operator asked for it. */
  | "rolled-back"
  /** Somebody pointed the profile at it behind hail's back. */
  | "by-hand"
  /** The profile pointed at it when hail came to know the service. */
  | "found";

/** The version that the service runs, as far as hail knows. */
export interface ActiveVersion extends Version {
  readonly since: number;
  readonly how: How;
  /** Whether its activation ended with a status that stands for "switched, but some unit failed". */
  readonly degraded: boolean;
}

/** The steps that can fail and put the blame on a build. */
export const STEPS = ["switch", "activation", "health", "confirmation"] as const;

/** One of {@linkcode STEPS}. */
export type Step = (typeof STEPS)[number];

/** What went wrong in a deployment. */
export interface Fault {
  readonly step: Step;
  readonly code: FailureCode;
  /** What and why, as a `Failure` says it. */
  readonly message: string;
  /** What the operator can do. */
  readonly next: string;
  readonly at: number;
}

/** How a deployment ended. */
export const OUTCOMES = [
  "active",
  "rolled-back",
  /** The roll-back failed, too, or there was none. It is being retried. */
  "failed",
  /** Another build came before this one was realised, or the operator decided otherwise. */
  "superseded",
  "by-hand",
] as const;

/** One of {@linkcode OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number];

/** One deployment: under way, or the last one. */
export interface Deployment {
  /** Counts up from 1 for each service, without a gap. */
  readonly id: number;
  readonly kind: Kind;
  /** Where it was to lead; for a roll-back of the operator's, the version that is left. */
  readonly target: Version;
  /** Where it goes back to when it fails; null where there is nothing. */
  readonly goBackTo: Version | null;
  readonly begunAt: number;
  readonly endedAt: number | null;
  readonly outcome: Outcome | null;
  /** The first thing that went wrong. */
  readonly fault: Fault | null;
  /** Why the roll-back failed, the last time that it did. */
  readonly rollbackFault: Fault | null;
  readonly degraded: boolean;
  /** Whether Hydra had answered before it began, so that it must answer after it. */
  readonly hydraAnswered: boolean;
  /** How many activations it has begun. With the id it names the present one. */
  readonly runs: number;
  /** How often the present activation was begun: it may have taken hail, or the host, down with it. */
  readonly begun: number;
  /** The process group of an activation that is a child of hail's, and the boot that it belongs to. */
  readonly leader: { readonly pid: number; readonly bootId: string } | null;
}

/** A store path that is not to be deployed again. */
export interface BadBuild {
  readonly path: StorePath;
  readonly buildId: number | null;
  /** The step that failed, or whose word it was. */
  readonly step: Step | "operator" | "by-hand";
  readonly reason: string;
  readonly at: number;
}

/** The operator's word that nothing new is to be deployed. */
export interface Pause {
  readonly reason: string | null;
  readonly since: number;
  /** When it ends by itself; null for never. */
  readonly until: number | null;
}

/** The last failure of any kind. */
export interface LastFailure {
  readonly at: number;
  readonly code: FailureCode;
  readonly message: string;
  readonly next: string;
}

/** What keeps the latest build from being deployed for now, and lets it pass by itself one day. */
export interface Closed {
  /** The gate that is closed: its kind, and what tells it from others, such as `window Mon-Fri 02:00-04:00`. */
  readonly gate: string;
  /** Why, in one clause. */
  readonly why: string;
  /** When it is worth asking again; null where that cannot be known. */
  readonly askAgainAt: number | null;
}

/** Everything that hail remembers of a service. */
export interface ServiceRecord {
  readonly state: State;
  readonly since: number;
  /** The deployment under way; in a state of rest, the last one. */
  readonly work: Deployment | null;
  /** How many deployments there were; the id of the last one. */
  readonly deployments: number;
  readonly active: ActiveVersion | null;
  /** The version that was active before, for the operator's roll-back and for the clean-up. */
  readonly previous: Version | null;
  /** What the profile pointed at when hail looked last. `undefined` where hail has not looked yet. */
  readonly seen: StorePath | null | undefined;
  /** The build that Hydra named last. */
  readonly latest: Build | null;
  /** When Hydra was first seen to name it; null where that was not written down. */
  readonly latestSince: number | null;
  /** The gate that keeps the latest build from being deployed; null where none does, or none was asked. */
  readonly closed: Closed | null;
  readonly bad: readonly BadBuild[];
  readonly pause: Pause | null;
  /** Since when a change by hand waits for the operator's `resume`; null where nothing does. */
  readonly heldSince: number | null;
  /** Hydra's last answer that could be used. */
  readonly polledAt: number | null;
  /** When hail will look again. */
  readonly nextPollAt: number | null;
  /** How many passes in a row have failed. */
  readonly failures: number;
  readonly lastFailure: LastFailure | null;
}

/** The record of a service of which nothing is known. */
export function emptyRecord(now: number): ServiceRecord {
  return {
    state: "idle",
    since: now,
    work: null,
    deployments: 0,
    active: null,
    previous: null,
    seen: undefined,
    latest: null,
    latestSince: null,
    closed: null,
    bad: [],
    pause: null,
    heldSince: null,
    polledAt: null,
    nextPollAt: null,
    failures: 0,
    lastFailure: null,
  };
}

/** One line of the journal: what happened, and where it led. */
export interface Transition {
  readonly deploymentId: number | null;
  readonly at: number;
  readonly from: State;
  readonly event: EventName;
  readonly to: State;
}

/** What a transition leads to. */
export interface Advance {
  readonly record: ServiceRecord;
  readonly transition: Transition;
  /** The deployments that it has changed, for the history. */
  readonly deployments: readonly Deployment[];
}
