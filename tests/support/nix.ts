import type { CommandOptions, CommandResult } from "./command.ts";

/** A Nix to run the commands of: one from Debian with a private `/nix`, or the one on PATH with a private store. */
export interface Nix {
  /** Runs a program, as a rule one of Nix's, with the environment that makes it use this Nix and its store. */
  run(command: readonly string[], options?: CommandOptions): Promise<CommandResult>;
}

/** What stands in `nix.conf`. */
export interface NixSettings {
  /** The binary caches, by URI. */
  readonly substituters?: readonly string[];
  /** The keys whose signatures are trusted, as `NAME:BASE64`. */
  readonly trustedPublicKeys?: readonly string[];
  /** The text of the netrc file for the substituters. */
  readonly netrc?: string;
  /** Further lines. */
  readonly more?: readonly string[];
}

/**
 * The text of a `nix.conf` for tests.
 *
 * @param netrcFile Where the netrc of the settings stands.
 */
export function nixConf(settings: NixSettings, netrcFile: string): string {
  return [
    // Builds are made by /bin/sh with the programs of the host.
    "sandbox = false",
    "build-users-group =",
    "experimental-features = nix-command",
    `substituters = ${(settings.substituters ?? []).join(" ")}`,
    `trusted-public-keys = ${(settings.trustedPublicKeys ?? []).join(" ")}`,
    `netrc-file = ${netrcFile}`,
    // A cache that says something else in the next test must be asked anew.
    "narinfo-cache-negative-ttl = 0",
    "narinfo-cache-positive-ttl = 0",
    ...(settings.more ?? []),
    "",
  ].join("\n");
}
