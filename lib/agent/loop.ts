import type { Deployer, PassResult, Stop } from "../deployment/deployer.ts";
import type { Stages } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import { EXIT_STATUS } from "../failure/exit_status.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import { timestamp } from "../deployment/decision.ts";
import type { Clock } from "../time/clock.ts";
import { formatDuration } from "../time/period.ts";
import { untilRetry } from "./backoff.ts";
import type { Bell } from "./bell.ts";
import { untilNextPoll } from "./phase.ts";
import { firstPlan, type Plan, planAfter, type Schedule } from "./plan.ts";

/** What the loop works with. */
export interface AgentPorts {
  readonly deployer: Pick<Deployer, "pass" | "failures" | "planned">;
  readonly clock: Clock;
  /** A number in [0, 1), for the jitter. */
  readonly random: () => number;
  readonly stages: Stages;
  readonly report: Report;
  readonly stop: Stop;
  readonly bell: Bell;
  /**
   * Whether the loop is to end as soon as nothing is under way: other settings are in force, or none. Whoever makes that so
   * stirs the bell.
   */
  readonly leaves?: () => boolean;
  /** What the loop before had planned, since it left for other settings; null to poll at once. */
  readonly plan?: Plan | null;
}

// Hydra's answer can move while a deployment runs, so one is followed by a poll at once. Two Hydras behind one name
// that disagree would make that a loop without a pause; after this many deployments in a row hail waits its period.
const DEPLOYMENTS_IN_A_ROW = 5;

// Where a gate opens for many hosts at once, as a window does, each looks again at its own place within this time, or within
// as long as it has to wait, since those that wait for a moment only have come at different moments.
const OPENING_SPREAD = 5 * 60_000;

/**
 * Keeps the profile at the latest build until it is told to stop or to leave: polls, deploys what is new, and waits; after a
 * failure it waits as long as {@linkcode untilRetry} says and goes on. Failures are reported, never thrown.
 *
 * @returns What it would have done next, for the loop that comes after it.
 */
export async function runLoop(ports: AgentPorts, schedule: Schedule): Promise<Plan> {
  const { deployer, clock, stages, stop, bell } = ports;
  const leaves = ports.leaves ?? (() => false);
  let plan = firstPlan(ports.plan ?? null, clock, schedule);
  let idle = "";
  let inARow = 0;
  for (;;) {
    const wait = plan.due - clock.monotonic();
    if (wait > 0) {
      deployer.planned(plan.at);
      stages.enter(`${idle}next poll at ${timestamp(plan.at)}`, wait);
      const rung = await waitFor(wait, { clock, stop: stop.gently, bell, leaves });
      if (rung) plan = { ...planAfter(0, clock.now(), clock, schedule), woken: true };
    }
    if (stop.gently.aborted || leaves()) return plan;
    const begun = { failures: deployer.failures, inARow };
    // A ring before a pass that was due anyway is answered by that.
    const woken = bell.take() || plan.woken;
    const passed = await onePass(ports, schedule, woken, begun);
    if (passed === null) return plan;
    inARow = passed.inARow;
    idle = `${passed.idle}; `;
    plan = planAfter(passed.delay, passed.now, clock, schedule);
  }
}

/** What there is to do after a pass. */
interface Passed {
  /** When the pass had ended, by the wall clock. */
  readonly now: number;
  /** How long to wait from then on for the next one, in milliseconds. */
  readonly delay: number;
  /** What to say meanwhile. */
  readonly idle: string;
  /** How many passes in a row have deployed something. */
  readonly inARow: number;
}

/** Runs a pass; the result is null if hail was told to stop meanwhile. */
async function onePass(
  { deployer, clock, random, report, stop }: AgentPorts,
  { period, phase }: Schedule,
  woken: boolean,
  begun: { readonly failures: number; readonly inARow: number },
): Promise<Passed | null> {
  try {
    const result = await deployer.pass(stop, woken);
    const { build, refusal } = result;
    // A build that was rolled back and is refused now is no recovery.
    if (begun.failures > 0 && refusal === null) {
      report({
        name: "recovered",
        level: "info",
        message: `all is well again after ${begun.failures} failed ${begun.failures === 1 ? "try" : "tries"}`,
      });
    }
    const now = clock.now();
    const idle = refusal === null
      ? `at build ${build.id} (${build.name})`
      : `build ${build.id} is not deployed: ${refusal.why}`;
    const inARow = result.deployed ? begun.inARow + 1 : 0;
    if (result.deployed && inARow < DEPLOYMENTS_IN_A_ROW) return { now, delay: 0, idle, inARow };
    const delay = delayAfter(result, now, { period, phase });
    reportIdle(report, result, delay);
    return { now, delay, idle, inARow };
  } catch (error) {
    if (stop.gently.aborted) {
      if (error !== stop.gently.reason) report(failureEvent(error));
      return null;
    }
    // The deployer has counted it already: in its journal, so that hail goes on counting when it starts again.
    const { failures } = deployer;
    const retryAfter = error instanceof Failure ? error.retryAfter : undefined;
    // A host that has no network yet, as after a boot, is no load to Hydra when it looks again soon.
    const hydraIsDown = error instanceof Failure && error.exitStatus === EXIT_STATUS.hydraUnavailable &&
      !error.unnoticed;
    const now = clock.now();
    const delay = untilRetry({ now, period, phase, failures, retryAfter, random: random(), hydraIsDown });
    const event = failureEvent(error, { failures, retry_in_ms: Math.round(delay) });
    report({ ...event, message: `${event.message} Next try in ${formatDuration(roundUp(delay))}.` });
    return { now, delay, idle: error instanceof Failure ? `failed: ${error.message}` : "failed", inARow: 0 };
  }
}

/** How long to wait after a pass that did not fail; shorter where a gate opens before the next poll. */
function delayAfter({ refusal }: PassResult, now: number, { period, phase }: Schedule): number {
  const regular = untilNextPoll({ now, period, phase });
  const opening = refusal?.askAgainAt;
  if (opening === undefined) return regular;
  const wait = Math.max(opening - now, 0) + 1_000;
  return Math.min(regular, wait + phase % Math.min(period, OPENING_SPREAD, wait));
}

/**
 * Polls once and deploys what is new.
 *
 * @returns The exit status, as EXIT_STATUS documents it.
 */
export async function runOnce(
  { deployer, stop, report }: Pick<AgentPorts, "deployer" | "stop" | "report">,
): Promise<number> {
  try {
    stop.gently.throwIfAborted();
    const { build, deployed, refusal } = await deployer.pass(stop);
    // Why has been said by then.
    if (refusal !== null) return EXIT_STATUS.notDeployed;
    report({
      name: "done",
      level: "info",
      message: deployed
        ? `the profile is now at build ${build.id} (${build.name})`
        : `the profile is already at the latest build, ${build.id} (${build.name})`,
      fields: { build_id: build.id, path: build.outPath, deployed },
    });
    return EXIT_STATUS.ok;
  } catch (error) {
    if (stop.gently.aborted && error === stop.gently.reason) throw error;
    report(failureEvent(error));
    // What was cut short says nothing about the build, whatever it was that was cut.
    if (stop.now.aborted) throw stop.now.reason;
    return error instanceof Failure ? error.exitStatus : EXIT_STATUS.internal;
  }
}

function reportIdle(report: Report, { build, deployed, refusal }: PassResult, delay: number) {
  report({
    name: "idle",
    level: "debug",
    message: `${
      deployed ? "deployed" : refusal === null ? "nothing new at" : "not deployed:"
    } build ${build.id}; next poll in ${formatDuration(roundUp(delay))}`,
    fields: { build_id: build.id, next_poll_in_ms: Math.round(delay) },
  });
}

/** What ends a wait before its time. */
export interface WaitPorts {
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly bell: Bell;
  /** Whether there is something else to do. It is asked at first, and whenever the bell is stirred. */
  readonly leaves: () => boolean;
}

/** Waits until the time is over, the bell rings, or there is something else to do. The result tells whether it has rung. */
export async function waitFor(delay: number, { clock, stop, bell, leaves }: WaitPorts): Promise<boolean> {
  const woken = new AbortController();
  const wake = () => woken.abort();
  stop.addEventListener("abort", wake, { once: true });
  const look = () => {
    if (stop.aborted || leaves()) wake();
  };
  const forget = bell.listen(wake, look);
  look();
  await clock.sleep(delay, woken.signal);
  stop.removeEventListener("abort", wake);
  return forget();
}

// People read whole seconds, and "0s" would be a lie.
const roundUp = (delay: number) => Math.max(1, Math.ceil(delay / 1000)) * 1000;
