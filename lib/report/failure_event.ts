import { Failure } from "../failure/failure.ts";
import type { Event, Field } from "./event.ts";

/**
 * The event that tells of a failure: what failed, why, and what to do next; for an error that nobody foresaw, its
 * stack, since it is a fault of hail itself.
 *
 * @param more Facts of the moment, such as when hail tries again.
 */
export function failureEvent(error: unknown, more: Readonly<Record<string, Field>> = {}): Event {
  if (error instanceof Failure) {
    return {
      name: "failure",
      level: "error",
      message: `${error.message}. ${error.next}`,
      fields: { code: error.code, what: error.what, why: error.why, next: error.next, ...more },
    };
  }
  return {
    name: "failure",
    level: "error",
    message: `hail itself is at fault, please report this: ${
      error instanceof Error ? error.stack ?? error.message : String(error)
    }`,
    fields: { code: "internal", ...more },
  };
}
