import { Failure } from "../failure/failure.ts";
import { findServices, readService, type StoredService } from "../journal/read.ts";
import { databaseName, socketName } from "../journal/state_folder.ts";
import { parseProfile } from "../nix/profile_name.ts";
import { storeFolder } from "../nix/store_path.ts";
import { chooseService } from "./choose_service.ts";
import type { Context } from "./context.ts";
import type { ServiceOptions } from "./service_options.ts";
import { stateFolders } from "./state_folders.ts";

/** A service that hail keeps on this machine, as its database shows it. */
export interface Service {
  /** The folder that the database is in, which is the state folder of the hail that keeps it. */
  readonly folder: string;
  /** The database. */
  readonly file: string;
  /** The socket of the hail that keeps it, if one runs. */
  readonly socket: string;
  readonly stored: StoredService;
}

/** Where to look, and for what. */
type Wanted = Pick<ServiceOptions, "service" | "stateDir">;

/**
 * Opens one service.
 *
 * @throws {Failure} `usage`: it is not clear which one is meant, or this user may not read it. What `readService` throws.
 */
export function openService(wanted: Wanted, context: Context): Service {
  const services = openServices(wanted, context);
  const folders = foldersFor(wanted, context);
  try {
    const profiles = [...new Set(services.map(({ stored }) => stored.profile))];
    const chosen = chooseService(profiles, wanted.service, context.profilesFolder, folders);
    const [service, twin] = services.filter(({ stored }) => stored.profile === chosen);
    if (service === undefined) throw new Error("a service that is not there was chosen");
    if (twin !== undefined) {
      throw new Failure("usage", {
        what: chosen,
        why: `its state is in ${service.folder} and in ${twin.folder}, and one of them is a copy`,
        next: "Say with --state-dir which folder is meant, or move the copy away.",
      });
    }
    for (const other of services) if (other !== service) other.stored.close();
    return service;
  } catch (error) {
    for (const { stored } of services) stored.close();
    throw error;
  }
}

/**
 * Opens all services, or the one that is named. One that cannot be read is reported, unless there is no other.
 *
 * @throws {Failure} As {@linkcode openService}.
 */
export function openServices(wanted: Wanted, context: Context): Service[] {
  const folders = foldersFor(wanted, context);
  const store = storeFolder(context.env);
  const services: Service[] = [];
  const failures: Failure[] = [];
  const attempt = <T>(work: () => T): T | null => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error);
      return null;
    }
  };
  for (const file of folders.flatMap((folder) => attempt(() => filesIn(folder, wanted, context)) ?? [])) {
    const stored = attempt(() => readService(file, { storeFolder: store }));
    if (stored === null) continue;
    const own = file.slice(0, file.lastIndexOf("/"));
    if (!file.endsWith(`/${databaseName(stored.profile)}`)) {
      stored.close();
      failures.push(misnamed(file, stored.profile));
      continue;
    }
    services.push({ folder: own, file, socket: `${own}/${socketName(stored.profile)}`, stored });
  }
  const [failure] = failures;
  if (failure !== undefined && services.length === 0) throw failure;
  for (const { message, next } of failures) {
    context.report({ name: "failure", level: "error", message: `${message}. ${next}` });
  }
  return services.toSorted((a, b) => a.stored.profile < b.stored.profile ? -1 : 1);
}

/** Where is looked for services. */
export function foldersFor({ stateDir }: Pick<Wanted, "stateDir">, { env }: Context): string[] {
  return stateFolders(env, stateDir, Deno.uid());
}

/** The databases of a folder; only the one that is meant, where its file can be told from the name. */
function filesIn(folder: string, { service }: Wanted, { profilesFolder }: Context): readonly string[] {
  const files = findServices(folder);
  if (service === undefined) return files;
  const profile = profileOf(service, profilesFolder);
  const own = files.filter((file) => profile !== null && file.endsWith(`/${databaseName(profile)}`));
  return own.length > 0 ? own : files;
}

function misnamed(file: string, profile: string): Failure {
  return new Failure("usage", {
    what: file,
    why: `it holds the state of ${profile} and is not named after it, so it is a copy`,
    next: "Move it out of the state folder.",
  });
}

function profileOf(name: string, profilesFolder: string): string | null {
  try {
    return parseProfile(name, profilesFolder);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}
