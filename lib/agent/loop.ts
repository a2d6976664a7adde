import type { Deployer, PassResult, Stop } from "../deployment/deployer.ts";
import type { Stages } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import { EXIT_STATUS } from "../failure/exit_status.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { Clock } from "../time/clock.ts";
import { formatDuration } from "../time/period.ts";
import { nextDelay } from "./backoff.ts";
import type { Bell } from "./bell.ts";
import { untilNextPoll } from "./phase.ts";

/** What the loop works with. */
export interface AgentPorts {
  readonly deployer: Pick<Deployer, "start" | "pass">;
  readonly clock: Clock;
  /** A number in [0, 1), for the jitter. */
  readonly random: () => number;
  readonly stages: Stages;
  readonly report: Report;
  readonly stop: Stop;
  readonly bell: Bell;
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

/**
 * Keeps the profile at the latest build until it is told to stop: polls, deploys what is new, and waits; after a
 * failure it waits as long as {@linkcode nextDelay} says and goes on. Failures are reported, never thrown.
 */
export async function runLoop(ports: AgentPorts, { period, phase }: Schedule): Promise<void> {
  const { deployer, clock, random, stages, report, stop, bell } = ports;
  let failures = 0;
  let inARow = 0;
  await deployer.start(stop);
  while (!stop.gently.aborted) {
    let delay: number;
    let idle: string;
    try {
      const result = await deployer.pass(stop);
      if (failures > 0) {
        report({
          name: "recovered",
          level: "info",
          message: `all is well again after ${failures} failed ${failures === 1 ? "try" : "tries"}`,
        });
      }
      failures = 0;
      inARow = result.deployed ? inARow + 1 : 0;
      if (result.deployed && inARow < DEPLOYMENTS_IN_A_ROW) continue;
      delay = untilNextPoll({ now: clock.now(), period, phase });
      idle = `at build ${result.build.id} (${result.build.name})`;
      reportIdle(report, result, delay);
    } catch (error) {
      if (stop.gently.aborted) {
        if (error !== stop.gently.reason) report(failureEvent(error));
        break;
      }
      failures += 1;
      inARow = 0;
      const retryAfter = error instanceof Failure ? error.retryAfter : undefined;
      delay = nextDelay({ failures, period, retryAfter, random: random() });
      idle = error instanceof Failure ? `failed: ${error.message}` : "failed";
      const event = failureEvent(error, { failures, retry_in_ms: Math.round(delay) });
      report({ ...event, message: `${event.message} Next try in ${formatDuration(roundUp(delay))}.` });
    }
    const next = new Date(clock.now() + delay).toISOString().replace(/\.\d+Z$/, "Z");
    stages.enter(`${idle}; next poll at ${next}`, delay);
    await waitFor(delay, clock, stop.gently, bell);
  }
}

/**
 * Polls once and deploys what is new.
 *
 * @returns The exit status, as EXIT_STATUS documents it.
 */
export async function runOnce({ deployer, stop, report }: AgentPorts): Promise<number> {
  await deployer.start(stop);
  try {
    stop.gently.throwIfAborted();
    const { build, deployed } = await deployer.pass(stop);
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
    return error instanceof Failure ? error.exitStatus : EXIT_STATUS.internal;
  }
}

function reportIdle(report: Report, { build, deployed }: PassResult, delay: number) {
  report({
    name: "idle",
    level: "debug",
    message: `${deployed ? "deployed" : "nothing new at"} build ${build.id}; next poll in ${
      formatDuration(roundUp(delay))
    }`,
    fields: { build_id: build.id, next_poll_in_ms: Math.round(delay) },
  });
}

/** Waits until the time is over, the bell rings, or hail is told to stop. */
async function waitFor(delay: number, clock: Clock, stop: AbortSignal, bell: Bell) {
  const woken = new AbortController();
  const wake = () => woken.abort();
  stop.addEventListener("abort", wake, { once: true });
  const forget = bell.listen(wake);
  if (stop.aborted) wake();
  await clock.sleep(delay, woken.signal);
  forget();
  stop.removeEventListener("abort", wake);
}

// People read whole seconds, and "0s" would be a lie.
const roundUp = (delay: number) => Math.max(1, Math.ceil(delay / 1000)) * 1000;
