import type { Activation, Activator, Stop } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import type { RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";
import { findProgram, missing, type ProfileFacts, programPath } from "./program.ts";

/** What makes an activator. */
export interface ActivatorOptions extends ProfileFacts {
  /** How long a program may take, in milliseconds. */
  readonly timeLimit: number;
  /** The exit statuses that stand for "switched, but some unit failed": from 1 to 255. */
  readonly degradedStatuses: readonly number[];
  /**
   * What a program that systemd starts has in its environment besides the variables `HAIL_...`. Every user of the host
   * can read it, so no secret may be in it. A child of hail's has the whole environment of hail.
   */
  readonly environment: Readonly<Record<string, string>>;
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly report: Report;
}

/** An {@linkcode Activator} that can also clean up behind itself. */
export interface TidyActivator extends Activator {
  /**
   * Removes what is kept of earlier runs of this profile so that their results can be looked up. It is to be called when
   * the result of the last one is on the disk, and it never fails.
   *
   * @param keepId The run that is kept; null for none.
   */
  tidy(keepId: string | null): Promise<void>;
  /**
   * Waits until no program of this profile runs any more that an earlier hail has begun. None is begun after it.
   *
   * @param leader The process group of one that was a child of hail's; null where none is known.
   * @throws {Failure} `activation-not-run` if systemd does not answer; `activation-aborted` when `stop.now` ended it.
   * @throws The reason of `stop`, where the program outlives hail.
   */
  outwait(leader: number | null, stop: Stop): Promise<void>;
}

/**
 * Runs `bin/deactivate`, if there is one.
 *
 * @param perform Runs it, and throws a {@linkcode Failure} if it fails.
 * @throws What `perform` throws, unless it is a {@linkcode Failure}.
 */
export async function deactivateWith(
  options: Pick<ActivatorOptions, "profile" | "jobUri" | "report">,
  activation: Activation,
  perform: (program: string) => Promise<unknown>,
): Promise<void> {
  const program = programPath(options, "deactivate");
  try {
    if (!await findProgram(program)) return;
    options.report({
      name: "deactivate",
      level: "info",
      message: `running ${program}`,
      fields: { build_id: activation.buildId, path: activation.storePath },
    });
    await perform(program);
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "activation-aborted") throw error;
    options.report({
      name: "deactivate-failed",
      level: "warning",
      message: `${error.message}. hail goes on all the same`,
      fields: { code: error.code, what: error.what, why: error.why },
    });
  }
}

/**
 * Makes sure that a profile has the program.
 *
 * @throws {Failure} `activate-missing`, `activate-not-executable`.
 */
export async function requireProgram(program: string): Promise<void> {
  if (!await findProgram(program)) throw missing(program);
}

/** The reason why hail is to stop. */
export function stopReason({ gently, now }: Stop): unknown {
  return gently.aborted ? gently.reason : now.reason;
}
