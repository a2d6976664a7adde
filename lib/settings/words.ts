/** Reads the words of a service, which stand in its database. */
import { Failure } from "../failure/failure.ts";
import { readService, type Said } from "./read.ts";
import type { ServiceSettings } from "./service.ts";
import { AGENT_SETTINGS, keysOf, SERVICE_SETTINGS } from "./table.ts";

/** Options that hail 0.3 remembered as well, and that mean nothing to a service. */
const ASIDE: ReadonlySet<string> = new Set(["oneshot", ...keysOf(AGENT_SETTINGS)]);

const FORMS = new Map(
  keysOf(SERVICE_SETTINGS)
    .filter((key) => SERVICE_SETTINGS[key].places.includes("command-line"))
    .map((key) => [key as string, SERVICE_SETTINGS[key].form]),
);

/**
 * Reads the words that a service was kept with last.
 *
 * @param words `words` of {@linkcode ServiceSettings}, or of a hail 0.3.
 * @param profile Whose they are, for the message.
 * @returns The settings; the name is the profile, which is all that words tell of it.
 * @throws {Failure} `usage`: they cannot be understood, as where a newer hail has written them.
 */
export function readServiceWords(words: readonly string[], profile: string): ServiceSettings {
  const refuse = (cause?: unknown): never => {
    throw new Failure("usage", {
      what: profile,
      why: "this hail does not understand how the one that keeps it was started",
      next: "Use a hail of the same version; or start that one, and ask again.",
      cause,
    });
  };
  const said = take(words);
  if (said === null) return refuse();
  return readService(said, (path) => path, {
    where: { profilesFolder: null, relativePaths: false },
    refuse: (_key, failure) => refuse(failure),
  });
}

/** What the words say; null where they say something that is not known here. */
function take(words: readonly string[]): Said | null {
  const said = new Map<string, string[]>();
  for (const word of words) {
    const [, key = "", value] = /^--([a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (ASIDE.has(key)) continue;
    const form = FORMS.get(key);
    if (form === undefined || (form === "flag") !== (value === undefined)) return null;
    const before = said.get(key) ?? [];
    if (before.length > 0 && form !== "list") return null;
    said.set(key, [...before, value ?? "true"]);
  }
  return said;
}
