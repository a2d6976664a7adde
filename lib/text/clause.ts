/** What is written as `KIND TARGET [KEY=VALUE...] [FLAG...]`: health checks and gates. */
import { Failure } from "../failure/failure.ts";
import { closest } from "./closest.ts";
import { Mistake } from "./mistake.ts";
import { splitWords } from "./words.ts";

/** What {@linkcode readClause} must know of a kind. */
export interface ClauseKind {
  /** How it is written, for messages: `tcp HOST:PORT`. */
  readonly synopsis: string;
  /** The keys that only this kind knows. */
  readonly keys: readonly string[];
  /** What to write where there are words that this kind does not know. */
  readonly hint?: string;
}

/** What a sort of clauses has in common. */
export interface Grammar<Name extends string> {
  /** What such a clause is, for messages: `health check`. */
  readonly what: string;
  /** The same in short, as in `a kind of check`. */
  readonly noun: string;
  /** What is wrong where the target is missing, in one clause. */
  readonly noTarget: string;
  /** Every kind, by the word that it is written with. */
  readonly kinds: Readonly<Record<Name, ClauseKind>>;
  /** The keys that every kind knows. */
  readonly keys: readonly string[];
  /** Words that may stand alone behind the target. */
  readonly flags: readonly string[];
  /** Tells which kind a first word that is none has grown together with, where that can be told. */
  readonly joined?: (word: string) => Name | undefined;
}

/** A clause that has been taken apart. */
export interface Clause<Name extends string> {
  readonly kind: Name;
  readonly target: string;
  /** The values of the keys that were given, none of them empty. */
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly flags: ReadonlySet<string>;
}

const TEXT_LIMIT = 4_096;
const SHOWN_MAX = 80;

/**
 * Reads a clause: words between blanks. Values may be in double quotes, in which a backslash stands before a double quote
 * or a backslash: `text="all is well"`.
 *
 * @param make Makes of the clause what it stands for. A {@linkcode Mistake} that it throws becomes the failure.
 * @throws {Failure} `usage` for whatever is wrong with it. It shows the beginning of the text, without what may be a secret.
 */
export function readClause<Name extends string, T>(
  text: string,
  grammar: Grammar<Name>,
  make: (clause: Clause<Name>) => T,
): T {
  try {
    if (text.length > TEXT_LIMIT) {
      throw new Mistake("it is too long", `Give at most ${TEXT_LIMIT} characters.`);
    }
    return make(takeApart(splitWords(text), grammar));
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    throw new Failure("usage", { what: `${grammar.what} '${show(text)}'`, why: error.why, next: error.next });
  }
}

function takeApart<Name extends string>(
  [word = "", target, ...rest]: readonly string[],
  grammar: Grammar<Name>,
): Clause<Name> {
  const { kinds, noun, noTarget } = grammar;
  const kind = namesOf(grammar).find((name) => name === word);
  if (kind === undefined) {
    const why = word === "" ? "it is empty" : `it does not begin with a kind of ${noun}`;
    throw new Mistake(why, hintAtKind(word, grammar));
  }
  if (target === undefined) throw new Mistake(noTarget, `Write it like: ${kinds[kind].synopsis}.`);
  return { kind, target, ...readValues(kind, rest, grammar) };
}

function namesOf<Name extends string>({ kinds }: Grammar<Name>): Name[] {
  return Object.keys(kinds) as Name[];
}

function hintAtKind<Name extends string>(word: string, grammar: Grammar<Name>): string {
  const names = namesOf(grammar);
  const joined = names.find((name) => word.startsWith(`${name}:`)) ?? grammar.joined?.(word);
  if (joined !== undefined) return `Write it with a blank: ${grammar.kinds[joined].synopsis}.`;
  const meant = closest(word, names);
  return meant === null ? `Begin with one of ${names.join(", ")}.` : `Did you mean ${meant}?`;
}

/** Takes the words apart that stand behind the target. */
function readValues<Name extends string>(kind: Name, words: readonly string[], grammar: Grammar<Name>) {
  const { keys, flags: knownFlags, noun, kinds } = grammar;
  const { hint, synopsis, keys: special } = kinds[kind];
  const known = [...keys, ...special];
  const values: Record<string, string> = {};
  const flags = new Set<string>();
  for (const word of words) {
    const [, key, value = ""] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
    if (key !== undefined && known.includes(key)) {
      if (Object.hasOwn(values, key)) throw new Mistake(`${key}= is given twice`, "Give it once.");
      if (value === "") {
        throw new Mistake(`${key}= has no value`, `Write it like ${key}=VALUE, or leave it out.`);
      }
      values[key] = value;
    } else if (knownFlags.includes(word)) {
      if (flags.has(word)) throw new Mistake(`'${word}' is given twice`, "Give it once.");
      flags.add(word);
    } else {
      const choices = key === undefined ? knownFlags : known.map((name) => `${name}=`);
      const meant = closest(key === undefined ? word : `${key}=`, choices);
      const rest = [
        ...(keys.length === 0 ? [] : [`[${keys.join("=... ")}=...]`]),
        ...knownFlags.map((flag) => `[${flag}]`),
      ];
      throw new Mistake(
        key === undefined
          ? `'${show(word)}' is not expected`
          : `there is no '${show(key)}=' in a ${noun} of kind ${kind}`,
        meant !== null
          ? `Did you mean ${meant}?`
          : hint ?? `Write it like: ${[synopsis, ...rest].join(" ")}; quote values with blanks.`,
      );
    }
  }
  return { values, flags };
}

/**
 * The beginning of a text for a message, without what may be a secret: all before an `@` in a word with a colon or behind
 * a `://`, and queries. A text that cannot be read need not have its password where the grammar says.
 */
function show(text: string): string {
  if (text.length > TEXT_LIMIT) return "...";
  const words = text.replace(/:\/\/.*@/s, "://***@").split(/\s/).map((word) => {
    const at = word.includes(":") && !word.includes("://") ? word.lastIndexOf("@") : -1;
    return (at === -1 ? word : `***${word.slice(at)}`).replace(/\?.*$/, "?***");
  });
  const clean = words.join(" ").replace(/[^\x20-\x7e]/g, "?");
  return clean.length > SHOWN_MAX ? `${clean.slice(0, SHOWN_MAX)}...` : clean;
}
