/** What the operator's orders change in the record, and what is answered. Pure. */
import { Failure } from "../failure/failure.ts";
import { paused, pauseInForce, timestamp } from "./decision.ts";
import type { State } from "./machine.ts";
import type { OperatorAnswer } from "./operator.ts";
import type { ServiceRecord, Version } from "./record.ts";

/** What comes of an order. */
export interface Carried {
  /** What changes in the record. */
  readonly facts: Partial<Omit<ServiceRecord, "state" | "since">>;
  readonly answer: OperatorAnswer;
}

/** Deploys nothing new until the pause ends. What is under way comes to its end, but for a realisation. */
export function pause(reason: string | null, until: number | null, now: number): Carried {
  const begun = { reason, since: now, until };
  return { facts: { pause: begun }, answer: { message: paused(begun).why } };
}

/** Ends a pause, and the hold after a change by hand. */
export function resume(record: ServiceRecord, now: number): Carried {
  const { heldSince } = record;
  const inForce = pauseInForce(record.pause, now);
  const ended = [
    ...(inForce === null ? [] : [`the pause since ${timestamp(inForce.since)}`]),
    ...(heldSince === null ? [] : [`the hold since ${timestamp(heldSince)}`]),
  ];
  return {
    facts: { pause: null, heldSince: null },
    answer: {
      message: ended.length === 0
        ? "nothing was paused or held; nothing has changed"
        : `${ended.join(" and ")} is over; Hydra is followed again`,
    },
  };
}

/** Forgets that the latest build is marked bad, and lets what has failed be tried at once. */
export function retry({ latest, bad, state, failures }: ServiceRecord): Carried {
  const mark = latest === null ? undefined : bad.find(({ path }) => path === latest.outPath);
  const facts = { bad: bad.filter((one) => one !== mark), failures: 0 };
  if (mark !== undefined) {
    return {
      facts,
      answer: {
        message: `build ${latest?.id} is not marked bad any more`,
      },
    };
  }
  return {
    facts,
    answer: {
      message: state === "waiting" || state === "failed" || failures > 0
        ? "what has failed is tried again"
        : "no mark stands against the latest build, and nothing has failed",
    },
  };
}

/** The states in which a new version is being tried or left. */
const ON_THE_WAY: readonly State[] = [
  "switching",
  "activating",
  "verifying",
  "rolling-back",
  "reactivating",
  "reverifying",
  "failed",
];

/**
 * The version that a roll-back leads to, at the moment when it is asked for. While a new version is being tried, or where it
 * could not be gone back from, that is where it came from.
 *
 * @param to What the operator named; null for the version that was active before.
 * @throws {Failure} `usage`: there is no such version, or it is marked bad.
 */
export function rollbackGoal({ work, state, previous, bad }: ServiceRecord, to: Version | null): Version {
  if (to !== null) return to;
  // A roll-back that fails is left for what was there before it.
  if (state === "failed" && work?.kind === "rollback") return work.target;
  const underWay = ON_THE_WAY.includes(state) ? work?.goBackTo ?? null : null;
  if (underWay !== null) return underWay;
  if (previous === null) {
    throw new Failure("usage", {
      what: "roll-back",
      why: "no version is known that was active before",
      next: "Name one: `hail rollback --to GENERATION` or `--to PATH`.",
    });
  }
  const mark = bad.find(({ path }) => path === previous.path);
  if (mark === undefined) return previous;
  throw new Failure("usage", {
    what: "roll-back",
    why: `the version before, ${previous.path}, is marked bad: ${mark.reason}`,
    next: "If it is to be that one all the same, name it: `hail rollback --to PATH`.",
  });
}
