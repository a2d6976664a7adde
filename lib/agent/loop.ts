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
  /** Whether the loop is to end as soon as nothing is under way: others settings are in force, or none. */
  readonly leaves?: () => boolean;
  /** Whether to begin with the wait for the next poll: Hydra was asked a moment ago. */
  readonly sleepFirst?: boolean;
}

/** How often to poll. */
export interface Schedule {
  /** The period, in milliseconds. */
  readonly period: number;
  /** When in the period this host's turn is, in milliseconds from its beginning. */
  readonly phase: number;
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
 */
export async function runLoop(ports: AgentPorts, { period, phase }: Schedule): Promise<void> {
  const { deployer, clock, random, stages, report, stop, bell } = ports;
  const leaves = ports.leaves ?? (() => false);
  let inARow = 0;
  let woken = false;
  if (ports.sleepFirst === true) {
    const delay = untilNextPoll({ now: clock.now(), period, phase });
    deployer.planned(clock.now() + delay);
    stages.enter(`next poll at ${timestamp(clock.now() + delay)}`, delay);
    woken = await waitFor(delay, clock, stop.gently, bell);
  }
  while (!stop.gently.aborted && !leaves()) {
    let delay: number;
    let idle: string;
    const failed = deployer.failures;
    try {
      const result = await deployer.pass(stop, woken);
      // A build that was rolled back and is refused now is no recovery.
      if (failed > 0 && result.refusal === null) {
        report({
          name: "recovered",
          level: "info",
          message: `all is well again after ${failed} failed ${failed === 1 ? "try" : "tries"}`,
        });
      }
      inARow = result.deployed ? inARow + 1 : 0;
      if (result.deployed && inARow < DEPLOYMENTS_IN_A_ROW) continue;
      delay = delayAfter(result, clock.now(), { period, phase });
      idle = result.refusal === null
        ? `at build ${result.build.id} (${result.build.name})`
        : `build ${result.build.id} is not deployed: ${result.refusal.why}`;
      reportIdle(report, result, delay);
    } catch (error) {
      if (stop.gently.aborted) {
        if (error !== stop.gently.reason) report(failureEvent(error));
        break;
      }
      // The deployer has counted it already: in its journal, so that hail goes on counting when it starts again.
      const { failures } = deployer;
      inARow = 0;
      const retryAfter = error instanceof Failure ? error.retryAfter : undefined;
      // A host that has no network yet, as after a boot, is no load to Hydra when it looks again soon.
      const hydraIsDown = error instanceof Failure && error.exitStatus === EXIT_STATUS.hydraUnavailable &&
        !error.unnoticed;
      const turn = { now: clock.now(), period, phase };
      delay = untilRetry({ ...turn, failures, retryAfter, random: random(), hydraIsDown });
      idle = error instanceof Failure ? `failed: ${error.message}` : "failed";
      const event = failureEvent(error, { failures, retry_in_ms: Math.round(delay) });
      report({ ...event, message: `${event.message} Next try in ${formatDuration(roundUp(delay))}.` });
    }
    const next = clock.now() + delay;
    deployer.planned(next);
    stages.enter(`${idle}; next poll at ${timestamp(next)}`, delay);
    woken = await waitFor(delay, clock, stop.gently, bell);
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

/** Waits until the time is over, the bell rings, or hail is told to stop. The result tells whether the bell has rung. */
export async function waitFor(
  delay: number,
  clock: Clock,
  stop: AbortSignal,
  bell: Bell,
): Promise<boolean> {
  let rung = false;
  const woken = new AbortController();
  const wake = () => woken.abort();
  stop.addEventListener("abort", wake, { once: true });
  const forget = bell.listen(() => {
    rung = true;
    wake();
  });
  if (stop.aborted) wake();
  await clock.sleep(delay, woken.signal);
  forget();
  stop.removeEventListener("abort", wake);
  return rung;
}

// People read whole seconds, and "0s" would be a lie.
const roundUp = (delay: number) => Math.max(1, Math.ceil(delay / 1000)) * 1000;
