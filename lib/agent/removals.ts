import type { Stop } from "../deployment/ports.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { OnRemoval, ServiceSettings } from "../settings/service.ts";
import { anySignal } from "../time/any_signal.ts";
import { nextDelay } from "./backoff.ts";
import { type RemovalShared, removeService } from "./removal.ts";
import type { Orphan } from "./strays.ts";

/** What the removals of an agent work with. */
export interface RemovalsPorts {
  readonly shared: RemovalShared;
  readonly stop: Stop;
  readonly report: Report;
  /** The folder of the state databases. */
  readonly folder: string;
  /** The agent's configuration file; null for a hail of the classic command line. */
  readonly config: string | null;
  /** What the configuration says now. */
  readonly wanted: () => ReadonlyMap<ProfilePath, ServiceSettings>;
}

/** How often a removal that fails is tried again, in milliseconds: at the most. */
const PERIOD = 15 * 60_000;

/** The removals of services that an agent's configuration does not name any more, each for as long as that is so. */
export class Removals {
  readonly #ports: RemovalsPorts;
  /** Those that are under way; each is called off by its controller if it does not hold any more. */
  readonly #underWay = new Map<AbortController, () => boolean>();
  /** Resolved for as long as a removal of the profile has failed, and waits to be tried again. */
  readonly #stuck = new Map<ProfilePath, PromiseWithResolvers<void>>();
  /** Aborted when the configuration says something else. */
  #changed = new AbortController();

  constructor(ports: RemovalsPorts) {
    this.#ports = ports;
  }

  /** The configuration says something else: what does not hold any more is called off, what has failed is tried again. */
  reconsider(): void {
    this.#changed.abort();
    this.#changed = new AbortController();
    for (const [off, holds] of this.#underWay) {
      if (!holds()) off.abort(new Error("the removal is called off"));
    }
  }

  /** Takes a service out, however often it takes; unless it is renamed, which is done when it begins under its new name. */
  async remove(orphan: Orphan): Promise<void> {
    const { shared, folder, config, report, stop } = this.#ports;
    const { profile, name } = orphan;
    for (let failures = 1; !stop.gently.aborted; failures++) {
      const how = this.#howNow(orphan);
      if (how === null) return;
      const off = new AbortController();
      this.#underWay.set(off, () => this.#howNow(orphan) === how);
      try {
        const what = { profile, name, how, calledOff: off.signal };
        await removeService({ ...what, folder, config, report, stop }, shared);
        if (!off.signal.aborted) return;
      } catch (error) {
        if (stop.gently.aborted) return;
        const delay = nextDelay({ failures, period: PERIOD, random: Math.random() });
        report({ ...failureEvent(error, { failures, retry_in_ms: Math.round(delay) }), service: name });
        if (!off.signal.aborted) await this.#pause(profile, delay);
      } finally {
        this.#underWay.delete(off);
      }
    }
  }

  /** How a service is to be taken out; null where it is to stay. */
  #howNow({ profile, name, how, resumed }: Orphan): OnRemoval | null {
    const wanted = this.#ports.wanted();
    const others = [...wanted.values()];
    if (wanted.has(profile) || others.some(({ renamedFrom }) => renamedFrom === name)) return null;
    // Under the same name it has another profile now: what the old one runs may be what the new one needs.
    return !resumed && others.some((one) => one.name === name) ? "keep" : how;
  }

  /** Waits until it may be tried again; shorter where hail is told to stop, or the configuration says something else. */
  async #pause(profile: ProfilePath, delay: number): Promise<void> {
    const { stop, shared: { clock } } = this.#ports;
    this.#stuckOf(profile).resolve();
    using over = anySignal(stop.gently, this.#changed.signal);
    await clock.sleep(delay, over.signal);
    this.#stuck.delete(profile);
  }

  /** Waits until what was begun for a profile has ended, or what is left of it is a removal that can be done only later. */
  async untilStuck(profile: ProfilePath, begun: Promise<void>): Promise<void> {
    await Promise.race([begun, this.#stuckOf(profile).promise]);
  }

  #stuckOf(profile: ProfilePath): PromiseWithResolvers<void> {
    const stuck = this.#stuck.get(profile) ?? Promise.withResolvers<void>();
    this.#stuck.set(profile, stuck);
    return stuck;
  }
}
