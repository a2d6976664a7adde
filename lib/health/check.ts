/** Health checks as the command line has them. */
import { Failure } from "../failure/failure.ts";
import { sanitise } from "../report/sanitise.ts";
import { parseDuration } from "../time/period.ts";
import { closest } from "./closest.ts";
import { Mistake } from "./kind.ts";
import { type HealthCheck, type KindName, KINDS, NAME_LIMIT, readTarget } from "./kinds.ts";
import { splitWords } from "./words.ts";

export type { HealthCheck } from "./kinds.ts";

/** What a check has that is not said. */
export const DEFAULTS = { interval: 2_000, timeout: 10_000, threshold: 3 } as const;

const KEYS = ["name", "interval", "timeout", "threshold"] as const;
const ADVISORY = "advisory";

const TEXT_LIMIT = 4_096;
const THRESHOLD_MAX = 1_000;
const SHOWN_MAX = 80;

/**
 * Reads a health check: `KIND TARGET [KEY=VALUE...] [advisory]`, words between blanks. Values may be in double quotes,
 * in which a backslash stands before a double quote or a backslash: `text="all is well"`.
 *
 * For all kinds: `name=`, `interval=` and `timeout=` (durations; a bare number is seconds), `threshold=`. The rest
 * depends on the kind; `docs/health.md` has it all.
 *
 * @throws {Failure} `usage` for whatever is wrong with it.
 */
export function parseHealthCheck(text: string): HealthCheck {
  try {
    if (text.length > TEXT_LIMIT) {
      throw new Mistake("it is too long", `Give at most ${TEXT_LIMIT} characters.`);
    }
    return read(splitWords(text));
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    throw new Failure("usage", { what: `health check '${show(text)}'`, why: error.why, next: error.next });
  }
}

function read([word = "", target, ...rest]: readonly string[]): HealthCheck {
  const names = Object.keys(KINDS) as KindName[];
  const kind = names.find((name) => name === word);
  if (kind === undefined) {
    throw new Mistake(
      word === "" ? "it is empty" : "it does not begin with a kind of check",
      hintAtKind(word, names),
    );
  }
  const { synopsis } = KINDS[kind];
  if (target === undefined) throw new Mistake("it names nothing to check", `Write it like: ${synopsis}.`);
  const { values, advisory } = readValues(kind, rest);
  return readTarget(kind, target, values, {
    name: values["name"] === undefined ? undefined : readName(values["name"]),
    interval: readDuration("interval", values, DEFAULTS.interval),
    timeout: readDuration("timeout", values, DEFAULTS.timeout),
    threshold: readThreshold(values["threshold"]),
    required: !advisory,
  });
}

function hintAtKind(word: string, names: readonly KindName[]): string {
  const joined = names.find((name) => word.startsWith(`${name}:`)) ??
    (word.startsWith("https:") ? "http" : undefined);
  if (joined !== undefined) return `Write it with a blank: ${KINDS[joined].synopsis}.`;
  const meant = closest(word, names);
  return meant === null ? `Begin with one of ${names.join(", ")}.` : `Did you mean ${meant}?`;
}

/** Takes the words apart that stand behind the target. */
function readValues(kind: KindName, words: readonly string[]) {
  const { keys, hint, synopsis }: { keys: readonly string[]; hint?: string; synopsis: string } = KINDS[kind];
  const known = [...KEYS, ...keys];
  const values: Record<string, string> = {};
  let advisory = false;
  for (const word of words) {
    const [, key, value = ""] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
    if (key !== undefined && known.includes(key)) {
      if (Object.hasOwn(values, key)) throw new Mistake(`${key}= is given twice`, "Give it once.");
      if (value === "") {
        throw new Mistake(`${key}= has no value`, `Write it like ${key}=VALUE, or leave it out.`);
      }
      values[key] = value;
    } else if (word === ADVISORY) {
      if (advisory) throw new Mistake("'advisory' is given twice", "Give it once.");
      advisory = true;
    } else {
      const choices = key === undefined ? [ADVISORY] : known.map((name) => `${name}=`);
      const meant = closest(key === undefined ? word : `${key}=`, choices);
      throw new Mistake(
        key === undefined
          ? `'${show(word)}' is not expected`
          : `there is no '${show(key)}=' in a check of kind ${kind}`,
        meant !== null ? `Did you mean ${meant}?` : hint ??
          `Write it like: ${synopsis} [${KEYS.join("=... ")}=...] [${ADVISORY}]; quote values with blanks.`,
      );
    }
  }
  return { values, advisory };
}

function readName(text: string): string {
  if (text.length <= NAME_LIMIT && text === sanitise(text) && text.trim() !== "") return text;
  throw new Mistake("name= is no name", `Give at most ${NAME_LIMIT} characters, without control characters.`);
}

/** A check may be quicker than a poll, but it must not spin. In milliseconds. */
const SHORTEST = 100;

function readDuration(key: string, values: Readonly<Record<string, string>>, fallback: number): number {
  const text = values[key];
  if (text === undefined) return fallback;
  try {
    return parseDuration(text, { bareUnit: "s", what: `${key}=`, least: SHORTEST });
  } catch (error) {
    if (error instanceof Failure) throw new Mistake(error.message, error.next);
    throw error;
  }
}

function readThreshold(text: string | undefined): number {
  if (text === undefined) return DEFAULTS.threshold;
  const threshold = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (threshold >= 1 && threshold <= THRESHOLD_MAX) return threshold;
  throw new Mistake("threshold= is no usable number", `Give a whole number from 1 to ${THRESHOLD_MAX}.`);
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
