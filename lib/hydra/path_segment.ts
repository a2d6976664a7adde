/**
 * The `pchar` of RFC 3986, section 3.3, so that neither `new URL` nor a server has anything to repair. Less
 * the `@`, so that a user and a password are never mistaken for a path.
 */
const SEGMENT = /^(?:[0-9A-Za-z._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})+$/;
const ENCODED_CONTROL = /%(?:[01][0-9A-Fa-f]|7[Ff])/;
const DOT_SEGMENT = /^(?:\.|%2[Ee]){1,2}$/;

/**
 * Whether the text is one segment of a URI's path as it is written there: not empty, not `.` or `..` in any
 * spelling, every character legal or percent-encoded (an `@` is percent-encoded too), and no percent-encoded
 * control character. `%2F` is a part of its segment.
 */
export function isPathSegment(text: string): boolean {
  return SEGMENT.test(text) && !ENCODED_CONTROL.test(text) && !DOT_SEGMENT.test(text);
}
