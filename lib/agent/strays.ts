import { basename, dirname } from "node:path";
import { Failure } from "../failure/failure.ts";
import { findServices, readService } from "../journal/read.ts";
import { databaseName } from "../journal/state_folder.ts";
import { parseProfile, type ProfilePath } from "../nix/profile_name.ts";
import type { Report } from "../report/event.ts";
import type { OnRemoval, ServiceSettings } from "../settings/service.ts";
import { decodeSettings, type StoredSettings } from "../settings/stored.ts";

/** Where to look for services that a configuration does not name. */
export interface StraysOptions {
  /** The state folder of the agent. */
  readonly folder: string;
  /** Its configuration file. */
  readonly config: string;
  /** What the configuration says. */
  readonly services: readonly ServiceSettings[];
  /** The profiles whose databases may be open in this process besides: those are not touched. */
  readonly busy?: Iterable<ProfilePath>;
  readonly storeFolder: string;
  readonly report: Report;
}

/** A service whose database is in the state folder, and that the configuration does not name. */
export interface Stray {
  readonly profile: ProfilePath;
  readonly settings: StoredSettings;
}

/** A service that is to be taken out, since the configuration does not name it any more. */
export interface Orphan {
  readonly profile: ProfilePath;
  readonly name: string;
  readonly how: OnRemoval;
  /** Whether that was begun before. */
  readonly resumed: boolean;
}

/**
 * Finds the services that an agent has kept and that its configuration does not name any more, and those whose removal was
 * cut off. What cannot be read is reported and left alone.
 */
export function findOrphans(options: StraysOptions): Orphan[] {
  return readStrays(options).flatMap((stray) => orphanOf(stray, options) ?? []);
}

/** Decides whether a service is to be taken out, and how. */
export function orphanOf(
  { profile, settings: { agent, removing } }: Stray,
  { config, services }: Pick<StraysOptions, "config" | "services">,
): Orphan | null {
  // What another agent keeps, or has begun to take out, is its own affair.
  if (agent !== null && agent.config !== config) return null;
  const name = agent?.name ?? profile;
  if (services.some(({ renamedFrom }) => renamedFrom === name)) return null;
  if (removing !== null) return { profile, name, how: removing, resumed: true };
  if (agent === null) return null;
  // Under the same name it is another profile now: what the old one runs may be what the new one needs.
  const moved = services.some((service) => service.name === name);
  return { profile, name, how: moved ? "keep" : agent.onRemoval, resumed: false };
}

/** Finds the services in the state folder that the configuration does not name. What cannot be read is reported. */
export function readStrays({ folder, services, busy = [], storeFolder, report }: StraysOptions): Stray[] {
  const passed = new Set([...services.map(({ profile }) => profile), ...busy].map(databaseName));
  const leave = (file: string, { code, why }: Failure) =>
    report({
      name: "state-left",
      level: "warning",
      message:
        `${file} is left alone: ${why}. Whether hail still has to do something to its service is unknown`,
      fields: { file, code, why },
    });
  let files: string[];
  try {
    files = findServices(folder);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    leave(folder, error);
    return [];
  }
  return files.flatMap((file) => {
    // Those of subfolders belong to hails of their own.
    if (dirname(file) !== folder || passed.has(basename(file))) return [];
    try {
      return [readStray(file, storeFolder)];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      leave(file, error);
      return [];
    }
  });
}

/** @throws {Failure} It cannot be read, or is not what its name says. */
function readStray(file: string, storeFolder: string): Stray {
  const refuse = (why: string) =>
    new Failure("state-damaged", { what: file, why, next: "See what has written it." });
  const service = readService(file, { storeFolder });
  try {
    const settings = decodeSettings(service.settings);
    if (settings === null) throw refuse("this hail does not understand how the service was kept");
    if (!service.profile.startsWith("/")) throw refuse("it does not say for which profile it is");
    const profile = parseProfile(service.profile, "/");
    if (databaseName(profile) !== basename(file)) throw refuse("it belongs to another profile");
    return { profile, settings };
  } finally {
    service.close();
  }
}
