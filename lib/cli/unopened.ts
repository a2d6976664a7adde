/** The services that an agent cannot keep yet, as commands see them. */
import type { ServiceRecord } from "../deployment/record.ts";
import { databaseName } from "../journal/state_folder.ts";
import { readUnopened, type UnopenedService } from "../journal/unopened.ts";

/** A service that cannot be kept yet. */
export interface Hindered extends UnopenedService {
  /** The state folder of its agent. */
  readonly folder: string;
  /** Where its database is, if it was ever kept. */
  readonly file: string;
}

/** Finds them in state folders. */
export function findHindered(folders: readonly string[]): readonly Hindered[] {
  return folders.flatMap((folder) =>
    readUnopened(folder).map((one) => ({ ...one, folder, file: `${folder}/${databaseName(one.profile)}` }))
  );
}

/** What is remembered of a service, with what keeps its agent from keeping it now. */
export function withTrouble(record: ServiceRecord, hindered: Hindered | undefined): ServiceRecord {
  if (hindered === undefined) return record;
  const { failure, failures, retryAt } = hindered;
  return { ...record, failures, lastFailure: failure, nextPollAt: retryAt };
}
