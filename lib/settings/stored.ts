/** How hail was told to keep a service, as the service's database remembers it, beside the record. */
import * as v from "valibot";
import { ON_REMOVAL, type OnRemoval, type ServiceSettings } from "./service.ts";

/** What is remembered of the settings of a service. */
export interface StoredSettings {
  /** The words of a classic command line that means the same. */
  readonly words: readonly string[];
  /** The service as an agent's configuration names it; null for a hail of the classic command line. */
  readonly agent: {
    readonly name: string;
    /** The configuration file. */
    readonly config: string;
    /** What becomes of the service when the configuration does not name it any more. */
    readonly onRemoval: OnRemoval;
  } | null;
  /** What is being done to the service, since it was taken out; it is finished at the next start. */
  readonly removing: OnRemoval | null;
  /** How it was taken out, where nobody keeps it since then; absent otherwise. */
  readonly removed?: Exclude<OnRemoval, "purge">;
  /** The profile that the service is being moved to, since it has another name; absent where nothing of the kind goes on. */
  readonly renaming?: string;
  /** Whether the database of that profile may have what is remembered of the service, from before it is copied. */
  readonly copying?: true;
  /** The profile whose service goes on here; absent as soon as a hail has begun with it. */
  readonly copyOf?: string;
}

const Words = v.array(v.string());
const Stored = v.object({
  words: Words,
  agent: v.nullable(v.object({ name: v.string(), config: v.string(), onRemoval: v.picklist(ON_REMOVAL) })),
  removing: v.nullable(v.picklist(ON_REMOVAL)),
  removed: v.exactOptional(v.picklist(["keep", "deactivate"])),
  renaming: v.exactOptional(v.string()),
  copying: v.exactOptional(v.literal(true)),
  copyOf: v.exactOptional(v.string()),
});

/** The settings of a service as text. The classic command line's are a list of words, as hail 0.3 has them. */
export function encodeSettings(settings: StoredSettings): string {
  const { words, agent, removing, removed, renaming, copyOf } = settings;
  const others = [removed, renaming, copyOf];
  const plain = agent === null && removing === null && others.every((one) => one === undefined);
  return JSON.stringify(plain ? words : settings);
}

/** What a hail stores for a service that it keeps. */
export function storedSettings(service: ServiceSettings, config: string | null): StoredSettings {
  const { name, onRemoval, words } = service;
  return { words, agent: config === null ? null : { name, config, onRemoval }, removing: null };
}

/** The same for a service that somebody begins with: what was left of a change of its name counts no more. */
export function begunWith(settings: StoredSettings): StoredSettings {
  const { renaming: _goal, copying: _begun, copyOf: _origin, ...kept } = settings;
  return kept;
}

/** Reads what {@linkcode encodeSettings} has written; null where it cannot be understood. */
export function decodeSettings(text: string): StoredSettings | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  if (v.is(Words, json)) return { words: json, agent: null, removing: null };
  const read = v.safeParse(Stored, json);
  return read.success ? read.output : null;
}
