/** Runs health checks side by side until it is known whether the service is well. */
import { withoutUserInfo } from "../report/user_info.ts";
import { sanitise } from "../report/sanitise.ts";
import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";
import { formatDuration } from "../time/period.ts";
import { beginJudgement, decide, lastNotices, type Notice, observe, type Rule } from "./judge.ts";
import type { Bounds, Probe } from "./kind.ts";

/** A check that is ready for use. */
export interface Watched {
  readonly check: Bounds;
  readonly probe: Probe;
}

/** For how long looks that were ended are waited for, in milliseconds: longer than a program has to act on TERM. */
export const END_LIMIT = 12_000;

/** How much of the reason of a failure is shown, in characters. */
const WHY_LIMIT = 400;

/**
 * Looks at all checks, each in its own time and never twice at once, until they are judged. When it returns or throws,
 * no look is under way any more.
 *
 * @param signal Gives up. Its reason is then thrown as it is.
 * @returns How long it took until the hold began, and how long the checks were held, in milliseconds.
 * @throws {Failure} `health-failed`.
 */
export async function watch(
  watched: readonly Watched[],
  rule: Rule,
  { clock, report }: { readonly clock: Clock; readonly report: Report },
  signal: AbortSignal,
): Promise<{ readonly healthyAfter: number; readonly held: number }> {
  signal.throwIfAborted();
  const begunAt = clock.monotonic();
  let judgement = beginJudgement(watched.map(({ check }) => check), rule, begunAt);
  const over = new AbortController();
  const give = () => over.abort();
  signal.addEventListener("abort", give, { once: true });
  /** Rung at a new result. */
  let news = new AbortController();
  /** Rung when sleeping loops are to look now. */
  let hurry = new AbortController();
  over.signal.addEventListener("abort", () => {
    news.abort();
    hurry.abort();
  });

  const take = (index: number, check: Bounds, failure: string | null, began: number) => {
    if (over.signal.aborted) return;
    const why = failure === null ? null : sanitise(withoutUserInfo(failure).replace(/[. ]+$/, ""), WHY_LIMIT);
    report(resultEvent(check, why, clock.monotonic() - began));
    const { judgement: after, notice } = observe(judgement, index, why, clock.monotonic());
    judgement = after;
    if (notice !== null) report(noticeEvent(notice));
    news.abort();
  };
  const loop = async ({ check, probe }: Watched, index: number) => {
    while (!over.signal.aborted) {
      const began = clock.monotonic();
      await lookOnce(probe, check.timeout, clock, over.signal, (why) => take(index, check, why, began));
      await clock.sleep(began + check.interval - clock.monotonic(), hurry.signal);
    }
  };
  const loops = watched.map(loop);

  try {
    let hurriedFor: number | null = null;
    while (!over.signal.aborted) {
      const verdict = decide(judgement, clock.monotonic());
      if (verdict.kind === "unhealthy") throw verdict.failure;
      if (verdict.kind === "healthy") {
        for (const notice of lastNotices(judgement)) report(noticeEvent(notice));
        const { heldSince } = verdict;
        return { healthyAfter: heldSince - begunAt, held: clock.monotonic() - heldSince };
      }
      if (verdict.kind === "last-look" && hurriedFor !== verdict.heldSince) {
        hurriedFor = verdict.heldSince;
        const sleeping = hurry;
        hurry = new AbortController();
        sleeping.abort();
      }
      if (verdict.kind === "pending") await clock.sleep(verdict.until - clock.monotonic(), news.signal);
      else await rung(news.signal);
      if (news.signal.aborted && !over.signal.aborted) news = new AbortController();
    }
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", give);
    over.abort();
    const ended = new AbortController();
    await Promise.race([
      Promise.all(loops).finally(() => ended.abort()),
      clock.sleep(END_LIMIT, ended.signal),
    ]);
  }
}

/** Looks once, and says what came of it: at the timeout at the latest, even if the look takes longer to end. */
async function lookOnce(
  probe: Probe,
  timeout: number,
  clock: Clock,
  over: AbortSignal,
  say: (why: string | null) => void,
) {
  const end = new AbortController();
  const give = () => end.abort();
  over.addEventListener("abort", give, { once: true });
  if (over.aborted) give();
  const done = new AbortController();
  let late = false;
  const look = probe.look(end.signal).catch((error: unknown) =>
    `it cannot be run (${error instanceof Error ? `${error.name}: ${error.message}` : String(error)})`
  ).then((why) => {
    done.abort();
    if (!late) say(why);
  });
  const timer = clock.sleep(timeout, done.signal).then(() => {
    if (done.signal.aborted) return;
    late = true;
    say(`it had no result after ${formatDuration(timeout)}`);
    end.abort();
  });
  await Promise.all([look, timer]);
  over.removeEventListener("abort", give);
}

function rung(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function resultEvent({ name }: Bounds, why: string | null, took: number) {
  return {
    name: "health-check",
    level: "debug" as const,
    message: why === null ? `health check '${name}' passed` : `health check '${name}' failed: ${why}`,
    fields: { check: name, passed: why === null, why, took_ms: Math.round(took) },
  };
}

function noticeEvent({ kind, check: { name, required }, why }: Notice) {
  const which = `${required ? "" : "advisory "}health check '${name}'`;
  const reason = why === "" ? "it had no result" : why;
  return kind === "well"
    ? {
      name: "health-check-recovered",
      level: "info" as const,
      message: `${which} passes again`,
      fields: { check: name, required },
    }
    : {
      name: "health-check-failing",
      level: "warning" as const,
      message: required ? `${which} has passed, but now it fails: ${reason}` : `${which} fails: ${reason}`,
      fields: { check: name, required, why: reason },
    };
}
