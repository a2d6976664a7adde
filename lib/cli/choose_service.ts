import { Failure } from "../failure/failure.ts";
import { closest } from "../health/closest.ts";
import { withoutUserInfo } from "../report/user_info.ts";

/** What a service is called: its profile as it was given by name, else by path. */
export function serviceName(profile: string, profilesFolder: string): string {
  return profile.startsWith(`${profilesFolder}/`) ? profile.slice(profilesFolder.length + 1) : profile;
}

/**
 * Finds out which service an operator means. Pure.
 *
 * @param profiles The profiles of the services that are known.
 * @param wanted The name, its last part, or the path of the profile; undefined where none was given.
 * @param places Where was looked for services, for the message.
 * @returns One of `profiles`.
 * @throws {Failure} `usage`: none is known, none is meant, or several may be meant.
 */
export function chooseService(
  profiles: readonly string[],
  wanted: string | undefined,
  profilesFolder: string,
  places: readonly string[],
): string {
  const [first] = profiles;
  if (first === undefined) throw noneKnown(places);
  const names = profiles.map((profile) => serviceName(profile, profilesFolder)).toSorted();
  if (wanted === undefined) {
    if (profiles.length === 1) return first;
    throw several("SERVICE", `it is not said which of ${profiles.length} is meant`, names);
  }
  const exact = profiles.find((one) => one === wanted || serviceName(one, profilesFolder) === wanted);
  if (exact !== undefined) return exact;
  const alike = profiles.filter((one) => one.slice(one.lastIndexOf("/") + 1) === wanted);
  if (alike.length > 1) {
    throw several(
      `service ${wanted}`,
      "several end in that name",
      alike.map((one) => serviceName(one, profilesFolder)),
    );
  }
  return alike[0] ?? unknown(wanted, names);
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

function several(what: string, why: string, names: readonly string[]): Failure {
  return new Failure("usage", { what, why, next: `Name one of: ${names.join(", ")}.` });
}

function unknown(wanted: string, names: readonly string[]): never {
  const lastParts = names.map((name) => name.slice(name.lastIndexOf("/") + 1));
  const meant = closest(wanted, names) ?? closest(wanted, lastParts);
  throw new Failure("usage", {
    what: `service ${JSON.stringify(withoutUserInfo(wanted).slice(0, 100))}`,
    why: "there is none of that name",
    next: meant === null ? `Name one of: ${names.join(", ")}.` : `Did you mean ${meant}?`,
  });
}
