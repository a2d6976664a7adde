import { advance, wayBack } from "../deployment/advance.ts";
import { AFTER, closedBy, judge, type Policy, type Verdict } from "../deployment/decision.ts";
import { expectedPaths } from "../deployment/expected.ts";
import { next, STATES } from "../deployment/machine.ts";
import type { Build } from "../deployment/build.ts";
import type { ServiceRecord } from "../deployment/record.ts";
import { createPreview, type Preview } from "../nix/preview.ts";
import { nixFiles } from "../nix/nix_files.ts";
import { readProfile } from "../nix/profile_link.ts";
import { storeFolder, type StorePath } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { composeGates, composeHydra } from "./compose.ts";
import type { Environment } from "./environment.ts";
import { createShared } from "./shared.ts";

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
 * @param service How hail keeps it.
 * @param record What it remembers.
 * @param kept Whether a hail keeps it now.
 * @throws {Failure} What the poll would fail with.
 */
export async function check(
  service: ServiceSettings,
  record: ServiceRecord,
  kept: boolean,
  version: string,
  env: Environment,
  report: Report,
): Promise<CheckResult> {
  const store = storeFolder(env);
  const shared = createShared(version, env, { maxRealisations: 1, maxActivations: 1 });
  const { hydra } = await composeHydra(service, shared, report);
  const signal = new AbortController().signal;
  const latest = await hydra.build(await hydra.latest(signal), signal);
  const current = await readProfile(service.profile, store);
  const now = shared.clock.now();
  let verdict: Verdict = judge({
    record: asSeen(record, current, service, now),
    latest,
    current,
    policy: service,
    now,
  });
  if (verdict.do === "deploy") {
    const knownSince = record.latest?.id === latest.id ? record.latestSince ?? now : now;
    const gates = composeGates(service, hydra.evaluations, report, shared);
    const first = wayBack(record, current) === null;
    const closed = await gates.ask({ build: latest, knownSince, first }, signal);
    // Who comes before whom, only the agent knows: what it has said last stands while it runs.
    const asked = kept && record.latest?.id === latest.id && record.closed?.gate === AFTER;
    const waits = asked ? record.closed : null;
    const stands = closed ?? waits;
    if (stands !== null) verdict = { do: "refuse", ...closedBy(stands) };
  }
  const unwell = verdict.do === "nothing" && (record.state === "failed" || STATES[record.state] !== null);
  const preview = current === latest.outPath ? null : await createPreview({
    run: shared.run,
    storeFolder: store,
    freeSpace: (folder) => nixFiles.freeSpace(folder),
  })({ current, wanted: latest.outPath }, signal);
  return { profile: service.profile, current, latest, verdict, unwell, preview };
}
