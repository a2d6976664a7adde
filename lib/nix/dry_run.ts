import { parseSize } from "./size.ts";

/** What `nix-store --realise PATH --dry-run` says that there is to do. */
export interface DryRun {
  /** How many paths would be fetched. */
  readonly toFetch: number;
  /** How much would be downloaded, in bytes, as exact as Nix prints it; what a cache does not say counts as nothing. */
  readonly downloadBytes: number;
  /** How large what is downloaded is when it is unpacked, in bytes, as exact as Nix prints it. */
  readonly unpackedBytes: number;
  /** The paths that would be fetched; fewer where hail has not read all of a long list. */
  readonly paths: readonly string[];
  /** Paths that no substituter has. */
  readonly missing: readonly string[];
}

// "these 2 paths will be fetched (1.91 MiB download, 1.91 MiB unpacked):" - Nix 2.8 and 2.26 always in MiB, 2.34 in
// KiB, MiB, GiB ...; one path is "this path".
const FETCHED =
  /^(?:this path|these(?: ([0-9]{1,9}))? paths) will be fetched \((.+) download, (.+) unpacked\):$/;
const MISSING = /^don't know how to build these paths/;

/**
 * Reads what `nix-store --realise PATH --dry-run` printed on standard error. Nix that has nothing to do says nothing.
 *
 * @param lines What it printed, line by line; warnings may be among it.
 * @returns Null where it says that something is to be fetched in words that are not known, or that something is to be
 * built.
 */
export function readDryRun(lines: readonly string[]): DryRun | null {
  const paths: string[] = [];
  const missing: string[] = [];
  let list: string[] | null = null;
  let fetched: RegExpExecArray | null = null;
  for (const line of lines) {
    if (/^ +\//.test(line)) {
      list?.push(line.trim());
    } else if (FETCHED.test(line)) {
      fetched = FETCHED.exec(line);
      list = paths;
    } else if (MISSING.test(line)) {
      list = missing;
    } else if (/will be (?:fetched|built)/.test(line)) {
      return null;
    } else list = null;
  }
  if (fetched === null) return { toFetch: 0, downloadBytes: 0, unpackedBytes: 0, paths, missing };
  const [downloadBytes, unpackedBytes] = [parseSize(fetched[2] ?? ""), parseSize(fetched[3] ?? "")];
  if (downloadBytes === null || unpackedBytes === null) return null;
  return {
    toFetch: fetched[1] === undefined ? Math.max(1, paths.length) : Number(fetched[1]),
    downloadBytes,
    unpackedBytes,
    paths,
    missing,
  };
}
