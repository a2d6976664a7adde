import { copyFileSync, rmSync, statSync } from "node:fs";
import { identify } from "./state_file.ts";
import { Trouble, troubleOf } from "./trouble.ts";

/** A copy of a database, for hail alone. */
export interface TemporaryCopy {
  readonly file: string;
  /** Removes it. */
  remove(): void;
}

/** How often a copy is begun anew, when the database has changed meanwhile. */
const TRIES = 10;

/** Where the copy goes: the temporary folder, or else where nearly every machine has room in memory. */
const FOLDERS = [undefined, "/dev/shm", "/run"];

/**
 * Copies a database and its log, for a reader that may not write beside them.
 *
 * @throws {Trouble} `unwritable`.
 */
export function copyToRead(original: string): TemporaryCopy {
  const folder = makeFolder();
  const file = `${folder}/copy.sqlite`;
  const remove = () => {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // What is left in the temporary folder harms nobody.
    }
  };
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const before = lookOf(original);
      rmSync(`${file}-wal`, { force: true });
      copyFileSync(original, file);
      if (identify(`${original}-wal`) !== null) copyFileSync(`${original}-wal`, `${file}-wal`);
      if (lookOf(original) === before) return { file, remove };
    }
    throw new Trouble("unwritable", "it changes too fast to be copied");
  } catch (error) {
    remove();
    throw troubleOf(error);
  }
}

function makeFolder(): string {
  let reason: unknown;
  for (const dir of FOLDERS) {
    try {
      return Deno.makeTempDirSync({ prefix: "hail-state-", ...(dir === undefined ? {} : { dir }) });
    } catch (error) {
      reason ??= error;
    }
  }
  throw new Trouble("unwritable", "there is no folder for the copy that is to be read", reason);
}

/** Everything that changes when somebody writes. */
function lookOf(original: string): string {
  return ["", "-wal"].map((end) => {
    const about = statSync(original + end, { bigint: true, throwIfNoEntry: false });
    return about === undefined ? "-" : [about.dev, about.ino, about.size, about.mtimeNs].join();
  }).join(" ");
}
