/** Health checks as the command line has them. */
import { sanitise } from "../report/sanitise.ts";
import { readClause } from "../text/clause.ts";
import { readDuration } from "../text/duration.ts";
import { Mistake } from "../text/mistake.ts";
import { type HealthCheck, type KindName, KINDS, NAME_LIMIT, readTarget } from "./kinds.ts";

export type { HealthCheck } from "./kinds.ts";

/** What a check has that is not said. */
export const DEFAULTS = { interval: 2_000, timeout: 10_000, threshold: 3 } as const;

const ADVISORY = "advisory";

const GRAMMAR = {
  what: "health check",
  noun: "check",
  noTarget: "it names nothing to check",
  kinds: KINDS,
  keys: ["name", "interval", "timeout", "threshold"],
  flags: [ADVISORY],
  joined: (word: string): KindName | undefined => word.startsWith("https:") ? "http" : undefined,
};

const THRESHOLD_MAX = 1_000;

/** A check may be quicker than a poll, but it must not spin. In milliseconds. */
const SHORTEST = 100;

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
  return readClause(text, GRAMMAR, ({ kind, target, values, flags }) => {
    const duration = (key: "interval" | "timeout") =>
      values[key] === undefined ? DEFAULTS[key] : readDuration(key, values[key], { least: SHORTEST });
    return readTarget(kind, target, values, {
      name: values["name"] === undefined ? undefined : readName(values["name"]),
      interval: duration("interval"),
      timeout: duration("timeout"),
      threshold: readThreshold(values["threshold"]),
      required: !flags.has(ADVISORY),
    });
  });
}

function readName(text: string): string {
  if (text.length <= NAME_LIMIT && text === sanitise(text) && text.trim() !== "") return text;
  throw new Mistake("name= is no name", `Give at most ${NAME_LIMIT} characters, without control characters.`);
}

function readThreshold(text: string | undefined): number {
  if (text === undefined) return DEFAULTS.threshold;
  const threshold = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (threshold >= 1 && threshold <= THRESHOLD_MAX) return threshold;
  throw new Mistake("threshold= is no usable number", `Give a whole number from 1 to ${THRESHOLD_MAX}.`);
}
