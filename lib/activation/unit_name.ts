import { createHash } from "node:crypto";
import type { ProgramName } from "./program.ts";

/** The names of the units that the programs of one profile run as. */
export interface UnitNames {
  /** A pattern for `systemctl list-units` that matches all of them. */
  readonly pattern: string;
  /** The unit of one run. */
  unit(id: string, program: ProgramName): string;
  /** The run that a unit belongs to; null if it is no unit of this profile. */
  idOf(unit: string): string | null;
}

// Unit names have at most 255 characters; the number of a run and a suffix follow.
const NAME_LIMIT = 60;
const HASH_LENGTH = 8;

/**
 * Names the units of a profile: `activate-hail-NAME-HASH-RUN.service`. NAME is the last part of the profile, as far as
 * a unit can be named so, and HASH tells apart what is equal then. It does not begin with `hail-`, so that an operator
 * who stops all hails with `systemctl stop 'hail-*'` does not end the activations.
 */
export function unitNames(profile: string): UnitNames {
  const name = profile.slice(profile.lastIndexOf("/") + 1).replace(/[^A-Za-z0-9_.-]/g, "_").slice(
    0,
    NAME_LIMIT,
  );
  const hash = createHash("sha256").update(profile).digest("hex").slice(0, HASH_LENGTH);
  const prefix = `activate-hail-${name}-${hash}-`;
  return {
    pattern: `${prefix}*.service`,
    unit(id, program) {
      if (!/^[0-9]+-[0-9]+$/.test(id)) throw new RangeError(`no name of a run: ${id}`);
      return `${prefix}${id}${program === "activate" ? "" : `-${program}`}.service`;
    },
    idOf(unit) {
      if (!unit.startsWith(prefix)) return null;
      return /^([0-9]+-[0-9]+)(-deactivate)?\.service$/.exec(unit.slice(prefix.length))?.[1] ?? null;
    },
  };
}
