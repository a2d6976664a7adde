/** Records, deployments and transitions such as a journal keeps. */
import type { Advance, BadBuild, Deployment, ServiceRecord, Version } from "../../lib/deployment/record.ts";
import { parseStorePath, type StorePath } from "../../lib/nix/store_path.ts";

/** The store path of a version of the service, by its number. */
export function pathOf(number: number): StorePath {
  const path = parseStorePath(`/nix/store/${String(number).padStart(32, "0")}-web-${number}.0`);
  if (path === null) throw new Error(`no version ${number}`);
  return path;
}

/** A version of the service, by its number. */
export function versionOf(number: number): Version {
  return { path: pathOf(number), buildId: 1000 + number, name: `web-${number}.0` };
}

/** A deployment that has failed, with all that there can be. */
export function deploymentOf(id: number, more: Partial<Deployment> = {}): Deployment {
  return {
    id,
    kind: "update",
    target: versionOf(id),
    goBackTo: versionOf(id - 1),
    begunAt: 1_800_000_000_000 + id,
    endedAt: 1_800_000_000_500 + id,
    outcome: "rolled-back",
    fault: {
      step: "health",
      code: "health-failed",
      message: "http://127.0.0.1/: 'no' is not expected – ✗",
      next: "Look.",
      at: 1_800_000_000_300,
    },
    rollbackFault: { step: "switch", code: "switch-failed", message: "m", next: "n", at: 1_800_000_000_400 },
    degraded: true,
    hydraAnswered: true,
    runs: 3,
    begun: 1,
    leader: { pid: 4711, bootId: "0b0e1ae4-8fd7-4fb5-a0b6-5e2ae0c0fd20" },
    ...more,
  };
}

/** A build that is marked bad. */
export function badOf(number: number): BadBuild {
  return {
    path: pathOf(number),
    buildId: 1000 + number,
    step: "health",
    reason: "it was not well",
    at: 1_800_000_000_000,
  };
}

/** A record in which nothing is missing. */
export function fullRecord(): ServiceRecord {
  return {
    state: "rolled-back",
    since: 1_800_000_000_001,
    work: deploymentOf(7),
    deployments: 7,
    active: { ...versionOf(6), since: 1_800_000_000_002, how: "rolled-back", degraded: true },
    previous: versionOf(5),
    seen: pathOf(6),
    latest: { id: 1007, outPath: pathOf(7), name: "web-7.0", finishedAt: 1_800_000_000 },
    latestSince: 1_800_000_000_008,
    closed: { gate: "window", why: "not before two", askAgainAt: 1_800_000_000_009 },
    bad: [badOf(7), badOf(3), badOf(4)],
    pause: { reason: "the fair", since: 1_800_000_000_003, until: 1_800_000_999_000 },
    heldSince: 1_800_000_000_004,
    polledAt: 1_800_000_000_005,
    nextPollAt: 1_800_000_000_006,
    failures: 2,
    lastFailure: { at: 1_800_000_000_007, code: "hydra-timeout", message: "slow", next: "Wait." },
  };
}

/**
 * A step of a service that deploys one version after the other for ever: each record follows from the one before, as in
 * the state machine.
 */
export function stepAfter(record: ServiceRecord, now: number): Advance {
  const begun = {
    endedAt: null,
    outcome: null,
    fault: null,
    rollbackFault: null,
    leader: null,
    degraded: false,
  };
  const work = record.work ?? deploymentOf(1, begun);
  const advanceTo = (
    state: ServiceRecord["state"],
    event: Advance["transition"]["event"],
    work: Deployment,
    more: Partial<ServiceRecord> = {},
  ): Advance => ({
    record: { ...record, state, since: now, work, deployments: work.id, ...more },
    transition: { deploymentId: work.id, at: now, from: record.state, event, to: state },
    deployments: [work],
  });
  switch (record.state) {
    case "idle":
    case "active": {
      const id = record.deployments + 1;
      return advanceTo("discovered", "build-found", deploymentOf(id, begun));
    }
    case "discovered":
      return advanceTo("realising", "admitted", work);
    case "realising":
      return advanceTo("switching", "realised", work);
    case "switching":
      return advanceTo("activating", "switched", { ...work, runs: work.runs + 1 });
    case "activating":
      return advanceTo("verifying", "activated", work);
    default:
      return advanceTo("active", "verified", { ...work, endedAt: now, outcome: "active" }, {
        active: { ...work.target, since: now, how: "deployed", degraded: false },
        seen: work.target.path,
      });
  }
}
