import { Failure } from "../failure/failure.ts";
import { closest } from "../text/closest.ts";
import { withoutUserInfo } from "../report/user_info.ts";

/** How many names an error lists. */
const LISTED = 20;

/** A service as it can be told from others. */
export interface Known {
  readonly profile: string;
  /** Its name in the configuration of an agent; null where it has none. */
  readonly configured: string | null;
}

/** What operators may mean. */
export interface Choice {
  /** The names, the last parts, or the paths of the profiles; empty where none was given. */
  readonly wanted: readonly string[];
  readonly all: boolean;
  readonly profilesFolder: string;
  /** Where was looked for services, for the message. */
  readonly places: readonly string[];
}

/** What a service is called by its profile: as that was given by name, else by path. */
export function serviceName(profile: string, profilesFolder: string): string {
  return profile.startsWith(`${profilesFolder}/`) ? profile.slice(profilesFolder.length + 1) : profile;
}

/**
 * What each service is called, by its profile: by the name in its agent's configuration, else by its profile's. Where two
 * would be called the same, both are called by the paths of their profiles.
 */
export function namesOf(known: readonly Known[], profilesFolder: string): ReadonlyMap<string, string> {
  const nameOf = ({ configured, profile }: Known) => configured ?? serviceName(profile, profilesFolder);
  const names = new Map(known.map((one) => [one.profile, nameOf(one)]));
  const uses = new Map<string, number>();
  for (const name of names.values()) uses.set(name, (uses.get(name) ?? 0) + 1);
  return new Map([...names].map(([profile, name]) => [profile, uses.get(name) === 1 ? name : profile]));
}

/**
 * Finds out which services an operator means. Pure.
 *
 * @returns The profiles of some of `known`, each once, in the order of what they are called.
 * @throws {Failure} `usage`: none is known, one is not known, or several may be meant.
 */
export function chooseServices(known: readonly Known[], choice: Choice): string[] {
  const { wanted, all, profilesFolder, places } = choice;
  const [first] = known;
  if (first === undefined) throw noneKnown(places);
  const names = namesOf(known, profilesFolder);
  const profiles = inOrder(names.keys(), names);
  if (all) return profiles;
  if (wanted.length > 0) {
    return inOrder(new Set(wanted.map((one) => chooseOne(one, known, names, profilesFolder))), names);
  }
  if (profiles.length === 1) return profiles;
  const called = profiles.map((profile) => names.get(profile) ?? profile);
  throw new Failure("usage", {
    what: "SERVICE",
    why: `it is not said which of ${profiles.length} is meant`,
    next: `Name one or more of: ${list(called)}; or say --all.`,
  });
}

function chooseOne(
  wanted: string,
  known: readonly Known[],
  names: ReadonlyMap<string, string>,
  profilesFolder: string,
): string {
  const called = (profile: string) => names.get(profile) ?? profile;
  const waysToMean: readonly [(one: Known) => boolean, string][] = [
    [
      ({ profile, configured }) =>
        [profile, configured, serviceName(profile, profilesFolder)].includes(wanted),
      "several are called that",
    ],
    [({ profile }) => lastPart(profile) === wanted, "several end in that name"],
  ];
  for (const [isMeant, why] of waysToMean) {
    const [one, ...more] = new Set(known.filter(isMeant).map(({ profile }) => profile));
    if (one === undefined) continue;
    if (more.length === 0) return one;
    const next = `Name one of: ${list([one, ...more].map(called))}.`;
    throw new Failure("usage", { what: `service ${wanted}`, why, next });
  }
  throw unknown(wanted, inOrder(names.keys(), names).map(called));
}

/** The failure of a command that needs a service where none is known. */
export function noneKnown(places: readonly string[]): Failure {
  return new Failure("usage", {
    what: places.join(" and "),
    why: "no service is known there",
    next:
      "Start one with `hail --profile PROFILE --job-uri URI`, or say where its state is with --state-dir.",
  });
}

function unknown(wanted: string, names: readonly string[]): Failure {
  const meant = closest(wanted, names) ?? closest(wanted, names.map(lastPart));
  return new Failure("usage", {
    what: `service ${JSON.stringify(withoutUserInfo(wanted).slice(0, 100))}`,
    why: "there is none of that name",
    next: meant === null ? `Name one of: ${list(names)}.` : `Did you mean ${meant}?`,
  });
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function list(names: readonly string[]): string {
  const more = names.length - LISTED;
  return names.slice(0, LISTED).join(", ") + (more > 0 ? ` and ${more} more, see \`hail status\`` : "");
}

function inOrder(profiles: Iterable<string>, names: ReadonlyMap<string, string>): string[] {
  const called = (profile: string) => names.get(profile) ?? profile;
  return [...profiles].toSorted((a, b) => called(a) < called(b) ? -1 : 1);
}
