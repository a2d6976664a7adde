/**
 * What keeps an agent from keeping its services as it is told, in a file of its own beside the databases: many of these services
 * have none. It is there for operators to see, and nothing is decided by it. It is written anew whenever it changes, and goes
 * with the agent.
 */
import { chmodSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { FAILURE_EXIT_STATUS, type FailureCode } from "../failure/failure.ts";
import { readTextFile } from "../netrc/secret_file.ts";
import { giveTo } from "./state_file.ts";

const NAME = "hindrances.json";

/** Room for thousands of services. */
const BYTES_MAX = 4 * 1024 * 1024;

/** The longest text in it, in characters. */
const TEXT_MAX = 10_000;

const text = v.pipe(v.string(), v.maxLength(TEXT_MAX));
const time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15));
const OneHindrance = v.object({
  name: text,
  profile: text,
  jobUri: text,
  failures: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  failure: v.object({
    at: time,
    code: v.picklist(Object.keys(FAILURE_EXIT_STATUS) as FailureCode[]),
    message: text,
    next: text,
  }),
  /** Null where it is tried as soon as another hail has ended. */
  retryAt: v.nullable(time),
});

/** A service that cannot be kept, or not yet as the configuration says, with the reason. Times are milliseconds since 1970. */
export type Hindrance = v.InferOutput<typeof OneHindrance>;

/**
 * Writes them down; where there are none, the file goes, and also where it cannot be written: then the log alone has them.
 *
 * @param gid The group that may read it; null for none.
 */
export function writeHindrances(folder: string, gid: number | null, hindrances: readonly Hindrance[]): void {
  const file = `${folder}/${NAME}`;
  const fresh = `${file}.new`;
  try {
    if (hindrances.length === 0) return rmSync(file, { force: true });
    rmSync(fresh, { force: true });
    writeFileSync(fresh, textOf(hindrances), { mode: 0o600, flag: "wx" });
    if (gid !== null && giveTo(fresh, gid)) chmodSync(fresh, 0o640);
    renameSync(fresh, file);
  } catch {
    // What was so before must not be told as what is so now.
    for (const one of [fresh, file]) attempt(() => rmSync(one, { force: true }));
  }
}

/** As many as there is room for. */
function textOf(hindrances: readonly Hindrance[]): string {
  const texts: string[] = [];
  let bytes = 2;
  for (const one of hindrances) {
    const { code, at, message, next } = one.failure;
    const failure = { code, at, message: message.slice(0, TEXT_MAX), next: next.slice(0, TEXT_MAX) };
    const text = JSON.stringify({ ...one, failure });
    bytes += new TextEncoder().encode(text).length + 1;
    if (bytes > BYTES_MAX) break;
    texts.push(text);
  }
  return `[${texts.join()}]`;
}

/** A folder that cannot be written is the trouble of the journals, which report it. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    return;
  }
}

/** Reads them; none where there is no such file, or where it cannot be read. What cannot be understood in it is left out. */
export function readHindrances(folder: string): readonly Hindrance[] {
  // The folder may be another user's.
  const found = readTextFile(`${folder}/${NAME}`, BYTES_MAX, false);
  if (found.outcome !== "read") return [];
  let all: unknown;
  try {
    all = JSON.parse(found.text);
  } catch {
    return [];
  }
  if (!Array.isArray(all)) return [];
  return all.flatMap((one) => {
    const read = v.safeParse(OneHindrance, one, { abortEarly: true });
    return read.success ? [read.output] : [];
  });
}
