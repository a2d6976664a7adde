import { emptyRecord, type ServiceRecord } from "../deployment/record.ts";
import { dirname } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { Hindrance } from "../journal/hindrances.ts";
import { findServices, readService, type StoredService } from "../journal/read.ts";
import { databaseName, socketsBeside } from "../journal/state_folder.ts";
import { parseProfile, type ProfilePath } from "../nix/profile_name.ts";
import { storeFolder } from "../nix/store_path.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { decodeSettings, type StoredSettings } from "../settings/stored.ts";
import { readServiceWords } from "../settings/words.ts";
import { chooseServices, type Known, namesOf, serviceName } from "./choose_service.ts";
import type { Context } from "./context.ts";
import { clean } from "./render/layout.ts";
import type { ServiceOptions } from "./service_options.ts";
import { stateFolders } from "./state_folders.ts";
import { findHindrances, type Hindrances, refusalOf } from "./hindrances.ts";

/** A service that hail keeps on this machine, as its database shows it. */
export interface Service {
  /** What the operator calls it. No other has the same name. */
  readonly name: string;
  readonly profile: string;
  readonly jobUri: string;
  /** How it was kept last; null where this hail does not understand it. */
  readonly settings: StoredSettings | null;
  readonly record: ServiceRecord;
  /** When the record was written; null where it never was. */
  readonly writtenAt: number | null;
  /** The database. */
  readonly file: string;
  /** The folder that it is in, which is the state folder of the hail that keeps it. */
  readonly folder: string;
  /** Where a hail that keeps it may listen. */
  readonly sockets: readonly [own: string, agent: string];
  /** What keeps its agent from keeping it as it is told; null where nothing does. */
  readonly hindrance: Hindrance | null;
  /** Whether there is a database: where there is none, only the hindrance is known. */
  readonly isRemembered: boolean;
}

/** What was found in the state folders. */
export interface Found {
  /** In the order of their names. */
  readonly services: readonly Service[];
  /** Why others could not be read. */
  readonly unreadable: readonly Unreadable[];
}

/** A database that cannot be read. */
export interface Unreadable {
  readonly file: string;
  readonly failure: Failure;
}

/** Where to look, and for what. */
type Wanted = Pick<ServiceOptions, "services" | "all" | "stateDir">;

/**
 * Finds the services that a command is about. Those that cannot be read are reported where none is named, and belong to
 * the answer where all are meant.
 *
 * @param alsoHindered Whether those belong to it of which only is known why their agent cannot keep them.
 * @returns At least one.
 * @throws {Failure} `usage`: it is not clear which are meant, or this user may not read them. `profile-held`: the agent cannot
 * keep one yet. What `readService` throws.
 */
export async function openServices(wanted: Wanted, context: Context, alsoHindered = false): Promise<Found> {
  const { profilesFolder } = context;
  const places = foldersFor(wanted, context);
  const databases = await findDatabases(wanted, context);
  const { services, unreadable } = readNamed(databases, wanted, context) ?? readServices(databases, context);
  const known = services.map(({ profile, settings }): Known => ({
    profile,
    configured: settings?.agent?.name ?? null,
  }));
  try {
    const chosen = chooseServices(known, {
      wanted: wanted.services,
      all: wanted.all,
      profilesFolder,
      places,
    });
    if (wanted.services.length === 0 && !wanted.all) reportUnreadable(unreadable, context);
    const found = chosen.map((profile) => onlyOne(services.filter((one) => one.profile === profile)));
    if (alsoHindered) return { services: found, unreadable: wanted.all ? unreadable : [] };
    const kept = found.filter(({ isRemembered }) => isRemembered);
    const others = found.flatMap(({ file, hindrance, isRemembered }) =>
      isRemembered || hindrance === null ? [] : [{ file, failure: refusalOf(hindrance) }]
    );
    const [other] = others;
    if (other !== undefined && (!wanted.all || kept.length === 0)) throw other.failure;
    return { services: kept, unreadable: wanted.all ? [...unreadable, ...others] : [] };
  } catch (error) {
    const [one] = unreadable.filter(({ file }) =>
      wanted.services.some((name) => isNamedAfter(file, name, profilesFolder))
    );
    if (one !== undefined) throw one.failure;
    reportUnreadable(unreadable, context);
    throw error;
  }
}

/** The databases of all services in the folders where to look. A folder that cannot be read is one that is empty. */
export async function findDatabases(
  wanted: Pick<Wanted, "stateDir">,
  context: Context,
): Promise<Databases> {
  const files: string[] = [];
  const unreadable: Unreadable[] = [];
  for (const folder of foldersFor(wanted, context)) {
    const found = attempt(folder, () => findServices(folder));
    if ("failure" in found) unreadable.push(found);
    else files.push(...found.result);
  }
  const folders = new Set([...foldersFor(wanted, context), ...files.map((file) => dirname(file))]);
  return { files, unreadable, hindrances: await findHindrances(folders) };
}

/** The databases, and the folders that could not be read. */
export interface Databases {
  readonly files: readonly string[];
  readonly unreadable: readonly Unreadable[];
  readonly hindrances: Hindrances;
}

/**
 * Reads all databases, and adds the services that have none since they could not be kept so far.
 *
 * @throws {Failure} What the first one failed with, where none can be read.
 */
export function readServices({ files, unreadable, hindrances }: Databases, context: Context): Found {
  const read: Omit<Service, "name">[] = [];
  const failed = [...unreadable];
  for (const file of files) {
    const one = attempt(file, () => readOne(file, hindrances, context));
    if ("failure" in one) failed.push(one);
    else read.push(one.result);
  }
  // One that has a database somewhere, or that another hail keeps, is shown by that.
  const there = new Set([...files, ...read.map(({ profile }) => profile)]);
  const others = [...hindrances].filter(([file, { profile }]) => !there.has(file) && !there.has(profile));
  read.push(...others.map(asService));
  const [first] = failed;
  if (first !== undefined && read.length === 0) throw first.failure;
  const names = namesOf(
    read.map(({ profile, settings }) => ({ profile, configured: settings?.agent?.name ?? null })),
    context.profilesFolder,
  );
  const services = read.map((one) => ({ name: clean(names.get(one.profile) ?? one.profile), ...one }));
  return { services: services.toSorted((a, b) => a.name < b.name ? -1 : 1), unreadable: failed };
}

/**
 * Reads only the services that are named, which is faster where there are many.
 *
 * @returns Null where it takes the others to know which are meant, or to say what is wrong.
 */
function readNamed({ files, hindrances }: Databases, wanted: Wanted, context: Context): Found | null {
  if (wanted.services.length === 0) return null;
  const services: Service[] = [];
  for (const name of wanted.services) {
    const own = files.filter((file) => isNamedAfter(file, name, context.profilesFolder));
    for (const file of own) {
      if (services.some((one) => one.file === file)) continue;
      const one = attempt(file, () => readOne(file, hindrances, context));
      if ("failure" in one) return null;
      const { profile, settings } = one.result;
      // Another service may be called as the profile of this one, unless this one is called that, too.
      if (name !== profile && name !== settings?.agent?.name) return null;
      const called = settings?.agent?.name ?? serviceName(profile, context.profilesFolder);
      services.push({ name: clean(called), ...one.result });
    }
    if (own.length === 0) return null;
  }
  return { services, unreadable: [] };
}

/**
 * Reads a service again, of which hail may have written down more by now.
 *
 * @throws {Failure} What `readService` throws.
 */
export function readAgain(service: Service, context: Context): Service {
  const { name, file, hindrance, isRemembered } = service;
  return isRemembered ? { name, ...readOne(file, NO_HINDRANCES, context), hindrance } : service;
}

const NO_HINDRANCES: Hindrances = new Map();

function readOne(file: string, hindrances: Hindrances, context: Context): Omit<Service, "name"> {
  return withDatabase(file, context, ({ profile, jobUri, settings, record, writtenAt }) => {
    if (!file.endsWith(`/${databaseName(profile)}`)) throw misnamed(file, profile);
    return {
      ...{ profile, jobUri, record, writtenAt, file },
      settings: decodeSettings(settings),
      folder: file.slice(0, file.lastIndexOf("/")),
      sockets: socketsBeside(file),
      hindrance: hindrances.get(file) ?? null,
      isRemembered: true,
    };
  });
}

/** A service of which nothing is known but why it cannot be kept. */
function asService([file, hindrance]: readonly [string, Hindrance]): Omit<Service, "name"> {
  const { name, profile, jobUri, failure } = hindrance;
  return {
    ...{ profile, jobUri, file, hindrance },
    folder: dirname(file),
    settings: { words: [], agent: { name, config: "", onRemoval: "keep" }, removing: null },
    record: emptyRecord(failure.at),
    writtenAt: failure.at,
    sockets: socketsBeside(file),
    isRemembered: false,
  };
}

/**
 * Reads more of a service than is in {@linkcode Service}.
 *
 * @throws {Failure} What `readService` throws.
 */
export function withDatabase<Result>(
  file: string,
  { env }: Pick<Context, "env">,
  read: (stored: StoredService) => Result,
): Result {
  const stored = readService(file, { storeFolder: storeFolder(env) });
  try {
    return read(stored);
  } finally {
    stored.close();
  }
}

/**
 * How the hail that kept a service last was told to keep it.
 *
 * @throws {Failure} `usage`: this hail does not understand it.
 */
export function settingsOf({ name, profile, settings }: Service): ServiceSettings {
  // Without any words it is not understood either.
  return { ...readServiceWords(settings?.words ?? [], profile), name };
}

/** The profile of a service; a database that is not named after its profile is never read. */
export function profileOf({ profile }: Service): ProfilePath {
  return parseProfile(profile, "/");
}

/** Reports what could not be read. */
export function reportUnreadable(unreadable: readonly Unreadable[], { report }: Context): void {
  for (const { failure } of unreadable) report(failureEvent(failure));
}

/** Where is looked for services. */
export function foldersFor({ stateDir }: Pick<Wanted, "stateDir">, { env }: Context): string[] {
  return stateFolders(env, stateDir, Deno.uid());
}

function attempt<Result>(file: string, work: () => Result): { readonly result: Result } | Unreadable {
  try {
    return { result: work() };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { file, failure: error };
  }
}

function onlyOne([service, twin]: readonly Service[]): Service {
  if (service === undefined) throw new Error("a service that is not there was chosen");
  if (twin === undefined) return service;
  throw new Failure("usage", {
    what: service.profile,
    why: `its state is in ${service.folder} and in ${twin.folder}, and one of them is a copy`,
    next: "Say with --state-dir which folder is meant, or move the copy away.",
  });
}

/** Whether a database is that of the profile that a name stands for. */
function isNamedAfter(file: string, name: string, profilesFolder: string): boolean {
  try {
    return file.endsWith(`/${databaseName(parseProfile(name, profilesFolder))}`);
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

function misnamed(file: string, profile: string): Failure {
  return new Failure("usage", {
    what: file,
    why: `it holds the state of ${profile} and is not named after it, so it is a copy`,
    next: "Move it out of the state folder.",
  });
}
