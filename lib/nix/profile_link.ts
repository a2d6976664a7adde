import { Failure } from "../failure/failure.ts";
import type { ProfilePath } from "./profile_name.ts";
import { parseStorePath, type StorePath } from "./store_path.ts";

/**
 * The store path that a profile points at now, or null where there is no profile yet or its generation has been
 * taken away.
 *
 * @param storeFolder The folder of the Nix store.
 * @throws {Failure} `switch-failed`: something other than a profile is in its place, it leads out of the store, or
 * it cannot be read.
 */
export async function readProfile(profile: ProfilePath, storeFolder: string): Promise<StorePath | null> {
  // This is asked at every poll, so the usual answer comes at once, without a trip to another thread.
  try {
    const path = parseStorePath(Deno.realPathSync(profile), storeFolder);
    if (path !== null) return path;
  } catch {
    // Looked at below.
  }
  return await examine(profile, storeFolder);
}

async function examine(profile: ProfilePath, storeFolder: string): Promise<StorePath | null> {
  const refuse = (why: string, next: string, cause?: unknown) =>
    new Failure("switch-failed", { what: profile, why, next, cause });
  let target: string;
  try {
    // A first look at the link itself: realPath takes a folder for a fine profile.
    const link = await Deno.lstat(profile);
    if (!link.isSymlink) {
      throw refuse(
        link.isDirectory ? "it is a folder, not a profile" : "it is a file, not a profile",
        "Choose another profile, or move what is there out of the way.",
      );
    }
    target = await Deno.realPath(profile);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Failure) throw error;
    throw refuse(
      `it cannot be read (${error instanceof Error ? error.name : "unknown error"})`,
      "Check who may read the profile's folder.",
      error,
    );
  }
  // The store folder may be a link itself. Hydra names paths by the folder as it is configured, and so does hail.
  const store = await Deno.realPath(storeFolder).catch(() => storeFolder);
  const path = target.startsWith(`${store}/`)
    ? parseStorePath(storeFolder + target.slice(store.length), storeFolder)
    : null;
  if (path === null) {
    throw refuse(
      `it leads to ${JSON.stringify(target.slice(0, 300))}, which is no store path`,
      "Choose another profile, or remove the link.",
    );
  }
  return path;
}
