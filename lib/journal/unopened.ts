/**
 * The services that an agent cannot keep yet, in a file of its own beside the databases: most of them have none. It is there
 * for operators to see, and nothing is decided by it. It is written anew whenever it changes, and goes with the agent.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import * as v from "valibot";
import { FAILURE_EXIT_STATUS, type FailureCode } from "../failure/failure.ts";
import { giveTo } from "./state_file.ts";

const NAME = "unopened.json";

/** Room for ten thousand services. */
const BYTES_MAX = 16 * 1024 * 1024;

const text = v.pipe(v.string(), v.maxLength(10_000));
const time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15));
const Services = v.array(v.object({
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
}));

/** A service that cannot be kept yet, with the reason. Times are milliseconds since 1970. */
export type UnopenedService = v.InferOutput<typeof Services>[number];

/**
 * Writes them down; where there are none, the file goes. What cannot be written is not: the log has it.
 *
 * @param gid The group that may read it; null for none.
 */
export function writeUnopened(
  folder: string,
  gid: number | null,
  services: readonly UnopenedService[],
): void {
  const file = `${folder}/${NAME}`;
  try {
    if (services.length === 0) return rmSync(file, { force: true });
    const next = `${file}.new`;
    rmSync(next, { force: true });
    writeFileSync(next, JSON.stringify(services), { mode: 0o600, flag: "wx" });
    if (gid !== null && giveTo(next, gid)) chmodSync(next, 0o640);
    renameSync(next, file);
  } catch {
    // A folder that cannot be written is the trouble of the journals, which report it.
  }
}

/** Reads them; none where there is no such file, or where it cannot be read or understood. */
export function readUnopened(folder: string): readonly UnopenedService[] {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(
      `${folder}/${NAME}`,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > BYTES_MAX) return [];
    const bytes = new Uint8Array(stat.size);
    let length = 0;
    for (let more = 1; more > 0 && length < bytes.length; length += more) {
      more = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    const read = v.safeParse(Services, JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))));
    return read.success ? read.output : [];
  } catch {
    return [];
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
