/**
 * Store paths, as far as hail lets one come near a Nix command.
 *
 * What Hydra answers is not trusted: a text becomes a {@linkcode StorePath} here or is refused. A store path
 * begins with `/`, so it can never be taken for an option, and it has no part that leads out of the store.
 */
import { type Environment, nixFolder } from "./nix_folder.ts";

declare const brand: unique symbol;

/**
 * The text of a store path that passed {@linkcode parseStorePath}, e.g. `/nix/store/<32 characters>-web-4.0`.
 */
export type StorePath = string & { readonly [brand]: true };

/** Where Nix keeps its store unless `NIX_STORE_DIR` says otherwise. */
export const DEFAULT_STORE_FOLDER = "/nix/store";

/**
 * The longest name that Nix accepts: 255 bytes of a file name less the hash, its dash and room for `.lock`
 * and such.
 */
const NAME_MAX = 211;

/** A hash of 20 bytes in Nix's base 32, which leaves out e, o, t and u. */
const BASE_NAME = new RegExp(
  `^[0-9a-df-np-sv-z]{32}-([0-9A-Za-z+_?=-][0-9A-Za-z+._?=-]{0,${NAME_MAX - 1}})$`,
);

/**
 * Reads a store path.
 *
 * Exactly the path of an object in the store is accepted: the store folder, `/`, 32 characters of Nix base
 * 32, `-` and a name of 1 to 211 characters out of `A-Z a-z 0-9 + - . _ ? =` that does not begin with a dot.
 * Paths below a store path are refused, white space is not trimmed, and a name ending in `.drv` is refused,
 * because to realise a derivation means to build it.
 *
 * The rules are those of `checkName` in Nix (`src/libstore/path.cc`).
 *
 * @param text The text to read; it may come from anywhere.
 * @param storeFolder The store folder without a slash at its end.
 * @returns The same text, or `null` where it is no store path.
 */
export function parseStorePath(text: string, storeFolder: string = DEFAULT_STORE_FOLDER): StorePath | null {
  if (!text.startsWith(`${storeFolder}/`)) return null;
  const baseName = text.slice(storeFolder.length + 1);
  // `$` in BASE_NAME matches at the very end only, since the expression has no flag `m`.
  if (!BASE_NAME.test(baseName) || baseName.endsWith(".drv")) return null;
  return text as StorePath;
}

/**
 * The store folder of this machine: `NIX_STORE_DIR`, otherwise {@linkcode DEFAULT_STORE_FOLDER}.
 *
 * @throws {Failure} `usage` if `NIX_STORE_DIR` is no plain absolute path.
 */
export function storeFolder(env: Environment): string {
  return nixFolder(env, "NIX_STORE_DIR", DEFAULT_STORE_FOLDER);
}
