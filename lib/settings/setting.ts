/** What a setting consists of. All of them stand in `table.ts`. */
import type { Notation, Where } from "./notation.ts";

/** Where a setting may be said. */
export type Place =
  /** On the classic command line, `hail --profile ...`. */
  | "command-line"
  /** At the top of a configuration file, for all services that do not say it themselves. */
  | "defaults"
  /** In `[services.NAME]` of a configuration file. */
  | "service"
  /** At the top of a configuration file, for the agent as a whole. */
  | "agent";

/** The headings that settings stand under, in help and documents, in this order. */
export const GROUPS = [
  "Deployment",
  "Health and roll-back",
  "Time limits",
  "Retention",
  "Order and removal",
  "Agent",
  "Log",
] as const;

/** One of {@linkcode GROUPS}. */
export type Group = (typeof GROUPS)[number];

/** What stands in for a setting that nobody has said. */
export interface Initial<T> {
  readonly value: T;
  /** The texts that mean the same; null where none do. */
  readonly texts: readonly string[] | null;
  /** What it is, for people. */
  readonly shown: string;
}

/** A setting. `T` is what is read from what is said. */
export interface Setting<T> {
  readonly group: Group;
  /** What stands for the value in help; "" for a flag. */
  readonly placeholder: string;
  /** What it is for: a sentence, or two. */
  readonly about: string;
  /** What more the documents say, as Markdown. */
  readonly more?: string;
  /** A flag is there or not, and has no text; a list may be said more than once. */
  readonly form: "one" | "list" | "flag";
  readonly places: readonly Place[];
  readonly notation: Notation<unknown>;
  /** Null where it has to be said, or somebody else knows what stands in for it. */
  readonly initial: Initial<T> | null;
  /**
   * Reads it.
   *
   * @param texts One; for a list any number; for a flag `true` or `false`.
   * @throws {Failure} `usage`, with nothing in it that may be a password.
   */
  read(texts: readonly string[], where: Where): T;
}

/** A table of settings, by key. `V` has what is read of each. */
export type Table<V> = { readonly [K in keyof V]: Setting<V[K]> };

/** What a setting is made from, apart from its form. */
interface Parts {
  readonly group: Group;
  readonly about: string;
  readonly more?: string;
  readonly places: readonly Place[];
}

/** A setting with one value. `initial` is what stands in for it, as text. */
export function one<T>(
  notation: Notation<T>,
  { initial, ...parts }: Parts & { readonly placeholder: string; readonly initial: string },
): Setting<T> {
  const value = notation.read(initial, { profilesFolder: null, relativePaths: false });
  return {
    ...required(notation, parts),
    initial: { value, texts: [initial], shown: initial },
  };
}

/** A setting with one value that may be left out. `none` is what then is in its place, for people. */
export function optional<T, N extends null | undefined>(
  notation: Notation<T>,
  value: N,
  { none, ...parts }: Parts & { readonly placeholder: string; readonly none: string },
): Setting<T | N> {
  return { ...required<T>(notation, parts), initial: { value, texts: null, shown: none } };
}

/** A setting with one value that has to be said. */
export function required<T>(
  notation: Notation<T>,
  parts: Parts & { readonly placeholder: string },
): Setting<T> {
  return {
    ...parts,
    form: "one",
    notation,
    initial: null,
    read: ([text = ""], where) => notation.read(text, where),
  };
}

/** A setting with any number of values, none at first. `none` is what then is in their place, for people. */
export function list<T>(
  notation: Notation<readonly T[]>,
  { none = "none", ...parts }: Parts & { readonly placeholder: string; readonly none?: string },
): Setting<readonly T[]> {
  return {
    ...parts,
    form: "list",
    notation,
    initial: { value: [], texts: [], shown: none },
    read: (texts, where) => texts.flatMap((text) => notation.read(text, where)),
  };
}

const BOOLEAN: Notation<boolean> = {
  written: "true or false; on the command line it stands alone",
  schema: { type: "boolean" },
  bareNumber: false,
  read: (text) => text === "true",
};

/** A setting that is there or not, and at first is not. */
export function flag(parts: Parts): Setting<boolean> {
  return {
    ...parts,
    placeholder: "",
    form: "flag",
    notation: BOOLEAN,
    initial: { value: false, texts: ["false"], shown: "false" },
    read: ([text = ""], where) => BOOLEAN.read(text, where),
  };
}
