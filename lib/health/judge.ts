/**
 * Decides from the results of health checks whether a service is well. Pure; times are monotonic, in milliseconds.
 *
 * The required checks must all pass within the time limit. From then on they are held for the soak time: a failure ends
 * the hold, and the next one begins when all pass again. A hold that can begin within the time limit no more, and so many
 * failures in a row of a check that had passed as its threshold says, show that the service is not well. At the end of
 * the soak time every required check is looked at once more, so that a long interval hides nothing.
 */
import { Failure } from "../failure/failure.ts";
import { formatDuration } from "../time/period.ts";
import type { Bounds } from "./kind.ts";

/** What is judged by. Times are in milliseconds. */
export interface Rule {
  /** By when all required checks must pass, and the hold begin that lasts. */
  readonly timeLimit: number;
  /** How long they must hold. */
  readonly soak: number;
}

/** What counts of a check. */
export type Judged = Pick<Bounds, "name" | "required" | "threshold">;

/** How a check stands. */
interface Standing {
  readonly state: "unknown" | "passing" | "failing";
  readonly passes: number;
  /** Since it passed for the first time, or, before that, since the beginning. */
  readonly failures: number;
  /** Failures in a row. */
  readonly row: number;
  /** How often it failed after it had passed. */
  readonly drops: number;
  readonly passedAt: number | null;
  readonly lastFailure: string | null;
  /** Whether it was told that it fails, and that it is well again. Each is told once. */
  readonly told: "nothing" | "failing" | "all";
}

/** All that is known in a verification. */
export interface Judgement {
  readonly rule: Rule;
  readonly begunAt: number;
  readonly checks: readonly Judged[];
  readonly standings: readonly Standing[];
  /** Since when all required checks pass; null while they do not. */
  readonly heldSince: number | null;
}

/** Something to tell the operator about one check. */
export interface Notice {
  /** It fails though it had passed; an advisory one: so often as its threshold says, or to the end. Or it is well again. */
  readonly kind: "failing" | "well";
  readonly check: Judged;
  /** The last failure; empty if it never had a result. */
  readonly why: string;
}

/** What comes of a judgement. */
export type Verdict =
  | { readonly kind: "healthy"; readonly heldSince: number }
  | { readonly kind: "unhealthy"; readonly failure: Failure }
  /** Time alone changes nothing before `until`. */
  | { readonly kind: "pending"; readonly until: number }
  /** The soak time is over; the next result of each required check is still to come, and is wanted now. */
  | { readonly kind: "last-look"; readonly heldSince: number };

const UNKNOWN: Standing = {
  state: "unknown",
  passes: 0,
  failures: 0,
  row: 0,
  drops: 0,
  passedAt: null,
  lastFailure: null,
  told: "nothing",
};

/** A judgement of which no result is known. */
export function beginJudgement(checks: readonly Judged[], rule: Rule, now: number): Judgement {
  return hold({ rule, begunAt: now, checks, standings: checks.map(() => UNKNOWN), heldSince: null }, now);
}

/**
 * Takes one result.
 *
 * @param index Of the check.
 * @param why Why it failed, fit for a log; null if it passed.
 */
export function observe(
  judgement: Judgement,
  index: number,
  why: string | null,
  now: number,
): { readonly judgement: Judgement; readonly notice: Notice | null } {
  const check = judgement.checks[index];
  const before = judgement.standings[index];
  if (check === undefined || before === undefined) throw new RangeError(`there is no check ${index}`);
  const counted = why === null ? passed(before, now) : failed(before, why);
  const kind = noticeOf(check, counted);
  const after: Standing = kind === null
    ? counted
    : { ...counted, told: kind === "failing" ? "failing" : "all" };
  return {
    judgement: hold({ ...judgement, standings: judgement.standings.with(index, after) }, now),
    notice: kind === null ? null : { kind, check, why: after.lastFailure ?? "" },
  };
}

function passed(before: Standing, now: number): Standing {
  const failures = before.passes === 0 ? 0 : before.failures;
  return { ...before, state: "passing", passes: before.passes + 1, failures, row: 0, passedAt: now };
}

function failed(before: Standing, why: string): Standing {
  return {
    ...before,
    state: "failing",
    failures: before.failures + 1,
    row: before.row + 1,
    drops: before.drops + (before.state === "passing" ? 1 : 0),
    lastFailure: why,
  };
}

function noticeOf(
  { required, threshold }: Judged,
  { state, row, drops, told }: Standing,
): Notice["kind"] | null {
  if (state === "passing") return told === "failing" ? "well" : null;
  if (told !== "nothing") return null;
  return (required ? drops > 0 : row >= threshold) ? "failing" : null;
}

/** Begins, keeps or ends the hold. */
function hold(judgement: Judgement, now: number): Judgement {
  const holds = required(judgement).every(({ standing }) => standing.state === "passing");
  return { ...judgement, heldSince: holds ? judgement.heldSince ?? now : null };
}

function required({ checks, standings }: Judgement) {
  return checks.flatMap((check, index) => {
    const standing = standings[index];
    return check.required && standing !== undefined ? [{ check, standing }] : [];
  });
}

/** What is to be told of advisory checks that never came to their threshold, now that it is over. */
export function lastNotices({ checks, standings }: Judgement): Notice[] {
  return checks.flatMap((check, index): Notice[] => {
    const { state, told, lastFailure } = standings[index] ?? UNKNOWN;
    const isOpen = !check.required && state !== "passing" && told === "nothing";
    return isOpen ? [{ kind: "failing", check, why: lastFailure ?? "" }] : [];
  });
}

/** What comes of what is known now. */
export function decide(judgement: Judgement, now: number): Verdict {
  const { rule, begunAt, heldSince } = judgement;
  const all = required(judgement);
  const lost = all.filter(({ check, standing }) => standing.passes > 0 && standing.row >= check.threshold);
  if (lost.length > 0) return unhealthy(judgement, lost);
  if (heldSince === null) {
    // No hold that begins later can be complete in time.
    const until = begunAt + rule.timeLimit;
    return now < until
      ? { kind: "pending", until }
      : unhealthy(judgement, all.filter(({ standing }) => standing.state !== "passing"));
  }
  const until = heldSince + rule.soak;
  if (now < until) return { kind: "pending", until };
  return all.every(({ standing }) => (standing.passedAt ?? -Infinity) >= until)
    ? { kind: "healthy", heldSince }
    : { kind: "last-look", heldSince };
}

/** How many of the checks that are to blame a failure names. */
const NAMED_MAX = 3;

function unhealthy({ rule }: Judgement, blamed: ReturnType<typeof required>): Verdict {
  const [first, ...others] = blamed.map(({ check, standing }) => ({
    name: `health check '${check.name}'`,
    why: explain(check, standing, rule),
  }));
  const named = others.slice(0, NAMED_MAX - 1).map(({ name, why }) => `; ${name}: ${why}`).join("");
  const more = blamed.length > NAMED_MAX ? `; and ${blamed.length - NAMED_MAX} more` : "";
  const neverPassed = blamed.some(({ standing }) => standing.passes === 0);
  return {
    kind: "unhealthy",
    failure: new Failure("health-failed", {
      what: first?.name ?? "health checks",
      why: `${first?.why}${named}${more}`,
      next: neverPassed
        ? "Look at the log of the service; if it only needs longer to start, raise health-timeout."
        : "Look at the log of the service at that time.",
    }),
  };
}

function explain({ threshold }: Judged, standing: Standing, { timeLimit }: Rule): string {
  const { passes, failures, drops, row, lastFailure } = standing;
  const last = lastFailure === null ? "" : `; last: ${lastFailure}`;
  if (passes === 0) {
    const tries = failures === 0 ? "it had no result" : `it never passed, and failed ${times(failures)}`;
    return `${tries} within ${formatDuration(timeLimit)}${last}`;
  }
  if (drops > 1) return `it flapped (passed ${times(passes)}, failed ${times(failures)})${last}`;
  const late = row < threshold ? `, and the time limit of ${formatDuration(timeLimit)} is over` : "";
  return `it failed after it had passed, ${times(row)}${row > 1 ? " in a row" : ""}${late}${last}`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
