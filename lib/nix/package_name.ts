/** What the name of a store path tells of the package in it. */
export interface PackageName {
  readonly name: string;
  /** Empty where the name has none. */
  readonly version: string;
}

// Words that end a version and are no output, as in 2.0-rc or 1.0-unstable.
const PART_OF_VERSION = new Set([
  ...["alpha", "beta", "rc", "pre", "git", "svn", "hg", "unstable", "dirty", "snapshot", "release"],
  ...["final", "stable", "nightly", "patched", "modified"],
]);

/**
 * Splits the name of a store path, e.g. `openssl-3.0.13-bin`, into the package's name and version, by the rule of Nix:
 * the version begins behind the first dash that no letter follows. The name of an output behind the version is left
 * out, so that all outputs of a package count as one; the word that ends a pre-release is none.
 *
 * @param storeName What stands behind the hash and its dash.
 */
export function parsePackageName(storeName: string): PackageName {
  const cut = storeName.search(/-[^a-zA-Z]/);
  if (cut < 0) return { name: storeName, version: "" };
  const version = storeName.slice(cut + 1);
  const output = /-([a-z]+|lib32|lib64)$/.exec(version);
  return {
    name: storeName.slice(0, cut),
    version: output === null || output.index === 0 || PART_OF_VERSION.has(output[1] ?? "")
      ? version
      : version.slice(0, output.index),
  };
}

/**
 * The name in a store path, behind the hash.
 *
 * @returns Null where the path is none below the folder of the store.
 */
export function nameInStore(path: string, storeFolder: string): string | null {
  if (!path.startsWith(`${storeFolder}/`)) return null;
  return /^[0-9a-df-np-sv-z]{32}-([0-9A-Za-z+._?=-]{1,211})$/.exec(path.slice(storeFolder.length + 1))?.[1] ??
    null;
}
