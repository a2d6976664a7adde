import { findGroup } from "../journal/group.ts";
import { makeFolder } from "../journal/state_file.ts";
import { troubleOf } from "../journal/trouble.ts";
import { stateFolder } from "../journal/state_folder.ts";
import { Failure } from "../failure/failure.ts";
import { type FileLock, lockFile, OddLockFile } from "../process/file_lock.ts";
import { STATE_GROUP } from "./compose.ts";
import type { Environment } from "./environment.ts";

/** Where a hail keeps what it remembers. */
export interface Place {
  readonly folder: string;
  /** The group that may read it; null for none. */
  readonly gid: number | null;
}

/** The state folder of this process, and who may look into it. */
export function findPlace(env: Environment, option: string | undefined): Place {
  return { folder: stateFolder(env, option, Deno.uid()), gid: findGroup(STATE_GROUP) };
}

/**
 * Makes the state folder of an agent, and sees to it that it is the only one there: two would take each other's socket away,
 * and each would take out what the other one keeps.
 *
 * @throws {Failure} `state-unwritable`: the folder or its lock cannot be made. `profile-held`: another agent is there.
 */
export async function occupy({ folder, gid }: Place): Promise<FileLock> {
  const path = `${folder}/agent.lock`;
  const unwritable = (why: string, cause?: unknown) =>
    new Failure("state-unwritable", {
      what: folder,
      why,
      next:
        "Give the agent a folder of its own with state-dir, or STATE_DIRECTORY, that only its user can write.",
      cause,
    });
  let lock;
  try {
    makeFolder(folder, gid);
    lock = await lockFile(path);
  } catch (error) {
    if (error instanceof OddLockFile) {
      throw unwritable(`something other than a lock file is at ${path}`, error);
    }
    throw unwritable(troubleOf(error).why, error);
  }
  if ("release" in lock) return lock;
  throw new Failure("profile-held", {
    what: folder,
    why: `another agent keeps its services there${lock.holder === null ? "" : `, process ${lock.holder}`}`,
    next: "Stop the other one first, or give this one another state-dir.",
  });
}
