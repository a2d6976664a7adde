import { basename, dirname, resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { Report } from "../report/event.ts";
import { generationLink, generationNumber, isUnfinished } from "./generations.ts";
import { nameOf, type RunLogged } from "./nix_command.ts";
import type { NixFiles } from "./nix_files.ts";
import { besideProfile, folderOf, type ProfilePath } from "./profile_name.ts";
import { parseStorePath } from "./store_path.ts";
import { SWITCH_TIME_LIMIT } from "./switch.ts";

// How many generations one nix-env is given: a bound on its arguments.
const BATCH = 200;

/** What {@linkcode removeProfile} needs. */
export interface RemoveProfileOptions {
  readonly profile: ProfilePath;
  readonly storeFolder: string;
  readonly runLogged: RunLogged;
  readonly files: NixFiles;
  readonly report: Report;
  /** Whether it is not told that the profile is gone, since another one has what it held. */
  readonly quiet?: boolean;
}

/**
 * Takes a profile away with all its generations, and hail's own roots beside it; the store paths stay until the garbage
 * collector runs. Only links that Nix or hail has made go: where something else is in the place of the profile, that is
 * left alone, and told. The lock file stays: to remove it would let two holders lock two files of one name.
 *
 * Whoever calls this holds the lock. It can be done again after it was cut off anywhere; nothing there is no error. When it
 * returns, it survives a power cut.
 *
 * @throws {Failure} `switch-failed`: the profile's folder cannot be read or written.
 */
export async function removeProfile(options: RemoveProfileOptions): Promise<void> {
  const { profile, files, report, quiet = false } = options;
  const folder = folderOf(profile);
  try {
    const found = await look(options);
    await removeWithNix(found.numbers.filter((number) => number !== found.current), options);
    // First what the profile does not need: where that fails, it is as it was.
    for (const name of found.unfinished) await files.remove(`${folder}/${name}`);
    for (const root of ["root", "back-root"] as const) await files.remove(besideProfile(profile, root));
    // Then the profile itself: cut off here, it would otherwise lead nowhere.
    if (found.isProfile) await files.remove(profile);
    for (const number of found.numbers) await files.remove(generationLink(profile, number));
    await files.sync(folder);
    if (quiet || (!found.isProfile && found.numbers.length === 0)) return;
    report({
      name: "profile-removed",
      level: "info",
      message: `${profile} is gone with its generations; nix-collect-garbage frees what they held`,
      fields: { profile },
    });
  } catch (error) {
    throw new Failure("switch-failed", {
      what: profile,
      why: `it cannot be taken away (${nameOf(error)})`,
      next: "Make sure that the profile's folder can be written, and say it again.",
      cause: error,
    });
  }
}

/** What there is of a profile. */
interface Found {
  /** Whether the profile is a link that Nix has made. */
  readonly isProfile: boolean;
  /** The number of the generation that it points at; null for none. */
  readonly current: number | null;
  /** Those of all links to store paths that are generations. */
  readonly numbers: readonly number[];
  /** What an interrupted `nix-env` has left. */
  readonly unfinished: readonly string[];
}

/** Finds what is there. Where something else is in the place of the profile, that is told. */
async function look({ profile, storeFolder, files, report }: RemoveProfileOptions): Promise<Found> {
  const folder = folderOf(profile);
  const leadsToStore = async (link: string) => {
    const target = await files.readLink(link);
    return target !== null && parseStorePath(resolve(folder, target), storeFolder) !== null;
  };
  const numbers: number[] = [];
  const unfinished: string[] = [];
  for await (const { name, kind } of files.list(folder)) {
    if (kind !== "link") continue;
    const number = generationNumber(profile, name);
    if (number !== null && await leadsToStore(`${folder}/${name}`)) numbers.push(number);
    if (isUnfinished(profile, name)) unfinished.push(name);
  }
  numbers.sort((one, other) => one - other);
  const target = await files.readLink(profile).catch(() => undefined);
  if (target === null) return { isProfile: false, current: null, numbers, unfinished };
  const link = resolve(folder, target ?? "");
  const beside = dirname(link) === folder ? basename(link) : "";
  const current = generationNumber(profile, beside);
  const isProfile = target !== undefined &&
    (current !== null || isUnfinished(profile, beside) || parseStorePath(link, storeFolder) !== null);
  if (!isProfile) {
    report({
      name: "profile-kept",
      level: "warning",
      message: `${profile} is left alone: it is ${
        target === undefined ? "no link" : "a link that neither Nix nor hail has made"
      }`,
      fields: { profile },
    });
  }
  return { isProfile, current, numbers, unfinished };
}

/**
 * Has Nix remove generations. It waits for a `nix-env` that a killed hail has left behind, which would otherwise make one
 * more when all are gone. Where it fails, the links are removed without it.
 */
async function removeWithNix(
  numbers: readonly number[],
  { profile, runLogged }: RemoveProfileOptions,
): Promise<void> {
  for (let at = 0; at < numbers.length; at += BATCH) {
    const batch = numbers.slice(at, at + BATCH).map(String);
    const status = await runLogged({
      program: "nix-env",
      args: ["--profile", profile, "--delete-generations", ...batch],
      timeLimit: SWITCH_TIME_LIMIT,
      level: "debug",
    }).then((exit) => exit.status, () => null);
    if (status !== 0) return;
  }
}
