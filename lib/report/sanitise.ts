// What a terminal or a log reader could take for a command: C0 and C1 controls, and the characters that turn the
// direction of text or hide it.
const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
// A terminal's escape sequences as a whole, so that no rest of them such as "[31m" stays in the text.
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/**
 * Makes text of unknown origin fit for one line of a log: escape sequences and control characters are removed,
 * so that it can neither forge a line nor drive a terminal. Tabs stay.
 *
 * @param text What somebody else wrote.
 * @param limit The greatest length of the result, in characters; a longer text ends in `...`.
 */
export function sanitise(text: string, limit = Infinity): string {
  // Cut before cleaning as well: the cost must not depend on how much was sent.
  const short = text.length > limit * 4 ? text.slice(0, limit * 4) : text;
  const clean = short.replace(ESCAPES, "").replace(UNSAFE, " ");
  return clean.length > limit ? `${clean.slice(0, Math.max(0, limit - 3))}...` : clean;
}
