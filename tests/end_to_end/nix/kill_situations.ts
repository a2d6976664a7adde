import assert from "node:assert/strict";
import type { State } from "../../../lib/deployment/machine.ts";
import { KILLED, type KillHost } from "./kill_host.ts";

/** Where a case begins. */
interface Situation {
  /** The name of the situation that it comes from; a host on which hail never ran where there is none. */
  readonly from?: string;
  /** The state that is reached; null where hail has written nothing. */
  readonly state: State | null;
  /** How to get there. */
  readonly reach: (host: KillHost) => Promise<unknown>;
}

/** Runs hail once, and expects a status. */
async function oneshot(host: KillHost, status: number) {
  assert.equal((await host.run([])).status, status, host.log.join("\n"));
}

async function killedAt(host: KillHost, point: string) {
  assert.equal((await host.run([], point)).status, KILLED, host.log.join("\n"));
}

/** What makes the folder of the profile one that cannot be written, for the hail that runs this and for nobody else. */
export const READ_ONLY =
  'folder=${PROFILE%/*}; mount --bind "$folder" "$folder"; mount -o remount,bind,ro "$folder"';

/** In all of them v1 is what Hydra names, and in those that come from `active` it runs, and v0 did before. */
export const SITUATIONS = {
  "nothing": { state: null, reach: (host) => Promise.resolve(host.announce("v1")) },
  "found": {
    from: "nothing",
    state: null,
    reach: (host) => host.byHand("--set", host.path("v1")),
  },
  "idle": {
    from: "nothing",
    state: "idle",
    reach: (host) => killedAt(host, "idle build-found before"),
  },
  "waiting-first": {
    from: "nothing",
    state: "waiting",
    reach: async (host) => {
      host.once("realise", "v1", "exit 1");
      await oneshot(host, 12);
    },
  },
  "rolled-back-first": {
    from: "nothing",
    state: "rolled-back",
    reach: async (host) => {
      host.fails("activate", "v1");
      await oneshot(host, 14);
    },
  },
  "failed-first": {
    from: "nothing",
    state: "failed",
    reach: async (host) => {
      host.fails("activate", "v1");
      host.once("deactivate", "v1", READ_ONLY);
      await oneshot(host, 17);
    },
  },
  "held-first": {
    from: "idle",
    state: "held",
    reach: async (host) => {
      await host.run(["pause"]);
      await oneshot(host, 18);
    },
  },
  "active": {
    from: "nothing",
    state: "active",
    reach: async (host) => {
      host.announce("v0");
      await oneshot(host, 0);
      host.announce("v1");
      await oneshot(host, 0);
    },
  },
  "waiting": {
    from: "active",
    state: "waiting",
    reach: async (host) => {
      host.announce("v2");
      host.once("realise", "v2", "exit 1");
      await oneshot(host, 12);
    },
  },
  "rolled-back": {
    from: "active",
    state: "rolled-back",
    reach: async (host) => {
      host.announce("v2");
      host.fails("activate", "v2");
      await oneshot(host, 14);
    },
  },
  "held": {
    from: "active",
    state: "held",
    reach: async (host) => {
      host.announce("v2");
      await host.run(["pause"]);
      await oneshot(host, 18);
    },
  },
  // v1 goes on failing.
  "failed-update": {
    from: "activating",
    state: "failed",
    reach: async (host) => {
      host.fails("activate", "v2");
      host.fails("activate", "v1");
      await oneshot(host, 17);
    },
  },
  // v1 goes on failing. v3 was to mend it.
  "failed-rescue": {
    from: "failed-update",
    state: "failed",
    reach: async (host) => {
      host.announce("v3");
      host.once("realise", "v3", "exit 1");
      await oneshot(host, 17);
    },
  },
  // v1 goes on failing.
  "failed-restart": {
    from: "active",
    state: "failed",
    reach: async (host) => {
      host.fails("activate", "v1");
      await oneshot(host, 14);
    },
  },
  // v0 goes on failing.
  "failed-rollback": {
    from: "active",
    state: "failed",
    reach: async (host) => {
      host.fails("activate", "v0");
      assert.equal((await host.run(["rollback"])).status, 17, host.log.join("\n"));
    },
  },
  "discovered-update": {
    from: "active",
    state: "discovered",
    reach: async (host) => {
      host.announce("v2");
      await killedAt(host, "discovered admitted before");
    },
  },
  "discovered-first": {
    from: "nothing",
    state: "discovered",
    reach: (host) => killedAt(host, "discovered admitted before"),
  },
  "discovered-rescue": {
    from: "failed-update",
    state: "discovered",
    reach: async (host) => {
      host.announce("v3");
      await killedAt(host, "discovered admitted before");
    },
  },
  "realising-update": {
    from: "active",
    state: "realising",
    reach: async (host) => {
      host.announce("v2");
      await killedAt(host, "realising realised before");
    },
  },
  "realising-first": {
    from: "nothing",
    state: "realising",
    reach: (host) => killedAt(host, "realising realised before"),
  },
  "realising-rescue": {
    from: "failed-update",
    state: "realising",
    reach: async (host) => {
      host.announce("v3");
      await killedAt(host, "realising realised before");
    },
  },
  "activating": {
    from: "active",
    state: "activating",
    reach: async (host) => {
      host.announce("v2");
      await killedAt(host, "switching switched after");
    },
  },
  "verifying": {
    from: "activating",
    state: "verifying",
    reach: (host) => killedAt(host, "verifying verified before"),
  },
  "reverifying": {
    from: "activating",
    state: "reverifying",
    reach: async (host) => {
      host.fails("activate", "v2");
      await killedAt(host, "reverifying reverified before");
    },
  },
} as const satisfies Readonly<Record<string, Situation>>;

/** The name of a situation. */
export type SituationName = keyof typeof SITUATIONS;

/** The situations of one host: each is made once, and brought back for each case. */
export class Situations {
  readonly #kept = new Map<SituationName, () => Promise<void>>();

  constructor(readonly host: KillHost) {}

  /** Brings the host into a situation. */
  async enter(name: SituationName): Promise<void> {
    const restore = this.#kept.get(name);
    if (restore !== undefined) return await restore();
    const { from, reach, state }: Situation = SITUATIONS[name];
    if (from === undefined) await this.host.clear();
    else await this.enter(from as SituationName);
    await reach(this.host);
    if (state !== null) assert.equal(this.host.world.remembered().record.state, state, name);
    this.#kept.set(name, await this.host.save(name));
  }
}
