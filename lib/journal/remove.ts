/** What is left to do with the database of a service that hail is not to remember any more. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { Failure } from "../failure/failure.ts";
import { SIDECARS, sync } from "./state_file.ts";
import { databaseName, socketName } from "./state_folder.ts";
import { troubleOf } from "./trouble.ts";

/**
 * Removes the database of a service with all that hail has put beside it: its log, copies of earlier versions and damaged
 * ones, and the socket. Nothing there is no error. It can be done again after it was cut off; until the last moment the
 * database is there to tell of it. No journal of the service may be open.
 *
 * @throws {Failure} `state-unwritable`.
 */
export function removeState(folder: string, profile: string): void {
  const name = databaseName(profile);
  try {
    if (!existsSync(folder)) return;
    const beside = readdirSync(folder).filter((other) => other.startsWith(`${name}.`));
    for (const other of [...beside, socketName(profile)]) rmSync(`${folder}/${other}`, { force: true });
    // A database without its log could be one that is not whole: so that goes after it.
    for (const end of ["", ...SIDECARS]) rmSync(`${folder}/${name}${end}`, { force: true });
    sync(folder);
  } catch (error) {
    throw new Failure("state-unwritable", {
      what: `${folder}/${name}`,
      why: troubleOf(error).why,
      next: "Make sure that the state folder can be written, and say it again.",
      cause: error,
    });
  }
}
