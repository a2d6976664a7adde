/** What hail remembers, in words. Pure. */
import { judge, pauseInForce, type Verdict } from "../../deployment/decision.ts";
import { type Act, type State, STATES } from "../../deployment/machine.ts";
import type { Deployment, Fault, How, ServiceRecord, Version } from "../../deployment/record.ts";
import type { Tone } from "./layout.ts";
import { momentAndDistance } from "./times.ts";

/** A version in a few words: by the number of its build, or else by the name in its path. */
export function shortVersion({ path, buildId }: Version): string {
  return buildId === null ? nameInPath(path) : `build ${buildId}`;
}

/** A version by number and name: `build 12 (web-4.0)`. */
export function longVersion(version: Version): string {
  const short = shortVersion(version);
  return version.buildId === null ? short : `${short} (${version.name ?? nameInPath(version.path)})`;
}

/** What stands behind the hash of a store path. */
function nameInPath(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/^[^-]*-/, "");
}

/** How a version became the active one. */
export const HOW: Readonly<Record<How, string>> = {
  "deployed": "deployed by hail",
  "rolled-back": "gone back to",
  "by-hand": "set by hand",
  "found": "found in the profile",
};

/** What went wrong with a version. */
export function faultWords({ step }: Fault, version: Version): string {
  const name = shortVersion(version);
  switch (step) {
    case "switch":
      return `the switch to ${name} failed`;
    case "activation":
      return `the activation of ${name} failed`;
    case "health":
      return `${name} failed its health checks`;
    case "confirmation":
      return `Hydra could not be reached with ${name}`;
  }
}

/** A piece of news, and how good it is. */
export interface News {
  readonly text: string;
  readonly tone: Tone;
}

/** What a service is doing, in one sentence. */
export function stateWords(record: ServiceRecord, now: number): News {
  const { state, work } = record;
  const tone = toneOf(record);
  if (state === "held" && work?.kind !== "by-hand") return { text: `held: ${heldWords(record, now)}`, tone };
  if (work === null) return { text: state === "idle" ? "nothing was deployed yet" : state, tone };
  return { text: DOING[state](work, record), tone };
}

function heldWords(record: ServiceRecord, now: number): string {
  const { latest, active } = record;
  const refusal = refusalOf(record, now);
  if (latest === null || refusal === null) return "the latest build was not deployed, on purpose";
  const why = {
    "paused": "deployments are paused",
    "held": "the profile was changed by hand",
    "marked-bad": "it is marked bad",
    "downgrade-refused": `it is older than build ${active?.buildId ?? "the active one"}`,
  };
  return `build ${latest.id} is not deployed, since ${why[refusal.code]}`;
}

function toneOf({ state, active }: ServiceRecord): Tone {
  switch (state) {
    case "active":
      return active?.degraded === true ? "doubtful" : "good";
    case "failed":
      return "bad";
    case "idle":
      return "plain";
    default:
      return "doubtful";
  }
}

type Words = (work: Deployment, record: ServiceRecord) => string;

const rollingBack: Words = (work) => `rolling back to ${backTo(work)}: ${cause(work)}`;

const DOING: Readonly<Record<State, Words>> = {
  "idle": () => "nothing is deployed",
  "discovered": ({ target }) => `${shortVersion(target)} is about to be deployed`,
  "waiting": ({ target }) => `waiting to deploy ${shortVersion(target)}; it is tried again`,
  "realising": ({ target }) => `fetching ${shortVersion(target)}`,
  "switching": ({ target }) => `switching to ${shortVersion(target)}`,
  "activating": ({ target, kind }) =>
    kind === "restart"
      ? `activating ${shortVersion(target)} again, since hail has started`
      : `activating ${shortVersion(target)}`,
  "verifying": ({ target }) => `checking the health of ${shortVersion(target)}`,
  "active": (_work, { active }) =>
    active?.degraded === true ? "active, but degraded: its activation said that some unit failed" : "active",
  "rolling-back": rollingBack,
  "reactivating": rollingBack,
  "reverifying": rollingBack,
  "undoing": (work) => `taking ${shortVersion(work.target)} back: ${cause(work)}`,
  "rolled-back": (work) => {
    if (work.kind === "rollback") {
      return `rolled back from ${shortVersion(work.target)}, as the operator asked`;
    }
    if (work.goBackTo === null) return `taken back: ${cause(work)}, and nothing was there before`;
    return `rolled back: ${cause(work)}`;
  },
  "failed": (work) => {
    if (work.kind === "restart") return `failed at the start of hail: ${cause(work)}; it is tried again`;
    const { rollbackFault } = work;
    if (work.kind === "rollback" && work.fault === null) {
      return `failed: the roll-back to ${backTo(work)}, which the operator asked for; it is tried again`;
    }
    const back = rollbackFault === null
      ? "the roll-back"
      : work.goBackTo === null
      ? "taking it back"
      : `the roll-back to ${shortVersion(work.goBackTo)}`;
    return `failed: ${cause(work)}, and so did ${back}; it is tried again`;
  },
  // After a change by hand; otherwise see heldWords.
  "held": (_work, { active }) =>
    active === null
      ? "changed by hand: the profile was removed"
      : `changed by hand: the profile was pointed at ${shortVersion(active)}`,
};

function backTo({ goBackTo }: Deployment): string {
  return goBackTo === null ? "nothing" : shortVersion(goBackTo);
}

function cause({ kind, fault, target }: Deployment): string {
  if (fault !== null) return faultWords(fault, target);
  return kind === "rollback" ? "the operator asked for it" : `${shortVersion(target)} failed`;
}

/** Why Hydra's latest build is not deployed, if that is on purpose; as far as the record tells. */
export function refusalOf(record: ServiceRecord, now: number): Extract<Verdict, { do: "refuse" }> | null {
  const { latest, seen, state } = record;
  if (latest === null) return null;
  // What is held for none of the other reasons is held for being older.
  const policy = { onManualChange: "respect", refuseDowngrade: state === "held" } as const;
  const verdict = judge({ record, latest, current: seen ?? null, policy, now });
  return verdict.do === "refuse" ? verdict : null;
}

/** Whether a deployment is somewhere between its beginning and its end. */
export function isUnderWay({ state }: Pick<ServiceRecord, "state">): boolean {
  const act: Act | null = STATES[state];
  return act !== null || state === "discovered";
}

/** What a service at rest waits for; empty while something is under way. */
export function waitsFor(record: ServiceRecord, now: number): string[] {
  const { state, pause, heldSince, latest, bad, active, work } = record;
  if (isUnderWay(record)) return [];
  if (state === "failed") return ["the next try"];
  const stop = pauseInForce(pause, now);
  if (stop !== null) {
    const until = stop.until === null ? "" : `, or ${momentAndDistance(stop.until, now)}`;
    return [
      `\`hail resume\`${until}: deployments are paused${stop.reason === null ? "" : `: ${stop.reason}`}`,
      `paused since ${momentAndDistance(stop.since, now)}`,
    ];
  }
  if (heldSince !== null) {
    return [`\`hail resume\`: the profile was changed by hand, ${momentAndDistance(heldSince, now)}`];
  }
  const refusal = refusalOf(record, now);
  if (latest !== null && refusal !== null) {
    const mark = bad.find(({ path }) => path === latest.outPath);
    if (mark !== undefined) {
      return [
        `another build than ${latest.id}, which is marked bad, or \`hail retry\``,
        `marked ${momentAndDistance(mark.at, now)}${
          mark.reason === work?.fault?.message ? "" : `: ${markWords(mark)}`
        }`,
      ];
    }
    return [
      `a build newer than ${
        active?.buildId ?? "the active one"
      }: build ${latest.id} is older (--refuse-downgrade)`,
    ];
  }
  return [state === "waiting" ? "the next try" : "a new build"];
}

function markWords({ step, reason }: ServiceRecord["bad"][number]): string {
  return step === "operator" || step === "by-hand" ? reason : `${step} failed: ${reason}`;
}
