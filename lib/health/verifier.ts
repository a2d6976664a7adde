import type { Verifier } from "../deployment/ports.ts";
import type { RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";
import { formatDuration } from "../time/period.ts";
import type { HealthCheck } from "./check.ts";
import { confirm, type Confirmation } from "./confirm.ts";
import type { Fetch, World } from "./kind.ts";
import { openProbe } from "./kinds.ts";
import { findShippedCheck, SHIPPED_TIMEOUT } from "./shipped_check.ts";
import { END_LIMIT, watch, type Watched } from "./watch.ts";

/** What {@linkcode createVerifier} needs. Times are in milliseconds. */
export interface VerifierOptions {
  /** The profile, an absolute path. */
  readonly profile: string;
  readonly jobUri: string;
  /** The checks of the command line. */
  readonly checks: readonly HealthCheck[];
  /** By when all required checks must pass. */
  readonly timeLimit: number;
  /** How long they must hold from then on. */
  readonly soak: number;
  /** How Hydra is asked, where a verification wants that; null where none ever does. */
  readonly confirm: Confirmation | null;
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly report: Report;
  /** @default `fetch` of Deno */
  readonly fetch?: Fetch;
  /** Certificates of authorities to trust beside those that Deno trusts, in PEM, for checks by https. */
  readonly certificates?: readonly string[];
}

/**
 * Makes a {@linkcode Verifier} that runs the checks of the command line and the profile's own `bin/health-check`, and
 * after them asks Hydra. Without any check nothing is waited for. Programs have hail's environment and, in addition,
 * `HAIL_PROFILE`, `HAIL_STORE_PATH`, `HAIL_PREVIOUS_STORE_PATH`, `HAIL_BUILD_ID` and `HAIL_JOB_URI`; what is not known is
 * empty. What they print becomes `health-output` events.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { profile, jobUri, checks, timeLimit, soak, run, clock, report, certificates = [] } = options;
  const lastLook = Math.max(SHIPPED_TIMEOUT, ...checks.map(({ timeout }) => timeout));
  return {
    limit: timeLimit + soak + lastLook + END_LIMIT + (options.confirm?.timeLimit ?? 0),

    async verify({ storePath, previous, buildId, confirm: mustConfirm }, signal) {
      signal.throwIfAborted();
      const shipped = await findShippedCheck(profile);
      const all = shipped === null ? checks : [...checks, shipped];
      if (all.length > 0) {
        await watchAll(all, {
          HAIL_PROFILE: profile,
          HAIL_STORE_PATH: storePath,
          HAIL_PREVIOUS_STORE_PATH: previous ?? "",
          HAIL_BUILD_ID: buildId === null ? "" : String(buildId),
          HAIL_JOB_URI: jobUri,
        }, signal);
      }
      if (mustConfirm && options.confirm !== null) await confirm(options.confirm, { clock, report }, signal);
    },
  };

  async function watchAll(
    all: readonly HealthCheck[],
    environment: World["environment"],
    signal: AbortSignal,
  ) {
    const count = all.length === 1 ? "1 check" : `${all.length} checks`;
    report({
      name: "health",
      level: "info",
      message: `checking the health of ${environment["HAIL_STORE_PATH"]}: ${count} to pass within ` +
        `${formatDuration(timeLimit)} and to hold for ${formatDuration(soak)}`,
      fields: { checks: all.length, time_limit_ms: timeLimit, soak_ms: soak },
    });
    const world: World = {
      run,
      fetch: options.fetch ?? fetch,
      certificates,
      environment,
      onLine: (check, line, stream) =>
        report({ name: "health-output", level: "debug", message: line, fields: { check, stream } }),
    };
    // Made anew each time, so that nothing that was true of another version is taken for this one.
    const watched: Watched[] = all.map((check) => ({ check, probe: openProbe(check, world) }));
    try {
      const { healthyAfter, held } = await watch(watched, { timeLimit, soak }, { clock, report }, signal);
      report({
        name: "healthy",
        level: "info",
        message: `healthy after ${formatDuration(healthyAfter)}, held for ${formatDuration(held)}`,
        fields: { healthy_after_ms: Math.round(healthyAfter), held_ms: Math.round(held) },
      });
    } finally {
      for (const { probe } of watched) probe.close?.();
    }
  }
}
