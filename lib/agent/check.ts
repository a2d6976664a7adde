import { advance } from "../deployment/advance.ts";
import { judge, type Policy, type Verdict } from "../deployment/decision.ts";
import { expectedPaths } from "../deployment/expected.ts";
import { next, STATES } from "../deployment/machine.ts";
import type { Build } from "../deployment/build.ts";
import type { ServiceRecord } from "../deployment/record.ts";
import { createPreview, type Preview } from "../nix/preview.ts";
import { nixFiles } from "../nix/nix_files.ts";
import { readProfile } from "../nix/profile_link.ts";
import { storeFolder, type StorePath } from "../nix/store_path.ts";
import { createRunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import { systemClock } from "../time/system_clock.ts";
import { createHydraClient, type DeployOptions } from "./compose.ts";
import type { Environment } from "./environment.ts";

/** What would happen at a poll now. */
export interface CheckResult {
  readonly profile: string;
  readonly current: StorePath | null;
  readonly latest: Build;
  readonly verdict: Verdict;
  /** Whether nothing new would be deployed, but what has failed before, or was cut off, would be tried again. */
  readonly unwell: boolean;
  /** What a deployment would cost and change; null where nothing would be deployed because the profile is there. */
  readonly preview: Preview | null;
}

/** The record as a poll would have it, which notices a change by hand first. */
function asSeen(record: ServiceRecord, path: StorePath | null, policy: Policy, now: number): ServiceRecord {
  const unnoticed = record.seen !== undefined && policy.onManualChange !== "ignore" &&
    !expectedPaths(record).includes(path);
  const hold = policy.onManualChange === "hold";
  return unnoticed && next(record.state, "changed-by-hand", record.work?.kind ?? null) !== null
    ? advance(record, { event: "changed-by-hand", path, hold }, now).record
    : record;
}

/**
 * Finds out what a poll would do now. It changes nothing.
 *
 * @param options How hail was started.
 * @param record What it remembers.
 * @throws {Failure} What the poll would fail with.
 */
export async function check(
  options: DeployOptions,
  record: ServiceRecord,
  version: string,
  env: Environment,
  report: Report,
): Promise<CheckResult> {
  const store = storeFolder(env);
  const hydra = await createHydraClient(options, version, env, report);
  const signal = new AbortController().signal;
  const latest = await hydra.build(await hydra.latest(signal), signal);
  const current = await readProfile(options.profile, store);
  const now = systemClock.now();
  const verdict = judge({
    record: asSeen(record, current, options, now),
    latest,
    current,
    policy: options,
    now,
  });
  const unwell = verdict.do === "nothing" && (record.state === "failed" || STATES[record.state] !== null);
  const preview = current === latest.outPath ? null : await createPreview({
    run: createRunCommand(systemClock),
    storeFolder: store,
    freeSpace: (folder) => nixFiles.freeSpace(folder),
  })({ current, wanted: latest.outPath }, signal);
  return { profile: options.profile, current, latest, verdict, unwell, preview };
}
