import type { Deployer } from "../deployment/deployer.ts";
import type { Gates } from "../deployment/ports.ts";
import { AFTER } from "../deployment/decision.ts";
import type { Closed, ServiceRecord } from "../deployment/record.ts";
import type { Connection } from "../hydra/connection.ts";
import { type JournalOwner, type OpenJournal, openJournal } from "../journal/open.ts";
import { type HeldProfile, lockProfile, type ProfileLock } from "../nix/profile_lock.ts";
import { storeFolder } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { encodeSettings, storedSettings } from "../settings/stored.ts";
import {
  checkCertificates,
  composeDeployer,
  composeGates,
  composeHydra,
  netrcFileOf,
  type Shared,
} from "./compose.ts";
import { stampOf } from "./file_stamp.ts";
import type { BoardPlace, StageBoard } from "./stage_board.ts";

/** What a service needs to be opened. */
export interface OpenPorts {
  readonly shared: Shared;
  readonly report: Report;
  /** The folder of the state databases, and the group that may read them. */
  readonly folder: string;
  readonly gid: number | null;
  /** The agent's configuration file; null for a hail of the classic command line. */
  readonly config: string | null;
  readonly board: StageBoard;
  /** How long what costs nothing to lose may wait to be written, in milliseconds. */
  readonly lazyLimit: () => number;
}

/** What follows from the settings, and is made anew with them. */
interface Composed {
  readonly deployer: Deployer;
  readonly connection: Connection;
  readonly stages: BoardPlace;
  /** Whether the netrc file has changed since can be told by this. */
  readonly netrcStamp: string;
}

/** Puts the order of the services in front of the gates of one. */
export type InOrder = (gates: Gates) => Gates;

/** A service whose profile's lock this process holds, and whose state is open. */
export class OpenService {
  readonly #ports: OpenPorts;
  readonly #inOrder: InOrder;
  readonly #lock: ProfileLock;
  readonly #journal: OpenJournal;
  #composed: Composed | null = null;
  #settings: ServiceSettings;

  private constructor(
    settings: ServiceSettings,
    ports: OpenPorts,
    inOrder: InOrder,
    lock: ProfileLock,
    journal: OpenJournal,
  ) {
    this.#settings = settings;
    this.#ports = ports;
    this.#inOrder = inOrder;
    this.#lock = lock;
    this.#journal = journal;
  }

  /**
   * Takes the profile's lock and opens the state.
   *
   * @param held Waits for a profile that another hail holds; without it, that is a failure.
   * @throws {Failure} What keeps it from beginning: an unusable netrc or certificate file, or a state of a newer hail (exit
   * status 2), a folder that cannot be written (13), another hail on the profile (15).
   * @throws The reason of `held.signal`, while it waits.
   */
  static async open(
    settings: ServiceSettings,
    ports: OpenPorts,
    inOrder: InOrder,
    held?: HeldProfile,
  ): Promise<OpenService> {
    const { shared, report } = ports;
    // Before it is read: what changes from then on, also while another hail holds the profile, is seen at the next reload.
    const netrcStamp = stampOf(netrcFileOf(settings));
    // First what costs nothing to take back: a database would say that the service is kept.
    await checkCertificates(settings, shared.env);
    const client = await composeHydra(settings, shared, report);
    let lock: ProfileLock | null = null;
    let journal: OpenJournal | null = null;
    try {
      lock = await lockProfile(settings.profile, storeFolder(shared.env), held);
      journal = openJournalOf(settings, ports);
      const service = new OpenService(settings, ports, inOrder, lock, journal);
      service.#composed = await service.#compose(settings, client, netrcStamp);
      return service;
    } catch (error) {
      client.connection.close();
      journal?.close();
      lock?.release();
      throw error;
    }
  }

  /** What hail remembers of it. */
  get record(): ServiceRecord {
    return this.#journal.record;
  }

  /** Deploys it, by the settings that are in force. */
  get deployer(): Deployer {
    if (this.#composed === null) throw new Error("the service is closed");
    return this.#composed.deployer;
  }

  /** Where it says what is being done. */
  get stages(): BoardPlace {
    if (this.#composed === null) throw new Error("the service is closed");
    return this.#composed.stages;
  }

  /** Whether the file with its credentials was changed since it was read. */
  get hasNewCredentials(): boolean {
    return this.#composed !== null && this.#composed.netrcStamp !== stampOf(netrcFileOf(this.#settings));
  }

  /** Has the reason shown for which the service waits for others now, if it waits for others. */
  noteOrder(closed: Closed): void {
    if (this.#journal.record.closed?.gate === AFTER) this.#journal.note({ closed }, true);
  }

  /** Writes down what waits to be written. */
  flush(): void {
    this.#journal.flush();
  }

  /**
   * Puts other settings into force, while nothing is under way. The profile is the same.
   *
   * @throws {Failure} They cannot be used: an unusable netrc or certificate file. The old ones stay in force.
   */
  async exchange(settings: ServiceSettings): Promise<void> {
    const { shared, report, config } = this.#ports;
    const netrcStamp = stampOf(netrcFileOf(settings));
    const client = await composeHydra(settings, shared, report);
    let composed: Composed;
    try {
      composed = await this.#compose(settings, client, netrcStamp);
    } catch (error) {
      client.connection.close();
      throw error;
    }
    // What the operator has decided of this job holds until a pass has done it.
    if (this.deployer.letsPass && settings.jobUri.text === this.#settings.jobUri.text) {
      composed.deployer.letPass();
    }
    this.#letGo();
    this.#composed = composed;
    this.#settings = settings;
    this.#journal.setOwner(ownerOf(settings, config));
  }

  /**
   * Writes down, for those who come after this process, what the configuration calls the service now, and what is to become of
   * it once it is taken out. The settings do not come into force by that.
   */
  announce(settings: ServiceSettings): void {
    const { config } = this.#ports;
    const inForce = storedSettings(this.#settings, config);
    const { agent } = storedSettings(settings, config);
    const jobUri = this.#settings.jobUri.text;
    this.#journal.setOwner({ jobUri, settings: encodeSettings({ ...inForce, agent }) });
  }

  /**
   * Does something as soon as nothing is under way: an operator's roll-back may be while the loop sleeps, and another one
   * behind it. Between that and the act nothing can begin.
   */
  async atRest<T>(act: () => T): Promise<Awaited<T>> {
    let last: Promise<void> | null = null;
    for (;;) {
      const turn = this.#composed?.deployer.idle();
      if (turn === undefined || turn === last) return await act();
      await turn;
      last = turn;
    }
  }

  /** Closes the state and gives the profile back, while nothing is under way. To be called once. */
  close(): void {
    this.#letGo();
    this.#composed = null;
    this.#journal.close();
    this.#lock.release();
  }

  async #compose(
    settings: ServiceSettings,
    { hydra, connection }: Awaited<ReturnType<typeof composeHydra>>,
    netrcStamp: string,
  ): Promise<Composed> {
    const { shared, report, board } = this.#ports;
    const journal = this.#journal;
    const gates = this.#inOrder(composeGates(settings, hydra.evaluations, report, shared));
    const stages = board.of(settings.name, () => journal.record.state);
    try {
      const deployer = await composeDeployer(settings, { hydra, journal, stages, gates, report }, shared);
      return { deployer, connection, stages, netrcStamp };
    } catch (error) {
      stages.leave();
      throw error;
    }
  }

  #letGo(): void {
    this.#composed?.connection.close();
    this.#composed?.stages.leave();
  }
}

function ownerOf(settings: ServiceSettings, config: string | null): JournalOwner {
  return { jobUri: settings.jobUri.text, settings: encodeSettings(storedSettings(settings, config)) };
}

/** @throws {Failure} As `openJournal`. */
function openJournalOf(
  settings: ServiceSettings,
  { shared, report, folder, gid, config, lazyLimit }: OpenPorts,
): OpenJournal {
  return openJournal({
    ...ownerOf(settings, config),
    folder,
    profile: settings.profile,
    gid,
    storeFolder: storeFolder(shared.env),
    now: Date.now,
    report,
    idleClose: config !== null,
    lazyLimit: lazyLimit(),
  });
}
