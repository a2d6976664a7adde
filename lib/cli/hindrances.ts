/** What keeps agents from keeping their services as they are told, as commands see it. */
import type { ServiceRecord } from "../deployment/record.ts";
import { Failure } from "../failure/failure.ts";
import { type Hindrance, readHindrances } from "../journal/hindrances.ts";
import { databaseName } from "../journal/state_folder.ts";
import { parseProfile } from "../nix/profile_name.ts";
import { clean } from "./render/layout.ts";

/** The hindrances in some state folders, by the databases of their services, which need not be there. */
export type Hindrances = ReadonlyMap<string, Hindrance>;

/** Finds them. */
export function findHindrances(folders: Iterable<string>): Hindrances {
  return new Map(
    [...folders].flatMap((folder) =>
      readHindrances(folder).filter(({ profile }) => isProfile(profile))
        .map((one) => [`${folder}/${databaseName(one.profile)}`, one] as const)
    ),
  );
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
