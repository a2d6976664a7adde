import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import type { Stop } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import { storeFolder } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { ServiceSettings } from "../settings/service.ts";
import type { OwnShared } from "./shared.ts";
import { Order } from "./order.ts";
import { Removals } from "./removals.ts";
import { refusedWords, takeOverRenamed } from "./rename.ts";
import { Service } from "./service.ts";
import type { StageBoard } from "./stage_board.ts";
import { findOrphans, type Orphan } from "./strays.ts";
import { Hindrances } from "./hindrances.ts";

/** What the services of one hail need. */
export interface FleetPorts {
  readonly shared: OwnShared;
  readonly stop: Stop;
  readonly report: Report;
  /** The folder of the state databases, and the group that may read them. */
  readonly folder: string;
  readonly gid: number | null;
  /** The agent's configuration file; null for a hail of the classic command line. */
  readonly config: string | null;
  readonly board: StageBoard;
}

/** What a new configuration changes. */
export interface Changes {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** What does not matter if it is lost is written once a minute, and less often where that would be a load of its own. */
const LAZY_LIMIT = 60_000;
const LAZY_LIMIT_EACH = 600;

/** How long services are written down before others may do something, in milliseconds: a disk may be slow. */
const FLUSH_SPAN = 10;

/** How many services are opened before others may do something. */
const AT_ONCE = 10;

/**
 * The services that one hail keeps, by their profiles. What is done to a profile is done one after the other: a service that
 * leaves is gone, and taken out, before another one begins on the same profile.
 */
export class Fleet {
  readonly #ports: FleetPorts;
  readonly #order = new Order();
  readonly #hindrances: Hindrances | null;
  readonly #services = new Map<ProfilePath, Service>();
  /** What the configuration says now. */
  #wanted = new Map<ProfilePath, ServiceSettings>();
  /** The names of all services that there were, by their profiles. */
  readonly #names = new Map<ProfilePath, string>();
  readonly #removals: Removals;
  /** Settles when all that was begun for a profile has ended. */
  readonly #affairs = new Map<ProfilePath, Promise<void>>();

  constructor(ports: FleetPorts) {
    this.#ports = ports;
    const { config, folder, gid, shared: { clock } } = ports;
    this.#hindrances = config === null ? null : new Hindrances(folder, gid, clock);
    this.#removals = new Removals({ ...ports, wanted: () => this.#wanted });
  }

  /**
   * Opens the only service of a classic hail.
   *
   * @throws {Failure} As `Service.open`.
   */
  async openOnly(services: readonly ServiceSettings[]): Promise<void> {
    this.#want(services);
    for (const settings of services) await this.#add(settings).open(false);
  }

  /** Polls once with the only service of a classic hail. The exit status is that of `Service.runOnce`. */
  async runOnce(): Promise<number> {
    const [service] = this.#services.values();
    if (service === undefined) throw new Error("there is no service");
    return await service.runOnce();
  }

  /** Keeps the services. Resolves when hail was told to stop, and all of them have come to rest. */
  async start(services: readonly ServiceSettings[]): Promise<void> {
    const { stop, shared: { clock }, config } = this.#ports;
    this.#hindrances?.begin();
    this.#want(services);
    // All have their places in the order before the first one begins.
    const added = services.map((settings) => this.#services.get(settings.profile) ?? this.#add(settings));
    for (const orphan of this.#orphans(services)) this.#removeInTurn(orphan);
    for (const [index, service] of added.entries()) {
      this.#launch(service);
      if (index % AT_ONCE === AT_ONCE - 1) await clock.sleep(0);
    }
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    stop.gently.addEventListener("abort", () => resolve(), { once: true });
    if (stop.gently.aborted) resolve();
    // A classic hail ends with its service, an agent only when it is told to.
    if (config !== null) await stopped;
    while (this.#affairs.size > 0) await Promise.all(this.#affairs.values());
  }

  /** Makes what the configuration says now so: begins, changes and takes out services, and leaves the others alone. */
  apply(services: readonly ServiceSettings[]): Changes {
    this.#want(services);
    // One that waits to be tried again may be off now, and others may wait behind it.
    this.#removals.reconsider();
    let [added, changed, removed] = [0, 0, 0];
    const fresh: Service[] = [];
    for (const settings of services) {
      const running = this.#services.get(settings.profile);
      if (running === undefined) {
        added += 1;
        fresh.push(this.#add(settings));
      } else if (!isSame(running.settings, settings) || running.hasNewCredentials) {
        changed += 1;
        this.#names.set(settings.profile, settings.name);
        this.#tellOfVainRename(running, settings);
        running.reconfigure(settings);
      } else running.tryAgain();
    }
    for (const [profile, service] of this.#services) {
      if (this.#wanted.has(profile)) continue;
      removed += 1;
      this.#services.delete(profile);
      service.leave();
    }
    this.#order.reconsider();
    // A removal may have stood back for a service of another name that has left since, or that is no change of a name any more.
    for (const orphan of this.#orphans(services)) this.#removeInTurn(orphan);
    for (const service of fresh) this.#launch(service);
    return { added, changed, removed };
  }

  /**
   * Does what an operator asks for.
   *
   * @param profile The profile of the service; null for the only one.
   * @throws {Failure} `unknown-service`: this hail does not keep it. As `Service.operate`.
   */
  async operate(
    request: OperatorRequest,
    profile: string | null,
    progress: (text: string) => void,
  ): Promise<OperatorAnswer> {
    return await this.#find(profile).operate(request, progress);
  }

  /**
   * Writes down what waits to be written, so that the databases show what is so now.
   *
   * @param profile The profile of a service; null for all.
   * @throws {Failure} `unknown-service`.
   */
  async flush(profile: string | null): Promise<void> {
    const { clock } = this.#ports.shared;
    let begun = clock.monotonic();
    for (const service of profile === null ? [...this.#services.values()] : [this.#find(profile)]) {
      service.flush();
      if (clock.monotonic() - begun < FLUSH_SPAN) continue;
      await clock.sleep(0);
      begun = clock.monotonic();
    }
  }

  /** Wakes a service by the name that the configuration gives it. */
  wake(name: string): "woken" | "unknown" {
    const services = [...this.#services.values()];
    // One that is under another name until what is under way has ended has its new one already.
    const service = services.find(({ settings }) => settings.name === name);
    service?.poll();
    return service === undefined ? "unknown" : "woken";
  }

  /** Wakes all services. */
  pollAll(): void {
    for (const service of this.#services.values()) service.poll();
  }

  /** Waits for what is under way, and gives all profiles back. Hail was told to stop. */
  async close(): Promise<void> {
    const closed = await Promise.allSettled([...this.#services.values()].map((service) => service.close()));
    for (const one of closed) if (one.status === "rejected") this.#ports.report(failureEvent(one.reason));
    await this.#hindrances?.close();
  }

  #want(services: readonly ServiceSettings[]): void {
    this.#wanted = new Map(services.map((settings) => [settings.profile, settings]));
  }

  #find(profile: string | null): Service {
    const services = [...this.#services.values()];
    const found = profile === null
      ? services.length === 1 ? services[0] : undefined
      : this.#services.get(profile as ProfilePath);
    if (found !== undefined) return found;
    throw new Failure("unknown-service", {
      what: profile ?? "the request",
      why: profile === null
        ? `it names no service, and ${services.length} are kept`
        : "this hail does not keep it",
      next: "See `hail status` for those that are kept.",
    });
  }

  #add(settings: ServiceSettings): Service {
    const service = new Service(settings, {
      ...this.#ports,
      order: this.#order,
      hindrances: this.#hindrances,
      prepare: (of) => this.#prepare(of),
      lazyLimit: () => Math.max(LAZY_LIMIT, LAZY_LIMIT_EACH * this.#wanted.size),
    });
    this.#services.set(settings.profile, service);
    this.#names.set(settings.profile, settings.name);
    return service;
  }

  /** A service that is kept already has what it needs: it takes over nothing, and what it names so stays meanwhile. */
  #tellOfVainRename(running: Service, { name, renamedFrom, profile }: ServiceSettings): void {
    if (
      renamedFrom === undefined || renamedFrom === running.settings.renamedFrom || running.record() === null
    ) return;
    const from = [...this.#names].find(([other, called]) => called === renamedFrom && other !== profile)?.[0];
    if (from === undefined) return;
    this.#ports.report({
      name: "rename-refused",
      level: "warning",
      message: refusedWords(from, "it is kept itself already"),
      fields: { from, profile },
      service: name,
    });
  }

  /** Keeps a service until it leaves, and then does what is to become of it. */
  #launch(service: Service): void {
    const { profile } = service.settings;
    this.#after(profile, async () => {
      if (!await service.run()) return;
      // Meanwhile it may have been put into the configuration again.
      if (this.#wanted.has(profile)) return;
      const { name, onRemoval } = service.settings;
      await this.#removals.remove({ profile, name, how: onRemoval, resumed: false });
    });
  }

  /** The services that this agent has kept, that its configuration does not name any more, and of which nothing is under way. */
  #orphans(services: readonly ServiceSettings[]): Orphan[] {
    const { shared: { env }, folder, report, config } = this.#ports;
    if (config === null) return [];
    // To read a database that is open here would end the locks of its journal.
    const busy = this.#affairs.keys();
    return findOrphans({ folder, config, services, busy, storeFolder: storeFolder(env), report });
  }

  #removeInTurn(orphan: Orphan): void {
    // So that a service that goes on from where it was waits until nothing is under way.
    this.#names.set(orphan.profile, orphan.name);
    this.#after(orphan.profile, () => this.#removals.remove(orphan));
  }

  /** What has to be done before a service can begin: it may have been another one before. */
  async #prepare(settings: ServiceSettings): Promise<void> {
    const { config, folder, report, stop, shared } = this.#ports;
    if (config === null) return;
    const holds = () => {
      const wanted = this.#wanted.get(settings.profile);
      return wanted?.name === settings.name && wanted.renamedFrom === settings.renamedFrom;
    };
    // It must have come to rest under its name of before, or on its profile of before.
    const formerly = new Set<ProfilePath>();
    for (const [profile, name] of this.#names) {
      // What has left waits for nobody that came later, who may wait for it.
      if (!holds()) return;
      if (profile === settings.profile || this.#wanted.has(profile)) continue;
      const affair = this.#affairs.get(profile);
      if (name === settings.renamedFrom) {
        formerly.add(profile);
        await affair;
      } else if (name === settings.name && affair !== undefined) {
        await this.#removals.untilStuck(profile, affair);
      }
    }
    if (settings.renamedFrom === undefined || !holds()) return;
    const services = [...this.#wanted.values()];
    const busy = [...this.#affairs.keys()].filter((profile) => profile !== settings.profile);
    const options = { services, busy, formerly, config, folder, report, stop, holds };
    await takeOverRenamed(settings, options, shared);
  }

  /** Does something once all that was begun for the profile has ended. */
  #after(profile: ProfilePath, work: () => Promise<void>): void {
    const before = this.#affairs.get(profile) ?? Promise.resolve();
    const mine = before.then(work).catch((error) => {
      if (!this.#ports.stop.gently.aborted) this.#ports.report(failureEvent(error));
    }).then(() => {
      if (this.#affairs.get(profile) === mine) this.#affairs.delete(profile);
    });
    this.#affairs.set(profile, mine);
  }
}

/** Whether two settings of a service mean the same. */
function isSame(one: ServiceSettings, other: ServiceSettings): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
