import { Failure } from "../failure/failure.ts";
import { type DurationOptions, parseDuration } from "../time/period.ts";
import { Mistake } from "./mistake.ts";

/**
 * Reads the value of a key that is a duration; a bare number is seconds.
 *
 * @param key The key, for the message; null for a duration that stands without one.
 * @returns The duration in milliseconds.
 * @throws {Mistake} It is no duration, or outside of the bounds.
 */
export function readDuration(
  key: string | null,
  text: string,
  bounds: Pick<DurationOptions, "least" | "most">,
): number {
  try {
    return parseDuration(text, { bareUnit: "s", ...(key === null ? {} : { what: `${key}=` }), ...bounds });
  } catch (error) {
    if (error instanceof Failure) throw new Mistake(error.message, error.next);
    throw error;
  }
}
