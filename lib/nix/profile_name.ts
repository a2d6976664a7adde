import { Failure } from "../failure/failure.ts";
import { type Environment, nixFolder } from "./nix_folder.ts";

/**
 * A profile: the absolute path of the link that Nix keeps pointing at one of the profile's generations.
 */
export type ProfilePath = string & { readonly [profileBrand]: true };
declare const profileBrand: unique symbol;

/**
 * The folder of Nix's state: NIX_STATE_DIR, or `/nix/var/nix`.
 *
 * @throws {Failure} `usage` if NIX_STATE_DIR is no plain absolute path.
 */
export function stateFolder(env: Environment): string {
  return nixFolder(env, "NIX_STATE_DIR", "/nix/var/nix");
}

/**
 * The folder of Nix's profiles: `profiles` below {@linkcode stateFolder}.
 *
 * @throws {Failure} `usage` if NIX_STATE_DIR is no plain absolute path.
 */
export function profilesFolder(env: Environment): string {
  return `${stateFolder(env)}/profiles`;
}

// deno-lint-ignore no-control-regex -- control characters are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

// The longest file name that Linux takes is 255 bytes; hail and Nix add `-123456-link` or `.hail-lock` to it.
const PART_LIMIT = 230;

/**
 * Finds the profile that a user means.
 *
 * @param text A name below the profiles folder, which may contain `/`, or an absolute path, taken as it is.
 * @param folder The profiles folder.
 * @throws {Failure} `usage`: it is empty, has an empty part, a part `.` or `..`, a control character, or a part
 * that is too long for a file name.
 */
export function parseProfile(text: string, folder: string): ProfilePath {
  const refuse = (why: string) =>
    new Failure("usage", {
      what: `profile ${JSON.stringify(text.slice(0, 200))}`,
      why,
      next: "Give a name such as hail-profiles/web, or an absolute path.",
    });
  if (text === "") throw refuse("it is empty");
  if (CONTROL.test(text)) throw refuse("it has a control character");
  for (const part of (text.startsWith("/") ? text.slice(1) : text).split("/")) {
    if (part === "") throw refuse("it has an empty part");
    if (part === "." || part === "..") throw refuse(`it has a part '${part}'`);
    if (/-[0-9]+-link$/.test(part)) {
      throw refuse("it has a part that looks like a generation of another profile");
    }
    if (new TextEncoder().encode(part).length > PART_LIMIT) {
      throw refuse(`it has a part of more than ${PART_LIMIT} bytes`);
    }
  }
  return (text.startsWith("/") ? text : `${folder}/${text}`) as ProfilePath;
}

/**
 * A file of hail's own beside a profile, hidden, and named so that Nix does not take it for a generation.
 *
 * @param kind What it is for: the lock, or a root for the garbage collector.
 */
export function besideProfile(profile: ProfilePath, kind: "lock" | "root" | "back-root"): string {
  const cut = profile.lastIndexOf("/");
  return `${profile.slice(0, cut)}/.${profile.slice(cut + 1)}.hail-${kind}`;
}

/** The folder that a profile lies in. */
export function folderOf(profile: ProfilePath): string {
  return profile.slice(0, profile.lastIndexOf("/")) || "/";
}
