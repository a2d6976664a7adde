/** How single values are written, on the command line and in a configuration file alike. */
import { Failure } from "../failure/failure.ts";
import { type GateSpec, parseGate } from "../gates/spec.ts";
import { type HealthCheck, parseHealthCheck } from "../health/check.ts";
import { type JobUri, parseJobUri } from "../hydra/job_uri.ts";
import { stateFolder } from "../journal/state_folder.ts";
import { parseProfile, type ProfilePath } from "../nix/profile_name.ts";
import { closest } from "../text/closest.ts";
import { checkText, parseStatuses, shown, wholeNumber } from "../text/values.ts";
import { parseDuration } from "../time/period.ts";
import type { JsonSchema } from "./schema.ts";

/** Where a value is written, which some depend on. */
export interface Where {
  /** Where profiles lie that are given by name; null where they have to be given by path. */
  readonly profilesFolder: string | null;
  /** Whether the path of a file may be relative to the working folder. */
  readonly relativePaths: boolean;
}

/** One way of writing a value. */
export interface Notation<T> {
  /** How it is written, for the documents: `a duration: minutes, or ...`. */
  readonly written: string;
  /** The JSON Schema of one value in a configuration file. Whatever it refuses, `read` refuses as well. */
  readonly schema: JsonSchema;
  /** The words that there are, where it is one of a few. */
  readonly choices?: readonly string[];
  /** Whether it may be written as a number in a configuration file; the text is then what JSON would write. */
  readonly bareNumber: boolean;
  /**
   * Reads it.
   *
   * @throws {Failure} `usage`, with nothing in it that may be a password.
   */
  read(text: string, where: Where): T;
}

/** How a service may be called: it stands in file names, messages and command lines. */
const SERVICE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;
const SERVICE_NAME_MAX = 100;

const DURATION = "[0-9]+(\\.[0-9]+)?";

/** A duration in milliseconds, of a second at least unless it says otherwise; a bare number is minutes. */
export function duration(what: string, least?: number): Notation<number> {
  return {
    written: "a duration such as 30s, 5m or 1h30m; a bare number is minutes",
    schema: { type: ["string", "number"], pattern: `^(${DURATION}|(${DURATION}(d|h|ms|m|s))+)$`, minimum: 0 },
    bareNumber: true,
    read: (text) => parseDuration(text, { bareUnit: "m", what, ...(least === undefined ? {} : { least }) }),
  };
}

/** A whole number within bounds. */
export function count(least: number, most: number): Notation<number> {
  return {
    written: `a whole number from ${least} to ${most}`,
    schema: { type: ["string", "integer"], pattern: "^[0-9]+$", minimum: least, maximum: most },
    bareNumber: true,
    read: wholeNumber(least, most),
  };
}

/** One of a few words. */
export function choice<T extends string>(choices: readonly T[]): Notation<T> {
  const list = choices.join(", ");
  return {
    written: `one of ${list}`,
    schema: { enum: choices },
    choices,
    bareNumber: false,
    read(text) {
      const found = choices.find((one) => one === text);
      if (found !== undefined) return found;
      const meant = closest(text, choices);
      throw new Failure("usage", {
        what: shown(text.slice(0, 40)),
        why: `it is not one of ${list}`,
        next: meant === null ? "Write one of them." : `Did you mean ${meant}?`,
      });
    },
  };
}

function textOf<T>(written: string, read: Notation<T>["read"], schema: JsonSchema = {}): Notation<T> {
  return { written, schema: { type: "string", ...schema }, bareNumber: false, read };
}

/** A profile. */
export const profile: Notation<ProfilePath> = textOf(
  "a name below Nix's profiles folder, or an absolute path",
  (text, { profilesFolder }) => {
    const path = parseProfile(text, profilesFolder ?? "");
    if (profilesFolder !== null || text.startsWith("/")) return path;
    throw new Failure("usage", {
      what: `profile ${shown(text)}`,
      why: "it is not an absolute path",
      next: "Give its path.",
    });
  },
  { minLength: 1 },
);

/** A job of a Hydra. */
export const jobUri: Notation<JobUri> = textOf("a URI", parseJobUri, {
  pattern: "^[hH][tT][tT][pP][sS]?://",
});

/** A file that hail reads. */
export const file: Notation<string> = textOf(
  "the path of a file; absolute in a configuration file",
  (text, where) => {
    if (where.relativePaths || text.startsWith("/")) return checkText(text);
    throw new Failure("usage", {
      what: shown(text),
      why: "it is not the absolute path of a file",
      next: "Write the whole path, which begins with /: a configuration does not depend on a working folder.",
    });
  },
  { minLength: 1 },
);

/** The folder of the state. */
export const folder: Notation<string> = textOf(
  "the absolute path of a folder",
  (text) => stateFolder({ get: () => undefined }, text, null),
  { pattern: "^/" },
);

/** A health check. */
export const healthCheck: Notation<readonly HealthCheck[]> = textOf(
  "KIND TARGET [KEY=VALUE...] [advisory]",
  (text) => [parseHealthCheck(text)],
  { minLength: 1 },
);

/** A gate. */
export const gate: Notation<readonly GateSpec[]> = textOf(
  "KIND TARGET [KEY=VALUE...]",
  (text) => [parseGate(text)],
  { minLength: 1 },
);

/** Exit statuses of a program. */
export const statuses: Notation<readonly number[]> = {
  written: "numbers from 1 to 255, or a text with commas between them",
  schema: { type: ["string", "integer"], pattern: "^[0-9 ,]+$", minimum: 1, maximum: 255 },
  bareNumber: true,
  read: parseStatuses,
};

/** The name of a service. */
export const serviceName: Notation<string> = textOf("the name of a service", readServiceName, {
  pattern: SERVICE_NAME.source,
  maxLength: SERVICE_NAME_MAX,
});

/** Names of services. */
export const serviceNames: Notation<readonly string[]> = {
  ...serviceName,
  written: "names of services",
  read: (text) => [readServiceName(text)],
};

function readServiceName(text: string): string {
  if (SERVICE_NAME.test(text) && text.length <= SERVICE_NAME_MAX) return text;
  throw new Failure("usage", {
    what: `service ${shown(text.slice(0, 40))}`,
    why: text.length > SERVICE_NAME_MAX
      ? `its name is longer than ${SERVICE_NAME_MAX} characters`
      : "that is no name of a service",
    next: "Use letters, digits, '.', '_' and '-', and begin with a letter or a digit.",
  });
}

/** An address to listen on. */
export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** An address to listen on, with its port. */
export const endpoint: Notation<Endpoint> = textOf("HOST:PORT, or [ADDRESS]:PORT for IPv6", (text) => {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]{2,45})\]|([a-zA-Z0-9][a-zA-Z0-9.-]{0,252})):([0-9]{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  const port = Number(digits);
  if (hostname !== undefined && port >= 1 && port <= 65_535) return { hostname, port };
  throw new Failure("usage", {
    what: shown(text.slice(0, 80)),
    why: "it is no address with a port from 1 to 65535",
    next: "Write it like 127.0.0.1:8080 or [::1]:8080.",
  });
}, { pattern: ":[0-9]{1,5}$" });
