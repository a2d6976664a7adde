/** Makes the settings of a service out of what is said, wherever that is. */
import { resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import { file, type Where } from "./notation.ts";
import type { ServiceSettings } from "./service.ts";
import type { Setting, Table } from "./setting.ts";
import { keysOf, SERVICE_SETTINGS, type ServiceValues } from "./table.ts";

/**
 * What is said of some settings, by key: one text, for a list any number, for a flag `true` or `false`. What is not said
 * is missing.
 */
export type Said = ReadonlyMap<string, readonly string[]>;

/**
 * Takes what is wrong with a setting.
 *
 * @param failure Null if it is missing.
 */
export type Refuse = (key: string, failure: Failure | null) => never;

/** How what is said is read. */
export interface Reading {
  readonly where: Where;
  readonly refuse: Refuse;
}

/** Reads the value of a setting of a table. */
export function readValue<V, K extends keyof V & string>(
  table: Table<V>,
  key: K,
  said: Said,
  { where, refuse }: Reading,
): V[K] {
  const setting: Setting<V[K]> = table[key];
  const texts = said.get(key);
  if (texts === undefined) return setting.initial === null ? refuse(key, null) : setting.initial.value;
  try {
    return setting.read(texts, where);
  } catch (error) {
    if (error instanceof Failure) return refuse(key, error);
    throw error;
  }
}

/**
 * Reads the settings of a service.
 *
 * @param nameOf What operators call it, by its profile.
 */
export function readService(
  said: Said,
  nameOf: (profile: string) => string,
  reading: Reading,
): ServiceSettings {
  const read = <K extends keyof ServiceValues>(key: K) => readValue(SERVICE_SETTINGS, key, said, reading);
  const profile = read("profile");
  const confirm = read("confirm-timeout");
  return {
    name: nameOf(profile),
    profile,
    jobUri: read("job-uri"),
    netrcFile: read("netrc-file"),
    period: read("poll-period"),
    hostNumberFile: read("host-number-file"),
    request: read("request-timeout"),
    realise: read("realise-timeout"),
    activation: read("activation-timeout"),
    activationRunner: read("activation-runner"),
    degradedStatuses: read("activation-degraded-status"),
    healthChecks: read("health-check"),
    healthTimeout: read("health-timeout"),
    soak: read("soak-time"),
    confirm: read("confirm-hydra") ? confirm : null,
    onManualChange: read("on-manual-change"),
    refuseDowngrade: read("refuse-downgrade"),
    retention: { generations: read("keep-generations"), days: read("keep-days") },
    gates: read("gate"),
    after: read("after"),
    onRemoval: read("on-removal"),
    renamedFrom: read("renamed-from"),
    words: wordsOf(said, profile, reading.where),
  };
}

/**
 * The words of a classic command line that means the same from any folder, without what would be so anyway. There is no
 * secret among them: URIs with a password were refused.
 */
function wordsOf(said: Said, profile: string, { relativePaths }: Where): string[] {
  return keysOf(SERVICE_SETTINGS).flatMap((key) => {
    const { form, places, initial, notation } = SERVICE_SETTINGS[key];
    if (!places.includes("command-line")) return [];
    if (key === "profile") return [`--profile=${profile}`];
    const texts = said.get(key);
    if (texts === undefined || isSame(texts, initial?.texts ?? null)) return [];
    if (form === "flag") return [`--${key}`];
    const mayBeRelative = notation === file && relativePaths;
    return texts.map((text) => `--${key}=${mayBeRelative ? resolve(text) : text}`);
  });
}

function isSame(texts: readonly string[], others: readonly string[] | null): boolean {
  return others !== null && texts.length === others.length &&
    texts.every((text, index) => text === others[index]);
}
