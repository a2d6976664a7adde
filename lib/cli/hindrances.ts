/** What keeps agents from keeping their services as they are told, as commands see it. */
import { isDeserted } from "../control/client.ts";
import type { ServiceRecord } from "../deployment/record.ts";
import { Failure } from "../failure/failure.ts";
import { type Hindrance, readHindrances } from "../journal/hindrances.ts";
import { AGENT_SOCKET, databaseName } from "../journal/state_folder.ts";
import { parseProfile } from "../nix/profile_name.ts";
import { clean } from "./render/layout.ts";

/** The hindrances in some state folders, by the databases of their services, which need not be there. */
export type Hindrances = ReadonlyMap<string, Hindrance>;

/** Finds them. What an agent has left that was killed is not so any more. */
export async function findHindrances(folders: Iterable<string>): Promise<Hindrances> {
  const found = new Map<string, Hindrance>();
  for (const folder of folders) {
    const all = readHindrances(folder).filter(({ profile }) => isProfile(profile));
    if (all.length === 0 || await isDeserted(`${folder}/${AGENT_SOCKET}`)) continue;
    for (const one of all) found.set(`${folder}/${databaseName(one.profile)}`, one);
  }
  return found;
}

/** What is remembered of a service, with what stands in its way now. */
export function withHindrance(
  record: ServiceRecord,
  { failure, failures, retryAt }: Hindrance,
): ServiceRecord {
  return { ...record, failures, lastFailure: failure, nextPollAt: retryAt };
}

/** What a command fails with for a service that cannot be kept. */
export function refusalOf({ name, failure }: Hindrance): Failure {
  return new Failure("profile-held", {
    what: clean(name),
    why: `hail cannot keep it yet: ${clean(failure.message)}`,
    next: clean(failure.next),
  });
}

function isProfile(path: string): boolean {
  try {
    return path.startsWith("/") && parseProfile(path, "/") === path;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}
