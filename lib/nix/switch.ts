import { basename, dirname, resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { Exit } from "../process/run_command.ts";
import { generationLink, generationNumber, generations, isUnfinished, linkedPath } from "./generations.ts";
import { lastError, nameOf, NIX_MISSING, type RunLogged } from "./nix_command.ts";
import type { NixFiles } from "./nix_files.ts";
import { folderOf, type ProfilePath } from "./profile_name.ts";
import { parseStorePath, type StorePath } from "./store_path.ts";

/**
 * How long `nix-env` may take, in milliseconds. It only writes or removes a few links, but it waits for the lock of the
 * profile, and its store for a garbage collector that is running.
 */
export const SWITCH_TIME_LIMIT = 5 * 60_000;

/** What {@linkcode createSwitch} needs. */
export interface SwitchOptions {
  readonly profile: ProfilePath;
  readonly storeFolder: string;
  readonly runLogged: RunLogged;
  readonly files: NixFiles;
}

const CHECK_FOLDER = "Make sure that the profile's folder can be written and has room; hail tries again.";

/** Makes the parts of the port `Nix` that change the profile. */
export function createSwitch({ profile, storeFolder, runLogged, files }: SwitchOptions) {
  const folder = folderOf(profile);
  const refuse = (why: string, next: string, cause?: unknown) =>
    new Failure("switch-failed", { what: profile, why, next, cause });

  /**
   * Removes what a `nix-env` has left that was ended in the middle. Nix takes such a link for a generation, and would make
   * the profile point at it where it is the newest one and has the same path.
   */
  const sweep = async () => {
    const used = await files.readLink(profile).catch(() => null);
    for await (const { name, kind } of files.list(folder)) {
      if (kind !== "link" || !isUnfinished(profile, name) || name === used) continue;
      await files.remove(`${folder}/${name}`);
    }
  };

  const set = async (path: StorePath) => {
    // Where it fails, so does nix-env, which has the better words.
    await sweep().catch(() => {});
    let exit: Exit;
    try {
      exit = await runLogged({
        program: "nix-env",
        args: ["--profile", profile, "--set", path],
        timeLimit: SWITCH_TIME_LIMIT,
      });
    } catch (error) {
      throw refuse(`nix-env cannot be run (${nameOf(error)})`, NIX_MISSING, error);
    }
    if (exit.ended === "time-limit") {
      throw refuse(
        "nix-env took longer than five minutes and was ended",
        "Look for what holds the profile's lock or the store's; hail tries again.",
      );
    }
    if (exit.status === 0) return;
    const said = lastError(exit.output);
    throw refuse(
      said === null ? `nix-env ended with status ${exit.status}` : `Nix says: ${said}`,
      CHECK_FOLDER,
    );
  };

  const sync = async () => {
    try {
      await files.sync(folder);
    } catch (error) {
      throw refuse(`its folder cannot be synced to the disk (${nameOf(error)})`, CHECK_FOLDER, error);
    }
  };

  /** Refuses to remove a profile that points at something else than a generation with this path. */
  const confirmIsOurs = async (path: StorePath) => {
    const target = await files.readLink(profile);
    if (target === null) return;
    const link = resolve(folder, target);
    const name = basename(link);
    const isGeneration = dirname(link) === folder &&
      (generationNumber(profile, name) !== null || isUnfinished(profile, name));
    const leadsTo = isGeneration ? await files.readLink(link) : target;
    // A generation that is gone is what a removal leaves that was cut off.
    if (isGeneration && (leadsTo === null || resolve(folder, leadsTo) === path)) return;
    const elsewhere = leadsTo === null ? null : parseStorePath(resolve(folder, leadsTo), storeFolder);
    throw refuse(
      `it does not lead to ${path} but ${
        elsewhere === null ? "to something that hail has not made" : `to ${elsewhere}`
      }, so it is not taken away`,
      "See who has changed the profile.",
    );
  };

  return {
    async switchTo(path: StorePath): Promise<void> {
      // To set what is set would make a generation of it once more where it is not the newest one.
      const current = await linkedPath(profile, storeFolder, files).catch(() => null);
      if (current !== path) await set(path);
      await sync();
    },

    async remove(path: StorePath): Promise<void> {
      try {
        await confirmIsOurs(path);
        const target = await files.readLink(profile);
        // The profile first: cut off here, it would otherwise lead nowhere.
        await files.remove(profile);
        if (target !== null && isUnfinished(profile, target)) await files.remove(`${folder}/${target}`);
        for (const generation of await generations(profile, storeFolder, files)) {
          if (generation.path === path) await files.remove(generationLink(profile, generation.number));
        }
      } catch (error) {
        if (error instanceof Failure) throw error;
        throw refuse(`it cannot be taken away (${nameOf(error)})`, CHECK_FOLDER, error);
      }
      // Without a folder there is nothing that could come back.
      if (files.exists(folder)) await sync();
    },
  };
}
