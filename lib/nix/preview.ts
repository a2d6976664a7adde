import type { RunCommand } from "../process/run_command.ts";
import { type ClosureDifference, type ClosurePath, compareClosures } from "./closure_difference.ts";
import type { DryRun } from "./dry_run.ts";
import { readNixConfig } from "./nix_config.ts";
import { nameInStore, parsePackageName } from "./package_name.ts";
import { askPathInfo } from "./path_info.ts";
import { askWhatToFetch, DRY_RUN_TIME_LIMIT, neededBytes } from "./room.ts";
import type { StorePath } from "./store_path.ts";

export type { ClosureDifference, PackageChange } from "./closure_difference.ts";

/** What a deployment would fetch and change. Sizes are in bytes; null is what cannot be known now. */
export interface Preview {
  readonly pathsToFetch: number | null;
  readonly downloadBytes: number | null;
  readonly unpackedBytes: number | null;
  /** What is free on the file system of the store. */
  readonly freeBytes: number | null;
  /** What must be free there, the margin included. */
  readonly neededBytes: number | null;
  readonly enough: boolean | null;
  readonly difference: ClosureDifference | null;
  /** Why a part of this is not known, as a clause; null where everything is. */
  readonly note: string | null;
}

/** What {@linkcode createPreview} needs. */
export interface PreviewPorts {
  readonly storeFolder: string;
  readonly run: RunCommand;
  /** What is free on the file system of a folder, in bytes, or null. */
  readonly freeSpace: (folder: string) => number | null;
}

/** What would be deployed. */
export interface PreviewQuestion {
  /** What the profile points at; null where there is no profile. */
  readonly current: StorePath | null;
  readonly wanted: StorePath;
}

// For all that one store says of a closure, in milliseconds: a cache is asked once for each path.
const QUERY_TIME_LIMIT = 60_000;
// A bound on what hail does for a configuration with very many.
const SUBSTITUTER_LIMIT = 10;
// How many paths one command is given: the kernel limits how long arguments may be in all.
const BATCH = 2_000;

/**
 * Makes a function that finds out what a deployment would fetch and change. It changes nothing: nothing is realised,
 * and what is not in the store yet is asked for at the substituters.
 *
 * @throws The reason of the signal, and nothing else.
 */
export function createPreview({ storeFolder, run, freeSpace }: PreviewPorts) {
  return async ({ current, wanted }: PreviewQuestion, signal: AbortSignal): Promise<Preview> => {
    const freeBytes = freeSpace(storeFolder);
    const asked = await askWhatToFetch(run, wanted, DRY_RUN_TIME_LIMIT, signal);
    if ("unknown" in asked) return unknownPreview(freeBytes, asked.unknown);
    const { dryRun } = asked;
    if (dryRun.missing.length > 0) {
      return unknownPreview(freeBytes, `no substituter has ${dryRun.missing[0]} (yet)`);
    }
    const needed = neededBytes(dryRun);
    const { difference, note } = await differenceOf(current, wanted, dryRun, signal);
    return {
      pathsToFetch: dryRun.toFetch,
      downloadBytes: dryRun.downloadBytes,
      unpackedBytes: dryRun.unpackedBytes,
      freeBytes,
      neededBytes: needed,
      enough: freeBytes === null ? null : freeBytes >= needed,
      difference,
      note: note ?? (freeBytes === null ? `the free space of ${storeFolder} cannot be read` : null),
    };
  };

  async function differenceOf(
    current: StorePath | null,
    wanted: StorePath,
    dryRun: DryRun,
    signal: AbortSignal,
  ): Promise<Pick<Preview, "difference" | "note">> {
    const local = { run, storeFolder, store: null, timeLimit: QUERY_TIME_LIMIT, signal };
    const before = current === null ? [] : (await askPathInfo([current], true, local))?.known;
    if (before === undefined) return unknownDifference("the present version's closure cannot be read");
    if (dryRun.toFetch === 0) {
      const after = (await askPathInfo([wanted], true, local))?.known;
      if (after === undefined) return unknownDifference("the new version's closure cannot be read");
      return { difference: compareClosures(before, after, storeFolder), note: null };
    }
    const config = await readNixConfig(run, signal);
    const stores = config?.get("substituters")?.split(" ").filter((uri) => uri !== "") ?? [];
    const asking = stores.slice(0, SUBSTITUTER_LIMIT).map((store) => ({ ...local, store }));
    for (const store of asking) {
      const whole = await askPathInfo([wanted], true, store);
      if (whole !== null && whole.known.length > 0) {
        return { difference: compareClosures(before, whole.known, storeFolder), note: null };
      }
    }
    if (dryRun.paths.length < dryRun.toFetch) {
      return unknownDifference("its closure is too large to be compared");
    }
    // Each substituter has a part. What will be fetched is known by name, what stays of the present version is not.
    let left = dryRun.paths.filter((path) => nameInStore(path, storeFolder) !== null);
    const fetched: ClosurePath[] = [];
    for (const store of asking) {
      const known = await sizesOf(left, store);
      fetched.push(...known);
      const found = new Set(known.map(({ path }) => path));
      left = left.filter((path) => !found.has(path));
      if (left.length === 0) break;
    }
    fetched.push(...left.map((path) => ({ path, size: null })));
    return guessDifference(before, fetched, storeFolder);
  }

  /** The sizes of those of the paths that a substituter has. */
  async function sizesOf(paths: readonly string[], store: Parameters<typeof askPathInfo>[2]) {
    const known: ClosurePath[] = [];
    for (let at = 0; at < paths.length; at += BATCH) {
      let batch = paths.slice(at, at + BATCH);
      // The first answer names those that it has not.
      for (let attempt = 0; attempt < 2 && batch.length > 0; attempt += 1) {
        const info = await askPathInfo(batch, false, store);
        if (info === null) return known;
        known.push(...info.known);
        if (info.missing.length === 0) break;
        const missing = new Set(info.missing);
        batch = batch.filter((path) => !missing.has(path));
      }
    }
    return known;
  }
}

/**
 * The difference where only what will be fetched is known: of the present version, everything is taken to stay that is
 * not fetched in another version.
 */
function guessDifference(
  before: readonly ClosurePath[],
  fetched: readonly ClosurePath[],
  storeFolder: string,
): Pick<Preview, "difference" | "note"> {
  const nameOf = (path: string) => parsePackageName(nameInStore(path, storeFolder) ?? "").name;
  const replaced = new Set(fetched.map(({ path }) => nameOf(path)));
  const stays = before.filter(({ path }) => !replaced.has(nameOf(path)));
  const difference = compareClosures(before, [...stays, ...fetched], storeFolder);
  return {
    difference: { ...difference, sizeAfter: null },
    note: "no substituter has the whole closure, so packages that go away cannot be told",
  };
}

function unknownDifference(note: string): Pick<Preview, "difference" | "note"> {
  return { difference: null, note };
}

function unknownPreview(freeBytes: number | null, note: string): Preview {
  return {
    pathsToFetch: null,
    downloadBytes: null,
    unpackedBytes: null,
    freeBytes,
    neededBytes: null,
    enough: null,
    difference: null,
    note,
  };
}
