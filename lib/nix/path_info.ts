import { LINES_LIMIT } from "../process/lines.ts";
import type { RunCommand } from "../process/run_command.ts";
import type { ClosurePath } from "./closure_difference.ts";
import { NIX_ENVIRONMENT } from "./nix_command.ts";
import { NIX_COMMAND } from "./nix_config.ts";
import { nameInStore } from "./package_name.ts";

/** Which store is asked, and within which bounds. */
export interface PathInfoOptions {
  readonly run: RunCommand;
  readonly storeFolder: string;
  /** The URI of a substituter; null for the store of this machine. */
  readonly store: string | null;
  /** In milliseconds. */
  readonly timeLimit: number;
  readonly signal: AbortSignal;
}

/** What is known of store paths. */
export interface PathInfo {
  readonly known: readonly ClosurePath[];
  /** Those that the store has not; when it is not empty, nothing is known. */
  readonly missing: readonly string[];
}

/**
 * Asks a store for the sizes of paths, or of everything that they need.
 *
 * `nix-store --query` could do the same, but that of Nix 2.34 as Debian ships it crashes when it is asked about another
 * store. A substituter is named in a variable, since its URI may hold a password, and arguments can be seen by everybody.
 *
 * @param closure Whether all that the paths need is asked for as well.
 * @returns Null where the store gives no answer, or a longer one than hail reads.
 * @throws The reason of the signal.
 */
export async function askPathInfo(
  paths: readonly string[],
  closure: boolean,
  { run, storeFolder, store, timeLimit, signal }: PathInfoOptions,
): Promise<PathInfo | null> {
  const known: ClosurePath[] = [];
  const missing: string[] = [];
  let lines = 0;
  let listsMissing = false;
  const exit = await run({
    program: "nix",
    args: [
      ...NIX_COMMAND,
      ...["path-info", ...(closure ? ["--recursive"] : []), "--size"],
      ...["--option", "download-attempts", "1"],
      ...paths,
    ],
    env: store === null ? NIX_ENVIRONMENT : { ...NIX_ENVIRONMENT, NIX_REMOTE: store },
    timeLimit,
    signal,
    onLine(line, stream) {
      if (stream === "stdout") {
        lines += 1;
        const found = /^(\S+)\s+([0-9]{1,15})$/.exec(line);
        const path = found?.[1];
        if (path === undefined || nameInStore(path, storeFolder) === null) return;
        known.push({ path, size: Number(found?.[2]) });
      } else if (line.startsWith("don't know how to build these paths")) {
        listsMissing = true;
      } else if (listsMissing && line.startsWith("  /")) {
        missing.push(line.trim());
      } else {
        listsMissing = false;
        // The one that is missing below the paths that were asked for.
        const path = /^error: path '([^']+)' is not valid/.exec(line)?.[1];
        if (path !== undefined && !missing.includes(path)) missing.push(path);
      }
    },
  }).catch(() => null);
  signal.throwIfAborted();
  if (exit === null || lines > LINES_LIMIT) return null;
  if (exit.status !== 0) return missing.length > 0 ? { known: [], missing } : null;
  return { known, missing: [] };
}
