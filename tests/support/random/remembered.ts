/** What hail has written down of a service in a random test. */
import type { Deployment, ServiceRecord } from "../../../lib/deployment/record.ts";
import {
  findServices,
  readService,
  type StoredService,
  type StoredTransition,
} from "../../../lib/journal/read.ts";

/** What a hail has written down, at one moment. */
export interface Remembered {
  readonly record: ServiceRecord;
  readonly transitions: readonly StoredTransition[];
  readonly deployments: readonly Deployment[];
  /** Another one after each commit. */
  readonly stamp: string;
}

/**
 * Reads what the hail of a service has written down; null if it has not begun to, or is just writing.
 *
 * @param folder The state folder.
 * @param history Whether the history is wanted, too, which takes a while to read.
 */
export function readRemembered(folder: string, service: string, history: boolean): Remembered | null {
  const file = findServices(folder).find((file) => file.includes(`/${service}-`));
  if (file === undefined) return null;
  let stored: StoredService | null = null;
  try {
    stored = readService(file);
    return {
      record: stored.record,
      transitions: history ? stored.transitions(1_000).toReversed() : [],
      deployments: history ? stored.history(200).toReversed() : [],
      stamp: `${stored.stamp.writer} ${stored.stamp.revision}`,
    };
  } catch {
    // A copy that was made while hail was writing. One that stays damaged is found by waiting in vain.
    return null;
  } finally {
    stored?.close();
  }
}
