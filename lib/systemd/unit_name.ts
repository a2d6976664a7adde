import { Failure } from "../failure/failure.ts";

/**
 * What the name of a service, a namespace or a target may look like: a letter or digit, then letters, digits and
 * `_.-`. `hail-systemd-bootstrap.nix` has the same pattern and the same limit; a test keeps the two the same.
 */
export const NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9_.-]*";

/** The longest name: with `hail-` before and `.service` behind it stays below the 255 bytes of a unit name. */
export const NAME_LIMIT = 200;

/** The longest absolute path of a folder. */
const FOLDER_LIMIT = 1024;

/**
 * What stands for the name of a service where the unit is the agent's, which keeps many of them. No service can have
 * this name.
 */
export const AGENT = "hail agent";

const AGENT_UNIT = "hail.service";

/**
 * The link to the build of the bootstrap profile that the agent runs by: there are its program and its configuration, in
 * step with each other whenever it starts. It keeps the build from Nix's garbage collector.
 * `hail-systemd-bootstrap.nix` has the same path; a test keeps the two the same.
 */
export const AGENT_BUILD = "/nix/var/nix/gcroots/hail-agent";

const NAME = new RegExp(`^${NAME_PATTERN}$`);
const UNIT = new RegExp(`^hail-(${NAME_PATTERN})\\.service$`);
const FOLDER = /^(\/[A-Za-z0-9_+.@:-]+)+$/;

/** Whether `text` may name a service, a namespace or a target. A name with `..` is refused: it ends up in paths. */
export function isName(text: string): boolean {
  return text.length <= NAME_LIMIT && NAME.test(text) && !text.includes("..");
}

/**
 * Checks the name of a service, a namespace or a target.
 *
 * @param kind What it names, for the message: `namespace`.
 * @returns `text`
 * @throws {Failure} `usage` if {@linkcode isName} does not hold.
 */
export function requireName(kind: string, text: string): string {
  if (isName(text)) return text;
  throw new Failure("usage", {
    what: `${kind} ${JSON.stringify(text.slice(0, 2 * NAME_LIMIT))}`,
    why:
      `is not a name of at most ${NAME_LIMIT} letters, digits and "_.-" that starts with a letter or digit ` +
      `and has no ".."`,
    next: `Give the ${kind} another name.`,
  });
}

/**
 * Checks the absolute path of the folder that unit files are written to.
 *
 * @returns `text`
 * @throws {Failure} `usage` if it is not absolute, not in its shortest form, or has unusual characters.
 */
export function requireFolder(kind: string, text: string): string {
  if (isFolder(text)) return text;
  throw new Failure("usage", {
    what: `${kind} ${JSON.stringify(text.slice(0, FOLDER_LIMIT))}`,
    why: `is not the absolute path of a folder, written with letters, digits and "_+.@:-" only`,
    next: `Give a path such as /etc/systemd/system.`,
  });
}

/** Whether `text` is the absolute path of a folder, as {@linkcode requireFolder} takes it. */
export function isFolder(text: string): boolean {
  const parts = text.split("/");
  return text.length <= FOLDER_LIMIT && FOLDER.test(text) && !parts.includes(".") && !parts.includes("..");
}

/** The unit file of the service `name`: `hail-NAME.service`; that of the {@linkcode AGENT} is `hail.service`. */
export function unitFile(name: string): string {
  return name === AGENT ? AGENT_UNIT : `hail-${name}.service`;
}

/**
 * The service that a unit file belongs to, {@linkcode AGENT} if it is the agent's, or null if no service can have a unit
 * file of that name.
 */
export function serviceOf(file: string): string | null {
  if (file === AGENT_UNIT) return AGENT;
  const name = UNIT.exec(file)?.[1];
  return name !== undefined && isName(name) ? name : null;
}

/** `multi-user` and `multi-user.target` both mean the unit `multi-user.target`. */
export function targetUnit(text: string): string {
  const name = text.endsWith(".target") ? text.slice(0, -".target".length) : text;
  return `${requireName("target", name)}.target`;
}
