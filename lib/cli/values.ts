/** The readers of values that stand on the command line and belong to no other part of hail. */
import { Failure } from "../failure/failure.ts";
import { checkText, shown } from "../text/values.ts";

export { checkText, wholeNumber } from "../text/values.ts";

/**
 * Reads the reason of a pause, which is shown to others later on.
 *
 * @throws {Failure} `usage`: it is empty, longer than 500 characters, or has a control character.
 */
export function parseReason(text: string): string {
  if (text.length <= 500) return checkText(text);
  throw new Failure("usage", {
    what: shown(text.slice(0, 40)),
    why: "it is longer than 500 characters",
    next: "Say it in fewer words.",
  });
}
