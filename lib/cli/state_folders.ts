import type { Environment } from "../agent/environment.ts";
import { stateFolder } from "../journal/state_folder.ts";

/**
 * Reads the value of `--state-dir`.
 *
 * @throws {Failure} `usage`: it is not the absolute path of a folder.
 */
export function parseStateFolder(text: string): string {
  return stateFolder({ get: () => undefined }, text, null);
}

/**
 * Where to look for services: the folder that was named, or else the one that a hail of this user would use, and that of
 * the machine, whose services the members of the group hail look after.
 *
 * @param option What `--state-dir` says.
 * @throws {Failure} `usage`: a variable of the environment does not name a folder.
 */
export function stateFolders(env: Environment, option: string | undefined, uid: number | null): string[] {
  if (option !== undefined) return [option];
  const own = stateFolder(env, undefined, uid);
  const ofTheMachine = stateFolder({ get: () => undefined }, undefined, 0);
  return env.get("STATE_DIRECTORY") || own === ofTheMachine ? [own] : [own, ofTheMachine];
}
