/** What hail remembers, in words. Pure. */
import { AFTER, closedBy, judge, pauseInForce, type Verdict } from "../../deployment/decision.ts";
import { type Act, type State, STATES } from "../../deployment/machine.ts";
import type { Deployment, Fault, How, Pause, ServiceRecord, Version } from "../../deployment/record.ts";
import type { Tone } from "./layout.ts";
import { distance, minuteOf, momentAndDistance } from "./times.ts";

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
  const why: Readonly<Record<typeof refusal.code, string>> = {
    "gate-closed": "a gate is closed",
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
  const verdict = verdictOf(record, now);
  return verdict.do === "refuse" ? verdict : null;
}

/** What is to become of Hydra's latest build, as far as the record tells. */
function verdictOf(record: ServiceRecord, now: number): Verdict {
  const { latest, seen, state, since, closed, pause } = record;
  if (latest === null) return { do: "nothing" };
  // What is held for none of the other reasons is held for being older; a pause that has ended may have been the reason.
  const wasPaused = pause !== null && pause.until !== null && pause.since <= since && since < pause.until;
  const refuseDowngrade = state === "held" && closed === null && !wasPaused;
  const policy = { onManualChange: "respect", refuseDowngrade } as const;
  const verdict = judge({ record, latest, current: seen ?? null, policy, now });
  // Gates are asked last, and of what is to be deployed.
  return verdict.do === "deploy" && closed !== null ? { do: "refuse", ...closedBy(closed) } : verdict;
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
  const stop = pauseInForce(pause, now);
  const paused = stop === null ? [] : pauseWords(stop, now);
  // What has failed is tried again all the same; a pause is for what is new.
  if (state === "failed") return ["the next try", ...(paused.length > 0 ? paused : gateWords(record, now))];
  if (paused.length > 0) return paused;
  if (heldSince !== null) {
    return [`\`hail resume\`: the profile was changed by hand, ${momentAndDistance(heldSince, now)}`];
  }
  const refusal = refusalOf(record, now);
  if (refusal?.code === "gate-closed") return gateWords(record, now);
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
      }: build ${latest.id} is older (refuse-downgrade)`,
    ];
  }
  return [comingWords(record, now)];
}

/** What a service waits for that nothing holds back. */
function comingWords(record: ServiceRecord, now: number): string {
  const { state, latest, failures, polledAt } = record;
  const build = latest !== null && verdictOf(record, now).do === "deploy"
    ? ` to deploy build ${latest.id}`
    : "";
  if (state === "waiting" || failures > 0) return `the next try${build}`;
  if (build !== "") return `the next poll${build}`;
  return polledAt === null ? "the first poll" : "a new build";
}

/** Why the latest build is not deployed, or none would be, in a few words; null where nothing stands against it. */
export function refusalWords(record: ServiceRecord, now: number): string | null {
  const { pause, heldSince, latest, active, closed } = record;
  const stop = pauseInForce(pause, now);
  if (stop !== null) {
    const end = stop.until === null ? "`hail resume`" : minuteOf(stop.until);
    return `paused until ${end}${stop.reason === null ? "" : `: ${stop.reason}`}`;
  }
  if (heldSince !== null) return "changed by hand; it waits for `hail resume`";
  const refusal = refusalOf(record, now);
  if (refusal === null || latest === null) return null;
  const again = closed === null || closed.askAgainAt === null || closed.askAgainAt <= now
    ? ""
    : `; asked again after ${minuteOf(closed.askAgainAt)} (${distance(closed.askAgainAt, now)})`;
  // What stands behind the kind is long, and on the page of the service.
  const kind = closed?.gate.split(" ")[0] ?? "";
  const words: Readonly<Record<typeof refusal.code, string>> = {
    "gate-closed": `${kind} gate: ${closed?.why ?? ""}${again}`,
    "paused": "paused",
    "held": "changed by hand",
    "marked-bad": `build ${latest.id} is marked bad`,
    "downgrade-refused": `build ${latest.id} is older than ${active?.buildId ?? "the active one"}`,
  };
  return words[refusal.code];
}

function pauseWords({ reason, since, until }: Pause, now: number): string[] {
  const end = until === null ? "" : `, or ${momentAndDistance(until, now)}`;
  return [
    `\`hail resume\`${end}: deployments are paused${reason === null ? "" : `: ${reason}`}`,
    `paused since ${momentAndDistance(since, now)}`,
  ];
}

/** The gate that is closed, with its reason and when it is asked again; empty where none is. */
function gateWords(record: ServiceRecord, now: number): string[] {
  const { closed } = record;
  if (closed === null || refusalOf(record, now)?.code !== "gate-closed") return [];
  const { gate, askAgainAt } = closed;
  const again = gate === AFTER
    ? "as soon as that one has moved on"
    : askAgainAt === null || askAgainAt <= now
    ? "at the next poll"
    : `after ${momentAndDistance(askAgainAt, now)}`;
  return [
    `the gate '${closed.gate}', or \`hail poll --past-gates\`: ${closed.why}`,
    `asked again ${again}`,
  ];
}

function markWords({ step, reason }: ServiceRecord["bad"][number]): string {
  return step === "operator" || step === "by-hand" ? reason : `${step} failed: ${reason}`;
}
