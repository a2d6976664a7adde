import { basename, dirname, resolve } from "node:path";
import { generationNumber } from "./generations.ts";
import type { NixFiles } from "./nix_files.ts";
import { folderOf, type ProfilePath } from "./profile_name.ts";

// More than any host has; a bound on what hail does for somebody who fills these folders.
const ENTRY_LIMIT = 100_000;
const DEPTH_LIMIT = 12;

/**
 * The generations of a profile that another link leads to: one beside the profile, or below the folders of Nix's profiles
 * and garbage collector roots. Of each link one step is looked at.
 *
 * In `gcroots/auto` Nix keeps a list of links that lie elsewhere, and every generation is among them, since Nix enters it
 * there when it makes it. So it is not the entry that counts but the link that it names.
 *
 * @param stateFolder The folder of Nix's state, e.g. `/nix/var/nix`.
 * @throws {Error} A folder cannot be read, or there are too many entries: then nobody knows.
 */
export async function pinnedGenerations(
  profile: ProfilePath,
  stateFolder: string,
  files: NixFiles,
): Promise<Set<number>> {
  const folder = folderOf(profile);
  const home = await files.realPath(folder) ?? folder;
  const pinned = new Set<number>();
  const seen = new Set<string>();
  let entries = 0;

  const targetOf = async (link: string) => {
    const target = await files.readLink(link);
    return target === null ? null : resolve(dirname(link), target);
  };

  const look = async (entry: string) => {
    const isListed = entry.startsWith(`${stateFolder}/gcroots/auto/`);
    const link = isListed ? await targetOf(entry) : entry;
    if (link === null || link === profile) return;
    // What a list names may have become anything.
    const target = isListed ? await targetOf(link).catch(() => null) : await targetOf(link);
    if (target === null) return;
    // It may lead to a generation or into one.
    for (let path = target; path !== dirname(path); path = dirname(path)) {
      const number = generationNumber(profile, basename(path));
      if (number === null) continue;
      if (await files.realPath(dirname(path)).catch(() => null) === home) pinned.add(number);
    }
  };

  const walk = async (folder: string, depth: number) => {
    if (depth < 0) throw new Error(`the folders below ${folder} are too deep`);
    if (seen.has(folder)) return;
    seen.add(folder);
    for await (const { name, kind } of files.list(folder)) {
      entries += 1;
      if (entries > ENTRY_LIMIT) throw new Error(`there are more than ${ENTRY_LIMIT} links`);
      const path = `${folder}/${name}`;
      if (kind === "link") await look(path);
      else if (kind === "folder") await walk(path, depth - 1);
    }
  };

  for (const root of [`${stateFolder}/profiles`, `${stateFolder}/gcroots`]) await walk(root, DEPTH_LIMIT);
  // Where the profile lies elsewhere, only its own folder is looked at, not all that may be below it.
  if (!seen.has(folder)) {
    for await (const { name, kind } of files.list(folder)) {
      entries += 1;
      if (entries > ENTRY_LIMIT) throw new Error(`there are more than ${ENTRY_LIMIT} links`);
      if (kind === "link") await look(`${folder}/${name}`);
    }
  }
  return pinned;
}
