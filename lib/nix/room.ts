import { Failure } from "../failure/failure.ts";
import type { RunCommand } from "../process/run_command.ts";
import type { Field, Report } from "../report/event.ts";
import { type DryRun, readDryRun } from "./dry_run.ts";
import { ASK_AGAIN, NIX_ENVIRONMENT } from "./nix_command.ts";
import { readNixConfig } from "./nix_config.ts";
import type { NixFiles } from "./nix_files.ts";
import { formatSize } from "./size.ts";
import type { StorePath } from "./store_path.ts";

/** The longest time that finding out what there is to fetch may take, in milliseconds. */
export const DRY_RUN_TIME_LIMIT = 60_000;

/** What stays free whatever is fetched, in bytes: for Nix's database, the log, and the service's own start. */
const SPARE = 16 * 1024 * 1024;

/**
 * Which part of the archives' size is asked for on top of it, as a divisor. Nix 2.34 rounds what it prints by up to a
 * twentieth, and files fill whole blocks, which matters where they are small.
 */
const MARGIN = 10;

/**
 * What must be free on the file system of the store for a realisation, in bytes. Nix unpacks a download as it comes
 * and never keeps it, so what is downloaded takes no room of its own.
 */
export function neededBytes({ toFetch, unpackedBytes }: Pick<DryRun, "toFetch" | "unpackedBytes">): number {
  return toFetch === 0 ? 0 : unpackedBytes + Math.ceil(unpackedBytes / MARGIN) + SPARE;
}

/** What came of asking what there is to fetch. */
export type Asked = { readonly dryRun: DryRun } | { readonly unknown: string };

/**
 * Asks the substituters what a realisation would fetch; nothing is fetched.
 *
 * @param timeLimit In milliseconds.
 * @throws The reason of the signal.
 */
export async function askWhatToFetch(
  run: RunCommand,
  path: StorePath,
  timeLimit: number,
  signal: AbortSignal,
): Promise<Asked> {
  const lines: string[] = [];
  const exit = await run({
    program: "nix-store",
    // One attempt: to try again and again is the realisation's part.
    args: ["--realise", path, "--dry-run", ...ASK_AGAIN, "--option", "download-attempts", "1"],
    env: NIX_ENVIRONMENT,
    timeLimit,
    signal,
    onLine: (line, stream) => stream === "stderr" && lines.push(line),
  }).catch(() => null);
  signal.throwIfAborted();
  if (exit === null) return { unknown: "nix-store cannot be run" };
  if (exit.ended === "time-limit") return { unknown: "nix-store --dry-run took too long" };
  if (exit.status !== 0) return { unknown: `nix-store --dry-run ended with status ${exit.status}` };
  const dryRun = readDryRun(lines);
  return dryRun === null ? { unknown: "nix-store --dry-run said something unknown" } : { dryRun };
}

/** What {@linkcode createRoomCheck} needs. */
export interface RoomPorts {
  readonly storeFolder: string;
  readonly run: RunCommand;
  readonly files: Pick<NixFiles, "exists" | "freeSpace">;
  readonly report: Report;
}

/**
 * Makes a function that looks whether there is room for a store path and what it needs, before any of it is fetched.
 * Where that cannot be known, it says nothing: the realisation will tell.
 *
 * @throws {Failure} `no-room`.
 * @throws The reason of the signal.
 */
export function createRoomCheck({ storeFolder, run, files, report }: RoomPorts) {
  const tell = (message: string, fields: Readonly<Record<string, Field>> = {}) =>
    report({ name: "room", level: "debug", message, fields });

  return async (path: StorePath, timeLimit: number, signal: AbortSignal): Promise<void> => {
    // What a path needs is there before the path itself is, so there is nothing left to fetch.
    if (files.exists(path)) return;
    const free = files.freeSpace(storeFolder);
    if (free === null) return tell(`what is free on the file system of ${storeFolder} is not known`);
    const asked = await askWhatToFetch(run, path, Math.min(timeLimit, DRY_RUN_TIME_LIMIT), signal);
    if ("unknown" in asked) return tell(`how much room ${path} needs is not known: ${asked.unknown}`);
    const { toFetch, downloadBytes, unpackedBytes, missing } = asked.dryRun;
    // The realisation will fail, and says why.
    if (missing.length > 0) return tell(`how much room ${path} needs is not known: not all of it is there`);
    const needed = neededBytes(asked.dryRun);
    tell(
      `${path} needs ${toFetch} paths: ${formatSize(downloadBytes)} to download, ${
        formatSize(unpackedBytes)
      } unpacked; ${formatSize(free)} are free`,
      {
        path,
        paths: toFetch,
        download_bytes: downloadBytes,
        unpacked_bytes: unpackedBytes,
        needed_bytes: needed,
        free_bytes: free,
      },
    );
    if (free >= needed) return;
    // Then Nix itself collects garbage while it fetches, as soon as room gets scarce.
    const minimum = (await readNixConfig(run, signal))?.get("min-free");
    if (minimum !== undefined && Number(minimum) > 0) {
      return tell(`there is too little room for ${path}, but Nix is set to make room by itself (min-free)`);
    }
    throw new Failure("no-room", {
      what: path,
      why: `it needs ${formatSize(needed)} (${formatSize(unpackedBytes)} unpacked, and a margin), but ${
        formatSize(free)
      } are free on the file system of ${storeFolder}`,
      next: "Collect garbage (nix-collect-garbage), keep fewer generations (keep-generations), or enlarge " +
        "the file system; hail tries again.",
    });
  };
}
