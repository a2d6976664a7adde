/** Readers of values that people write and that belong to no other part of hail. */
import { Failure } from "../failure/failure.ts";
import { withoutUserInfo } from "../report/user_info.ts";

/**
 * Reads a value that is only checked where it is used: anything but nothing and control characters.
 *
 * @throws {Failure} `usage`.
 */
export function checkText(text: string): string {
  if (text !== "" && !/[\u0000-\u001f\u007f-\u009f]/.test(text)) return text;
  throw new Failure("usage", {
    what: shown(text),
    why: text === "" ? "it is empty" : "it has a control character",
    next: "Check how it is quoted.",
  });
}

/**
 * Makes the reader of a whole number within bounds.
 *
 * @throws {Failure} From the reader: `usage`.
 */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    throw new Failure("usage", {
      what: shown(text),
      why: `it is no whole number from ${least} to ${most}`,
      next: "Give one without a unit.",
    });
  };
}

/**
 * Reads exit statuses, with commas between them.
 *
 * @throws {Failure} `usage`: one is no number from 1 to 255.
 */
export function parseStatuses(text: string): number[] {
  const read = wholeNumber(1, 255);
  return text.split(",").map((part) => read(part.trim()));
}

/** A value as it may be repeated in an error: not too long, and without what may be a password in a URI. */
export function shown(text: string): string {
  return JSON.stringify(withoutUserInfo(text).slice(0, 200));
}
