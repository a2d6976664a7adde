import assert from "node:assert/strict";
import { advance, type Happening } from "../../../lib/deployment/advance.ts";
import { type Deployment, emptyRecord, type ServiceRecord } from "../../../lib/deployment/record.ts";
import { parseStorePath, type StorePath } from "../../../lib/nix/store_path.ts";
import type { StoredTransition } from "../../../lib/journal/read.ts";
import { kindOf } from "./builds.ts";
import { type LogLine, type Observation, Watcher } from "./invariants.ts";

/** The store path of a build, by its name, e.g. `web-sound-1`. */
function pathOf(name: string): StorePath {
  const path = parseStorePath(`/nix/store/${"0".repeat(32)}-${name}`);
  assert.ok(path !== null);
  return path;
}

const ONE = pathOf("web-sound-1");
const TWO = pathOf("web-sound-2");
const BROKEN = pathOf("web-fails-late-2");

/** A service whose hail does what the state machine says. */
class Service {
  record: ServiceRecord = emptyRecord(0);
  readonly transitions: StoredTransition[] = [];
  readonly deployments = new Map<number, Deployment>();
  readonly log: LogLine[] = [];
  #now = 0;

  take(...happenings: Happening[]): this {
    for (const happening of happenings) {
      this.#now += 10;
      const advanced = advance(this.record, happening, this.#now);
      this.record = advanced.record;
      this.transitions.push({ ...advanced.transition, seq: this.transitions.length + 1 });
      for (const deployment of advanced.deployments) this.deployments.set(deployment.id, deployment);
      const { work } = this.record;
      const activated = advanced.transition.to === "activating"
        ? work?.target
        : advanced.transition.to === "reactivating"
        ? work?.goBackTo
        : null;
      if (activated) this.activate(activated.path);
    }
    return this;
  }

  activate(path: StorePath, at = this.#now + 1) {
    this.log.push({ at, what: "begin", by: "hail", path });
  }

  deploy(path: StorePath, id: number): this {
    return this.begin(path, id).take({ event: "activated", degraded: false }, { event: "verified" });
  }

  begin(outPath: StorePath, id: number): this {
    const { active } = this.record;
    return this.take(
      {
        event: "build-found",
        unwell: false,
        build: { id, outPath, name: "web", finishedAt: null },
        goBackTo: active === null ? null : { path: active.path, buildId: active.buildId, name: active.name },
      },
      { event: "admitted" },
      { event: "realised" },
      { event: "switched" },
    );
  }

  /** A build whose activation fails, and the roll-back. */
  fail(path: StorePath, id: number): this {
    return this.begin(path, id).take(
      {
        event: "activation-failed",
        fault: {
          step: "activation",
          code: "activation-failed",
          message: "no",
          next: "Look.",
          at: this.#now + 10,
        },
      },
      { event: "restored" },
      { event: "reactivated", degraded: false },
      { event: "reverified" },
    );
  }

  look(change: Partial<Observation> = {}): Observation {
    const path = this.record.active?.path ?? null;
    return {
      record: this.record,
      transitions: this.transitions,
      deployments: [...this.deployments.values()],
      profile: path === null ? null : { link: "web-1-link", path, valid: true },
      running: path,
      log: this.log,
      ...change,
    };
  }
}

/** What is wrong with a service that is looked at once. */
function faultsOf(seen: Observation): string[] {
  return new Watcher(kindOf).violations(seen);
}

/** A service that has done all that it should. */
function sound(): Service {
  return new Service().deploy(ONE, 1).fail(BROKEN, 2).deploy(TWO, 3);
}

Deno.test("random invariants: there is nothing wrong with a hail that keeps to the state machine", () => {
  assert.deepEqual(faultsOf(sound().look()), []);
  assert.deepEqual(faultsOf(new Service().look()), []);
});

Deno.test("random invariants: each look goes on where the one before has ended", () => {
  const watcher = new Watcher(kindOf);
  const service = sound();
  assert.deepEqual(watcher.violations(service.look()), []);
  service.fail(pathOf("web-hangs-4"), 4);
  assert.deepEqual(watcher.violations(service.look({ log: service.log.slice(-2) })), []);
  // The first transitions have left the database.
  const late = sound();
  assert.match(faultsOf(late.look({ transitions: late.transitions.slice(3) })).join(), /follows upon 0/);
});

Deno.test("random invariants: what is wrong is found", () => {
  const { record, transitions, deployments } = sound().look();
  const profile = { link: "web-1-link", path: TWO, valid: true };
  const cases: [name: string, change: Partial<Observation>, fault: RegExp][] = [
    ["another version runs", { running: ONE }, /web-sound-1 runs, but .*web-sound-2 is active/],
    ["nothing runs", { running: null }, /null runs/],
    ["the profile is gone", { profile: null }, /there is no profile/],
    ["the profile leads elsewhere", { profile: { ...profile, path: ONE } }, /the profile leads to/],
    ["the path is not valid", { profile: { ...profile, valid: false } }, /an invalid path/],
    ["the link is no generation", { profile: { ...profile, link: TWO } }, /no link to a generation/],
    ["a transition is missing", { transitions: transitions.toSpliced(4, 1) }, /transition 6 follows upon 4/],
    ["the last transition is missing", { transitions: transitions.slice(0, -1) }, /the history ends with/],
    ["a deployment is missing", { deployments: deployments.toSpliced(1, 1) }, /deployment 3 follows upon 1/],
    [
      "a deployment has never ended",
      { deployments: deployments.map((one) => one.id === 2 ? { ...one, endedAt: null } : one) },
      /deployment 2 has never ended/,
    ],
    [
      "a transition that the table does not have",
      { transitions: transitions.map((one) => one.seq === 2 ? { ...one, event: "verified" as const } : one) },
      /verified leads from discovered to realising/,
    ],
    [
      "a broken build is active",
      { record: { ...record, active: { ...record.active!, path: BROKEN } } },
      /a build that is fails-late is active/,
    ],
    [
      "two activations at once",
      { log: [{ at: 1, what: "overlap", by: "hail", path: TWO }] },
      /two activations at once/,
    ],
    [
      "an activation that nobody has asked for",
      { log: [{ at: 45, what: "begin", by: "hail", path: TWO }] },
      /which no deployment allows/,
    ],
    [
      "a deactivation that nobody has asked for",
      { log: [{ at: 45, what: "deactivate", by: "hail", path: ONE }] },
      /web-sound-1 was deactivated at 45, which no deployment allows/,
    ],
  ];
  for (const [name, change, fault] of cases) {
    assert.match(faultsOf(sound().look(change)).join("\n"), fault, name);
  }
});

Deno.test("random invariants: what was taken back for want of something to go back to may be deactivated", () => {
  const service = new Service().begin(BROKEN, 1).take(
    {
      event: "activation-failed",
      fault: { step: "activation", code: "activation-failed", message: "no", next: "Look.", at: 50 },
    },
    { event: "undone" },
  );
  const lines: LogLine[] = [...service.log, { at: 55, what: "deactivate", by: "hail", path: BROKEN }];
  assert.deepEqual(faultsOf(service.look({ log: lines })), []);
});

Deno.test("random invariants: a build that was marked bad is not to be activated again in its deployment", () => {
  const service = sound();
  const failed = service.deployments.get(2);
  assert.ok(failed?.fault);
  service.activate(BROKEN, failed.fault.at + 5);
  assert.match(faultsOf(service.look()).join(), /which no deployment allows: 2 \(update\)/);
});

Deno.test("random invariants: a build that was marked bad is not to be deployed again, but after a retry", () => {
  const service = sound().fail(BROKEN, 4);
  assert.match(faultsOf(service.look()).join(), /deployment 4 is to a build that was marked bad before/);
  const watcher = new Watcher(kindOf);
  watcher.retried(BROKEN, 1_000);
  assert.deepEqual(watcher.violations(service.look()), []);
  const late = new Watcher(kindOf);
  late.retried(ONE, 1_000);
  assert.match(late.violations(service.look()).join(), /marked bad before/);
});

Deno.test("random invariants: a build that was marked bad and then chosen by hand may be deployed again", () => {
  const service = sound().fail(BROKEN, 4);
  const failed = service.deployments.get(2);
  assert.ok(failed?.endedAt);
  const chosen = { ...failed, id: 3, kind: "by-hand", begunAt: failed.endedAt, outcome: "by-hand" } as const;
  const deployments = [...service.deployments.values(), chosen].toSorted((one, other) => one.id - other.id);
  assert.doesNotMatch(faultsOf(service.look({ deployments })).join(), /marked bad before/);
});

Deno.test("random invariants: a sound build is not to be blamed", () => {
  const service = new Service().deploy(ONE, 1).fail(TWO, 2);
  assert.match(faultsOf(service.look()).join(), /deployment 2 blames a sound build: activation, no/);
});
