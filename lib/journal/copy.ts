/** Copying the database of a service, so that the service goes on under another profile. */
import { Failure } from "../failure/failure.ts";
import { DEPLOYMENTS_KEPT, TRANSITIONS_KEPT } from "./content.ts";
import { createDatabase } from "./database.ts";
import type { StoredService } from "./read.ts";
import { databaseName } from "./state_folder.ts";
import { troubleOf } from "./trouble.ts";

/** Where the copy goes, and whom it belongs to. */
export interface CopyOptions {
  /** The state folder, which is there. */
  readonly folder: string;
  readonly profile: string;
  readonly jobUri: string;
  readonly settings: string;
  /** The group that may read it; null for none. */
  readonly gid: number | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Makes the database of a service out of that of another one: the record and all of the history. It is there as a whole or
 * not at all. No database may be in its place.
 *
 * @throws {Failure} `state-unwritable`: it cannot be made. As `readService`: the other one cannot be read.
 */
export function copyService(service: StoredService, options: CopyOptions): void {
  const { folder, profile, jobUri, settings, gid, now } = options;
  const file = `${folder}/${databaseName(profile)}`;
  const { record, stamp } = service;
  const deployments = service.history(DEPLOYMENTS_KEPT).toReversed();
  const transitions = service.transitions(TRANSITIONS_KEPT).toReversed();
  try {
    createDatabase({ file, gid }, {
      record,
      owner: { profile, jobUri, settings, writtenAt: now },
      stamp,
      deployments,
      transitions,
      badBefore: null,
    });
  } catch (error) {
    throw new Failure("state-unwritable", {
      what: file,
      why: troubleOf(error).why,
      next: "Make sure that the state folder can be written and has room.",
      cause: error,
    });
  }
}
