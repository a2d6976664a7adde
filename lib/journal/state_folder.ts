/** Where the state of a service is kept: the folder, and the names in it. */
import { createHash } from "node:crypto";
import { Failure } from "../failure/failure.ts";

/** The variables of the environment that name the state folder. */
export interface Environment {
  get(name: "STATE_DIRECTORY" | "XDG_STATE_HOME" | "HOME"): string | undefined;
}

/** Where services of the machine keep their state. */
const SYSTEM_FOLDER = "/var/lib/hail";

/** The greatest length of the readable part of a database's name, in characters. */
const NAME_MAX = 40;

/** How much of the hash of a profile's path stands in names; nobody has so many profiles that two would meet. */
const HASH_LENGTH = 12;

/**
 * The state folder: what `--state-dir` says, else STATE_DIRECTORY (of which systemd may name several: the first), else
 * `/var/lib/hail` for root, and for other users `$XDG_STATE_HOME/hail` or `$HOME/.local/state/hail`. An empty variable is
 * one that is not set. Slashes that mean nothing are taken out.
 *
 * @param option What `--state-dir` says.
 * @param uid Who runs hail; null where that is not known.
 * @throws {Failure} `usage` if what is said is not an absolute path below `/`, has a `.` or `..` part, or control
 * characters.
 */
export function stateFolder(env: Environment, option: string | undefined, uid: number | null): string {
  if (option !== undefined) return absolute(option, "the state folder");
  const given = env.get("STATE_DIRECTORY")?.split(":")[0];
  if (given) return absolute(given, "STATE_DIRECTORY");
  if (uid === 0 || uid === null) return SYSTEM_FOLDER;
  const states = env.get("XDG_STATE_HOME");
  if (states) return `${absolute(states, "XDG_STATE_HOME")}/hail`;
  const home = env.get("HOME");
  return home ? `${absolute(home, "HOME")}/.local/state/hail` : SYSTEM_FOLDER;
}

/** The name of a profile's database: readable, and different for each profile. */
export function databaseName(profile: string): string {
  const name = profile.slice(profile.lastIndexOf("/") + 1).replace(/[^A-Za-z0-9._-]/g, "_");
  return `${name.slice(0, NAME_MAX)}-${hashOf(profile)}.sqlite`;
}

/** The name of the socket of the hail that holds a profile. It is short: a socket's path has at most 107 bytes. */
export function socketName(profile: string): string {
  return `${hashOf(profile)}.sock`;
}

/** The name of the socket of an agent, in its state folder. */
export const AGENT_SOCKET = "agent.sock";

/**
 * Where the hail that keeps a service may listen: on a socket for it alone, or on that of an agent.
 *
 * @param database The path of the service's database, of which only the name counts.
 */
export function socketsBeside(database: string): readonly [own: string, agent: string] {
  const folder = database.slice(0, database.lastIndexOf("/"));
  const hash = database.slice(-".sqlite".length - HASH_LENGTH, -".sqlite".length);
  return [`${folder}/${hash}.sock`, `${folder}/${AGENT_SOCKET}`];
}

/** Whether a name in a state folder is one that {@linkcode databaseName} gives. */
export function isDatabaseName(name: string): boolean {
  return /^[A-Za-z0-9._-]{0,40}-[0-9a-f]{12}\.sqlite$/.test(name);
}

function hashOf(profile: string): string {
  return createHash("sha256").update(profile).digest("hex").slice(0, HASH_LENGTH);
}

function absolute(text: string, what: string): string {
  const parts = text.split("/").filter((part) => part !== "");
  const usable = text.startsWith("/") && parts.length > 0 && !/[\0-\x1f\x7f]/.test(text) &&
    !parts.some((part) => part === "." || part === "..");
  if (!usable) {
    throw new Failure("usage", {
      what,
      why: "it is not the absolute path of a folder",
      next: `Give such a path, e.g. ${SYSTEM_FOLDER}.`,
    });
  }
  return `/${parts.join("/")}`;
}
