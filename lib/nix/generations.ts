import { basename, dirname, resolve } from "node:path";
import { type NixFiles, nixFiles } from "./nix_files.ts";
import { folderOf, type ProfilePath } from "./profile_name.ts";
import { parseStorePath, type StorePath } from "./store_path.ts";

/** A generation of a profile: the link `PROFILE-NUMBER-link`. */
export interface Generation {
  readonly number: number;
  /** Where it leads. */
  readonly path: StorePath;
  /** When it was made, in milliseconds since 1970-01-01T00:00:00Z. */
  readonly madeAt: number;
  /** Whether the profile points at it. */
  readonly current: boolean;
}

/** The number of the generation that a name of a link stands for, or null where it is none of this profile. */
export function generationNumber(profile: ProfilePath, name: string): number | null {
  const start = `${basename(profile)}-`;
  if (!name.startsWith(start)) return null;
  // As in Nix, which takes no more digits than fit its number, and writes no zero in front.
  const digits = /^(0|[1-9][0-9]{0,14})-link$/.exec(name.slice(start.length))?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * Whether a name is what a `nix-env` leaves that is ended while it makes a generation: it makes the link under such a name
 * and renames it.
 */
export function isUnfinished(profile: ProfilePath, name: string): boolean {
  const start = `${basename(profile)}-`;
  return name.startsWith(start) && /^[0-9]{1,15}-link\.tmp-[0-9]+(-[0-9]+)?$/.test(name.slice(start.length));
}

/** The link of a generation. */
export function generationLink(profile: ProfilePath, number: number): string {
  return `${profile}-${number}-link`;
}

/**
 * The generations of a profile, oldest first. Links that do not lead to a store path are left out.
 *
 * @param storeFolder The folder of the Nix store.
 * @throws {Error} The profile's folder cannot be read.
 */
export async function generations(
  profile: ProfilePath,
  storeFolder: string,
  files: NixFiles = nixFiles,
): Promise<Generation[]> {
  const currentNumber = await findCurrent(profile, files);
  const found: Generation[] = [];
  for await (const { name, kind } of files.list(folderOf(profile))) {
    const number = kind === "link" ? generationNumber(profile, name) : null;
    if (number === null) continue;
    const link = generationLink(profile, number);
    // Either is gone where somebody has just removed it.
    const path = await readGeneration(link, storeFolder, files);
    const madeAt = await files.madeAt(link);
    if (path === null || madeAt === null) continue;
    found.push({ number, path, madeAt, current: number === currentNumber });
  }
  return found.toSorted((one, other) => one.number - other.number);
}

/**
 * The generation that an operator means.
 *
 * @param wanted The number of a generation, or a store path, for which its newest generation stands.
 */
export function findGeneration(all: readonly Generation[], wanted: string): Generation | null {
  const meant = /^[0-9]{1,15}$/.test(wanted)
    ? all.find(({ number }) => number === Number(wanted))
    : all.findLast(({ path }) => path === wanted);
  return meant ?? null;
}

/** The store path of a profile, read from the links as Nix wrote them; null where it leads nowhere. */
export async function linkedPath(
  profile: ProfilePath,
  storeFolder: string,
  files: NixFiles,
): Promise<StorePath | null> {
  const target = await files.readLink(profile);
  if (target === null) return null;
  const link = resolve(dirname(profile), target);
  return parseStorePath(link, storeFolder) ?? await readGeneration(link, storeFolder, files);
}

/** The number of the generation that a profile points at, or null where it points at none. */
export async function findCurrent(profile: ProfilePath, files: NixFiles): Promise<number | null> {
  const target = await files.readLink(profile);
  if (target === null) return null;
  const link = resolve(dirname(profile), target);
  return dirname(link) === dirname(profile) ? generationNumber(profile, basename(link)) : null;
}

async function readGeneration(
  link: string,
  storeFolder: string,
  files: NixFiles,
): Promise<StorePath | null> {
  const target = await files.readLink(link);
  return target === null ? null : parseStorePath(resolve(dirname(link), target), storeFolder);
}
