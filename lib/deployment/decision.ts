import type { FailureCode } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import type { Build } from "./build.ts";
import type { BadBuild, Closed, Pause, ServiceRecord } from "./record.ts";

/** What the operator has said about deployments in general. */
export interface Policy {
  /**
   * What a change of the profile behind hail's back means: `respect` it until Hydra names a build that was not left,
   * `hold` everything until the operator says `resume`, or `ignore` it, as the original did.
   */
  readonly onManualChange: "respect" | "hold" | "ignore";
  /** Whether a build with a lower id than the active one is never deployed. */
  readonly refuseDowngrade: boolean;
}

/** What is known when hail decides about a build. */
export interface Facts {
  readonly record: Pick<ServiceRecord, "state" | "active" | "bad" | "pause" | "heldSince">;
  /** The job's latest successful build, as Hydra just said. */
  readonly latest: Build;
  /** What the profile points at. */
  readonly current: StorePath | null;
  readonly policy: Policy;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Why a build is not deployed, on purpose. */
export interface Refusal {
  readonly code: Extract<FailureCode, "paused" | "held" | "marked-bad" | "downgrade-refused" | "gate-closed">;
  readonly why: string;
  /** What the operator can do, as one sentence. */
  readonly next: string;
  /** When it is worth looking again, where that is known: milliseconds since 1970. */
  readonly askAgainAt?: number;
}

/** What to do about the latest build. */
export type Verdict =
  | { readonly do: "nothing" }
  | { readonly do: "deploy" }
  | ({ readonly do: "refuse" } & Refusal);

/** Decides whether the latest build is to be deployed. Pure: the same facts give the same verdict. */
export function judge({ record, latest, current, policy, now }: Facts): Verdict {
  const { active, bad, pause, heldSince } = record;
  // What has failed is tried again for what it is: a roll-back, or the activation of what is there.
  const settled = active?.path === latest.outPath || record.state === "failed";
  if (current === latest.outPath && settled) return { do: "nothing" };
  const stop = pauseInForce(pause, now);
  if (stop !== null) return { do: "refuse", ...paused(stop) };
  if (heldSince !== null) {
    return {
      do: "refuse",
      code: "held",
      why: `the profile was changed by hand at ${
        timestamp(heldSince)
      }, and nothing is deployed until you say so`,
      next: "Say `hail resume` to follow Hydra again.",
    };
  }
  const mark = bad.find(({ path }) => path === latest.outPath);
  if (mark !== undefined) return { do: "refuse", ...markedBad(mark) };
  if (policy.refuseDowngrade && active !== null && active.buildId !== null && latest.id < active.buildId) {
    return {
      do: "refuse",
      code: "downgrade-refused",
      why: `it is older than build ${active.buildId}, which is active, and refuse-downgrade is set`,
      next: "Let Hydra name a newer build, or take out refuse-downgrade.",
    };
  }
  return { do: "deploy" };
}

/** The pause, as long as it has not run out. */
export function pauseInForce(pause: Pause | null, now: number): Pause | null {
  return pause !== null && (pause.until === null || now < pause.until) ? pause : null;
}

/** Why a pause keeps builds from being deployed. */
export function paused({ reason, since, until }: Pause): Refusal {
  return {
    code: "paused",
    why: `deployments are paused since ${timestamp(since)}${
      until === null ? "" : ` until ${timestamp(until)}`
    }${reason === null ? "" : `: ${reason}`}`,
    next: "Say `hail resume` to go on.",
  };
}

/** What the order of the services of an agent is called among the gates. */
export const AFTER = "after";

/** Why a gate keeps a build from being deployed. */
export function closedBy({ gate, why, askAgainAt }: Closed): Refusal {
  return {
    code: "gate-closed",
    why: `the gate '${gate}' is closed: ${why}`,
    next: gate === AFTER
      ? "hail goes on as soon as that one has."
      : askAgainAt === null
      ? "hail asks again at each poll."
      : `hail asks again after ${timestamp(askAgainAt)}.`,
    ...(askAgainAt === null ? {} : { askAgainAt }),
  };
}

function markedBad({ step, reason, at }: BadBuild): Refusal {
  const when = timestamp(at);
  switch (step) {
    case "operator":
      return {
        code: "marked-bad",
        why: `it was rolled back from at ${when} (${reason})`,
        next: "hail waits for another build; say `hail retry` to deploy it all the same.",
      };
    case "by-hand":
      return {
        code: "marked-bad",
        why: `it was left at ${when}: ${reason}`,
        next: "hail waits for another build; say `hail retry` to deploy it all the same.",
      };
    default:
      return {
        code: "marked-bad",
        why: `its ${step} failed at ${when} (${reason})`,
        next: "Mend it and let Hydra build it again, or say `hail retry` to try it once more.",
      };
  }
}

/** A point in time as it stands in messages: RFC 3339, in UTC, without fractions of a second. */
export function timestamp(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
