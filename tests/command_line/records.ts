/**
 * What hail remembers in many situations, made by the same transitions as in a real one.
 *
 * @module
 */

import { advance, type Happening } from "../../lib/deployment/advance.ts";
import type { Build } from "../../lib/deployment/build.ts";
import {
  type Deployment,
  emptyRecord,
  type Fault,
  type ServiceRecord,
  type Step,
} from "../../lib/deployment/record.ts";
import type { StorePath } from "../../lib/nix/store_path.ts";

const MINUTE = 60_000;

/** When all this is looked at. */
export const NOW = new Date(2026, 10, 22, 16, 40, 3).getTime();

/** A build of the service; its path tells its number. */
export function build(id: number): Build {
  const hash = String(id).padStart(32, "0");
  const outPath = `/nix/store/${hash}-web-${id}.0` as StorePath;
  return { id, outPath, name: `web-${id}.0`, finishedAt: (NOW - 60 * MINUTE) / 1_000 };
}

function version(id: number) {
  const { outPath: path, name } = build(id);
  return { path, buildId: id, name };
}

function fault(step: Step): Fault {
  const code = step === "health" ? "health-failed" : "activation-failed";
  return {
    step,
    code,
    message: step === "health"
      ? "http http://127.0.0.1:8080/health: it answers 500, and 2xx is expected, three times in a row"
      : `${build(12).outPath}/bin/activate: it ended with exit status 1`,
    next: "Look at what it printed, in the log above.",
    at: NOW - 3 * MINUTE,
  };
}

/** A record, and the deployments that led to it, the newest first. */
export interface Scene {
  readonly record: ServiceRecord;
  readonly history: readonly Deployment[];
}

/** Plays events one after the other, a minute each, of which the last one is three minutes ago. */
function play(happenings: readonly Happening[], facts: Partial<ServiceRecord> = {}): Scene {
  let at = NOW - (happenings.length + 2) * MINUTE;
  let record: ServiceRecord = { ...emptyRecord(at), seen: null };
  const history = new Map<number, Deployment>();
  for (const happening of happenings) {
    const latest = happening.event === "build-found" ? { latest: happening.build } : {};
    const advanced = advance({ ...record, ...latest }, happening, at);
    record = advanced.record;
    for (const deployment of advanced.deployments) history.set(deployment.id, deployment);
    at += MINUTE;
  }
  const polls = { polledAt: NOW - 3 * MINUTE, nextPollAt: NOW + 2 * MINUTE };
  return { record: { ...record, ...polls, ...facts }, history: [...history.values()].reverse() };
}

const found = (id: number, from: number | null): Happening => ({
  event: "build-found",
  unwell: false,
  build: build(id),
  goBackTo: from === null ? null : version(from),
});
const to = {
  switching: [{ event: "admitted" }, { event: "realised" }],
  activating: [{ event: "admitted" }, { event: "realised" }, { event: "switched" }],
  verifying: [
    ...[{ event: "admitted" }, { event: "realised" }, { event: "switched" }],
    { event: "activated", degraded: false },
  ],
  active: [
    ...[{ event: "admitted" }, { event: "realised" }, { event: "switched" }],
    ...[{ event: "activated", degraded: false }, { event: "verified" }],
  ],
} as const satisfies Record<string, readonly Happening[]>;

const first = [found(11, null), ...to.active];
const update = [...first, found(12, 11)];
const unhealthy = [
  ...update,
  ...to.verifying,
  { event: "verification-failed", fault: fault("health") },
] as const satisfies readonly Happening[];
const failure = {
  at: NOW - 3 * MINUTE,
  code: "path-unavailable",
  message: `${build(12).outPath}: no substituter has it (yet)`,
  next: "hail tries again; look whether Hydra has uploaded it to the cache.",
} as const;

/** The situations, by what they are. */
export const SCENES: Readonly<Record<string, Scene>> = {
  "nothing yet": { record: emptyRecord(NOW), history: [] },
  "a first version": play(first),
  "a build that was just found": play(update),
  "a build that is fetched": play([...update, { event: "admitted" }]),
  "a build that is not in the cache yet": play(
    [...update, { event: "admitted" }, { event: "realise-failed" }],
    { failures: 3, lastFailure: failure },
  ),
  "a build that is switched to": play([...update, ...to.switching]),
  "a build that is activated": play([...update, ...to.activating]),
  "a build that is verified": play([...update, ...to.verifying]),
  "an update": play([...update, ...to.active], { lastFailure: failure }),
  "an update that is degraded": play([
    ...update,
    ...to.activating,
    { event: "activated", degraded: true },
    { event: "verified" },
  ]),
  "a build whose activation fails": play([
    ...update,
    ...to.activating,
    { event: "activation-failed", fault: fault("activation") },
  ]),
  "a roll-back that activates": play([...unhealthy, { event: "restored" }]),
  "a build that was rolled back": play([
    ...unhealthy,
    { event: "restored" },
    { event: "reactivated", degraded: false },
    { event: "reverified" },
  ]),
  "a roll-back that failed": play(
    [
      ...unhealthy,
      { event: "restored" },
      { event: "reactivation-failed", fault: fault("activation") },
    ],
    {
      failures: 1,
      lastFailure: { ...failure, code: "rollback-failed", message: "web: the roll-back to build 11 failed" },
    },
  ),
  "a first version that is taken back": play([
    found(12, null),
    ...to.activating,
    { event: "activation-failed", fault: fault("activation") },
  ]),
  "a first version that was taken back": play([
    found(12, null),
    ...to.activating,
    { event: "activation-failed", fault: fault("activation") },
    { event: "undone" },
  ]),
  "a version that is activated again": play([...first, { event: "started", version: version(11) }]),
  "a version that could not be activated again": play([
    ...first,
    { event: "started", version: version(11) },
    { event: "activation-failed", fault: fault("activation") },
  ]),
  "a change by hand": play([
    ...update,
    ...to.active,
    { event: "changed-by-hand", path: build(11).outPath, hold: false },
  ]),
  "a change by hand that holds": play([
    ...update,
    ...to.active,
    { event: "changed-by-hand", path: build(7).outPath, hold: true },
  ]),
  "a profile that was removed by hand": play([...first, {
    event: "changed-by-hand",
    path: null,
    hold: false,
  }]),
  "a roll-back of the operator's": play([
    ...update,
    ...to.active,
    { event: "rollback-asked", from: version(12), to: version(11), reason: "the operator asked for it" },
    { event: "restored" },
    { event: "reactivated", degraded: false },
    { event: "reverified" },
  ]),
  "a pause": play([...first, { event: "refused" }], {
    latest: build(12),
    pause: {
      reason: "the shop is busy until the holidays are over",
      since: NOW - MINUTE,
      until: NOW + 90 * MINUTE,
    },
  }),
  "a gate that is closed": play([...first, { event: "refused" }], {
    latest: build(12),
    closed: {
      gate: "window Sun 20:00-22:00",
      why: "outside of its maintenance windows",
      askAgainAt: NOW + 200 * MINUTE,
    },
  }),
  "a gate that is closed, nobody knows how long": play([...first, { event: "refused" }], {
    latest: build(10),
    closed: { gate: "inhibit /run/hail/inhibit.d", why: "the disk is being exchanged", askAgainAt: null },
  }),
  "a version that could not be activated again, and a pause": play([
    ...first,
    { event: "started", version: version(11) },
    { event: "activation-failed", fault: fault("activation") },
  ], {
    failures: 2,
    lastFailure: { ...failure, code: "activation-failed", message: fault("activation").message },
    latest: build(12),
    pause: { reason: "hands off", since: NOW - MINUTE, until: null },
  }),
  "a pause without an end": play(first, { pause: { reason: null, since: NOW - MINUTE, until: null } }),
  "a downgrade that is refused": play([...first, { event: "refused" }], { latest: build(10) }),
  "a build that another one came before": play([
    ...update,
    { event: "admitted" },
    { event: "realise-failed" },
    found(13, 11),
    ...to.active,
  ]),
  "words of others that drive a terminal": play(first, {
    pause: { reason: "\u001b[31mred\u001b[0m\nand a line\u202e", since: NOW - MINUTE, until: null },
    lastFailure: { ...failure, message: `${"long".repeat(40)} \u0007bell`, next: "a\tb" },
  }),
};
