/** How much of a text is shown at most. */
const SHOWN_MAX = 200;

/**
 * A text that was meant as a URI, made fit for a message: without anything that may be a user, a password or
 * a query, without control characters, and cut to 200 characters.
 *
 * What cannot be read cannot be trusted to have its password where the grammar says. So everything up to the
 * last `@` is taken out, also where it stands in the path, and so is a port that is no number.
 */
export function redactUri(text: string): string {
  const [scheme = ""] = /^[A-Za-z]{1,10}:[/\\]{2}/.exec(text) ?? [];
  let rest = text.slice(scheme.length);
  const at = rest.lastIndexOf("@");
  if (at !== -1) rest = `***${rest.slice(at)}`;
  rest = rest.replace(/^([^/?#:[]*):(?![0-9]{1,5}(?:[/?#]|$))[^/]*/, "$1:***");
  rest = rest.replace(/([?#]).*$/s, "$1***");
  const shown = (scheme + rest).replace(/[^\x21-\x7e]/g, "?");
  return shown.length > SHOWN_MAX ? `${shown.slice(0, SHOWN_MAX)}...` : shown;
}
