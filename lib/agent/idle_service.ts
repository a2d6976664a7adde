import type { TidyActivator } from "../activation/choose.ts";
import { describe } from "../deployment/advance.ts";
import type { Stop } from "../deployment/ports.ts";
import type { ServiceRecord } from "../deployment/record.ts";
import { Failure } from "../failure/failure.ts";
import { findGroup } from "../journal/group.ts";
import { type OpenJournal, openJournal } from "../journal/open.ts";
import { readService, type StoredService } from "../journal/read.ts";
import { identify } from "../journal/state_file.ts";
import { databaseName } from "../journal/state_folder.ts";
import { createRunLogged } from "../nix/nix_command.ts";
import { type NixFiles, nixFiles } from "../nix/nix_files.ts";
import { readProfile } from "../nix/profile_link.ts";
import { lockProfile, type ProfileLock } from "../nix/profile_lock.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import { removeProfile } from "../nix/remove_profile.ts";
import { storeFolder, type StorePath } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { decodeSettings, encodeSettings, type StoredSettings } from "../settings/stored.ts";
import { readServiceWords } from "../settings/words.ts";
import { composeActivator, type Shared, STATE_GROUP } from "./compose.ts";
import { createTee } from "./operator.ts";

/** What a removal and a change of name need of the hail that does them. */
export type RemovalShared = Pick<Shared, "env" | "clock" | "run" | "turns" | "bootId" | "failPoint"> & {
  /** For tests. */
  readonly files?: NixFiles;
};

/** What came of a `bin/deactivate`. */
export type Deactivation = "missing" | "done" | "failed";

/** Which service, and who is told of what becomes of it. */
export interface IdleOptions {
  readonly profile: ProfilePath;
  /** The state folder that its database lies in. */
  readonly folder: string;
  readonly report: Report;
}

/**
 * Takes the lock of a profile for a while.
 *
 * @throws {Failure} As {@linkcode lockProfile}.
 */
export async function lockForNow(profile: ProfilePath, { env }: Pick<Shared, "env">): Promise<ProfileLock> {
  try {
    return await lockProfile(profile, storeFolder(env));
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "profile-held") throw error;
    const { what, why } = error;
    const next = "Stop that hail first, or take the service out of the configuration of its agent.";
    throw new Failure("profile-held", { what, why, next, cause: error });
  }
}

/** A service that hail has kept and that no loop keeps now. Whoever has this holds the lock of its profile. */
export class IdleService {
  readonly #options: IdleOptions;
  readonly #shared: RemovalShared;
  readonly #jobUri: string;
  #settings: StoredSettings;

  private constructor(options: IdleOptions, shared: RemovalShared, stored: StoredService) {
    this.#options = options;
    this.#shared = shared;
    this.#jobUri = stored.jobUri;
    this.#settings = decodeSettings(stored.settings) ?? {
      words: [`--profile=${options.profile}`, `--job-uri=${stored.jobUri}`],
      agent: null,
      removing: null,
    };
    this.record = stored.record;
  }

  /** What was remembered when it was read. */
  readonly record: ServiceRecord;

  /**
   * Reads what is remembered of a service.
   *
   * @returns Null where that is nothing.
   * @throws {Failure} As `readService`: it cannot be read.
   */
  static read(options: IdleOptions, shared: RemovalShared): IdleService | null {
    if (identify(databaseOf(options)) === null) return null;
    return withStored(options, shared, (stored) => new IdleService(options, shared, stored));
  }

  get profile(): ProfilePath {
    return this.#options.profile;
  }

  /** How it was kept last, and what is being done to it. */
  get settings(): StoredSettings {
    return this.#settings;
  }

  /**
   * Writes down how it is kept, or what is being done to it.
   *
   * @throws {Failure} `state-unwritable`: it is not on the disk.
   */
  write(settings: StoredSettings): void {
    this.#settings = settings;
    this.#openJournal().close();
    const text = withStored(this.#options, this.#shared, (stored) => stored.settings);
    if (text === encodeSettings(settings)) return;
    throw new Failure("state-unwritable", {
      what: databaseOf(this.#options),
      why: "it cannot be written down what is to become of the service, so nothing is done to it",
      next: "Make sure that the state folder can be written and has room, and say it again.",
    });
  }

  /** Does something with all that is remembered. */
  withStored<T>(work: (stored: StoredService) => T): T {
    return withStored(this.#options, this.#shared, work);
  }

  /**
   * What the profile points at.
   *
   * @throws {Failure} As {@linkcode readProfile}.
   */
  current(): Promise<StorePath | null> {
    return readProfile(this.#options.profile, this.#store);
  }

  /**
   * Waits for what an earlier hail has left running, as that was killed, and makes systemd forget it.
   *
   * @throws As {@linkcode TidyActivator.outwait}.
   */
  async outwait(stop: Stop): Promise<void> {
    await this.#activator(this.#options.report).outwait(await this.#leader(), stop);
  }

  /**
   * Runs the `bin/deactivate` that the profile points at, if there is one, within the time limit of an activation, and
   * waits for what is left of an activation before. What goes wrong with it is reported.
   *
   * @throws {Failure} `activation-aborted` when `stop.now` ended it; `activation-not-run` if systemd does not answer.
   * @throws The reason of `stop.gently`, where the program outlives hail.
   */
  async deactivate(stop: Stop): Promise<Deactivation> {
    const { report } = this.#options;
    const heard = new Set<string>();
    const tee = createTee(report);
    tee.listen(({ name }) => heard.add(name));
    const activator = this.#activator(tee.report);
    const path = await this.#knownPath(tee.report);
    const journal = this.#openJournal();
    try {
      if (path !== null) await this.#runDeactivate(path, activator, journal, stop);
      // Also where there was no program to run, an activation may be under way.
      await activator.outwait(await this.#leader(), stop);
    } finally {
      journal.close();
    }
    return heard.has("deactivate-failed") ? "failed" : heard.has("deactivate") ? "done" : "missing";
  }

  async #runDeactivate(
    path: StorePath,
    activator: TidyActivator,
    journal: OpenJournal,
    stop: Stop,
  ): Promise<void> {
    const { work } = this.record;
    const bootId = await this.#shared.bootId();
    await activator.deactivate({
      id: `${work?.id ?? 0}-${work?.runs ?? 0}`,
      storePath: path,
      previous: null,
      buildId: describe(this.record, path)?.buildId ?? null,
      leader: await this.#leader(),
      onBegin: () => {},
      // So that it is waited for if hail is killed meanwhile.
      onLeader: (pid) => {
        if (work !== null) journal.note({ work: { ...work, leader: { pid, bootId } } });
      },
    }, stop);
  }

  /** What the profile points at; null also where that cannot be told, which is reported. */
  async #knownPath(report: Report): Promise<StorePath | null> {
    try {
      return await this.current();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      report({
        name: "deactivate-failed",
        level: "warning",
        message: `${error.message}. No bin/deactivate is run`,
        fields: { code: error.code, what: error.what, why: error.why },
      });
      return null;
    }
  }

  /**
   * Takes the profile away.
   *
   * @param quiet Whether that is not told, since another profile has what it held.
   * @throws {Failure} As {@linkcode removeProfile}.
   */
  async removeProfile(quiet = false): Promise<void> {
    const { profile, report } = this.#options;
    const { run, files = nixFiles } = this.#shared;
    const runLogged = createRunLogged(run, report);
    await removeProfile({ profile, storeFolder: this.#store, runLogged, files, report, quiet });
  }

  get #store(): string {
    return storeFolder(this.#shared.env);
  }

  #activator(report: Report): TidyActivator {
    return composeActivator(this.#service(), report, this.#shared);
  }

  /** How it was kept; where that cannot be understood any more, as hail keeps a service that nothing else is said of. */
  #service(): ServiceSettings {
    const { profile } = this.#options;
    try {
      return readServiceWords(this.#settings.words, profile);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return readServiceWords([`--profile=${profile}`, `--job-uri=${this.#jobUri}`], profile);
    }
  }

  /** The process group of a program of the profile that may still run. */
  async #leader(): Promise<number | null> {
    const leader = this.record.work?.leader ?? null;
    return leader !== null && leader.bootId === await this.#shared.bootId() ? leader.pid : null;
  }

  #openJournal(): OpenJournal {
    const { profile, folder, report } = this.#options;
    return openJournal({
      folder,
      profile,
      jobUri: this.#jobUri,
      settings: encodeSettings(this.#settings),
      gid: findGroup(STATE_GROUP),
      storeFolder: this.#store,
      now: () => this.#shared.clock.now(),
      report,
    });
  }
}

function databaseOf({ folder, profile }: IdleOptions): string {
  return `${folder}/${databaseName(profile)}`;
}

/** Reads what is remembered. No journal of the service is open meanwhile. */
function withStored<T>(
  options: IdleOptions,
  { env }: RemovalShared,
  work: (stored: StoredService) => T,
): T {
  const file = databaseOf(options);
  const stored = readService(file, { storeFolder: storeFolder(env) });
  try {
    if (stored.profile === options.profile) return work(stored);
    throw new Failure("state-damaged", {
      what: file,
      why: "it belongs to another profile",
      next: "See who has put it there.",
    });
  } finally {
    stored.close();
  }
}
