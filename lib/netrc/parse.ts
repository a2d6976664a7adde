/**
 * The netrc format, as curl and GNU inetutils read it.
 *
 * - Words are parted by any white space, line ends included. Keywords are `machine NAME`, `default`,
 *   `login NAME`, `password TEXT` (inetutils: also `passwd`), `account TEXT` and `macdef NAME`, in upper or
 *   lower case as in curl.
 * - A word that begins with `"` ends at the next `"`. In it `\n`, `\r` and `\t` are control characters and
 *   any other character after a `\` is itself. A quote inside a bare word, a `\` and a `,` there mean nothing
 *   special, as in curl (inetutils takes the last two as escape and white space).
 * - `#` begins a comment where a keyword may stand, and where it is the first thing on a line. A value may
 *   begin with it: `password #abc` is the password `#abc`, and `ab#c` is a word like any other. This is what
 *   curl does since 8.11; before, it took `#abc` for a comment, so for both write `"#abc"`.
 * - A macro goes up to a blank line or the end of the file. What follows belongs to the entry before it, as
 *   in inetutils.
 * - A keyword given twice in an entry: the last one counts, as in curl.
 *
 * Both tools skip words that they do not know, and so take `pasword x` for an entry without a password. Here
 * whatever is not understood is an error.
 *
 * Sources: `lib/netrc.c` of curl 8.11 and later; https://curl.se/libcurl/c/CURLOPT_NETRC.html;
 * https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html and `ftp/ruserpass.c`
 * there.
 */
import { Scanner, type Token } from "./scanner.ts";
import { NetrcSyntaxError, type Position } from "./syntax_error.ts";

/** A value with its place in the file, so that a later complaint can name it without showing it. */
export interface NetrcValue extends Position {
  readonly text: string;
}

/** What a netrc says of one machine. What is missing is `null`. `account` is for ftp and not kept. */
export interface NetrcEntry {
  /** The name of the machine; `null` for `default`. */
  readonly machine: string | null;
  readonly login: NetrcValue | null;
  readonly password: NetrcValue | null;
}

/** A netrc: its entries in their order. */
export interface Netrc {
  readonly entries: readonly NetrcEntry[];
}

/**
 * Reads a netrc.
 *
 * @throws {NetrcSyntaxError} If a quote is not closed, a keyword has no value, a word is no keyword, `login`,
 * `password` or `account` stands before any `machine` or `default`, or the text has a NUL in it.
 */
export function parseNetrc(text: string): Netrc {
  refuseNul(text);
  const scanner = new Scanner(text);
  const entries: { machine: string | null; login: NetrcValue | null; password: NetrcValue | null }[] = [];
  for (let token = scanner.keyword(); token !== null; token = scanner.keyword()) {
    const keyword = token.quoted ? "" : token.text.toLowerCase();
    switch (keyword) {
      case "machine":
        entries.push({ machine: valueOf(token, scanner.value()).text, login: null, password: null });
        break;
      case "default":
        entries.push({ machine: null, login: null, password: null });
        break;
      case "macdef":
        valueOf(token, scanner.valueOnLine());
        scanner.skipToBlankLine();
        break;
      case "login":
      case "password":
      case "passwd":
      case "account": {
        const entry = entries.at(-1);
        if (entry === undefined) throw new NetrcSyntaxError(token, `'${keyword}' stands before any machine`);
        const { text, line, column } = valueOf(token, scanner.value());
        if (keyword === "account") break;
        entry[keyword === "login" ? "login" : "password"] = { text, line, column };
        break;
      }
      default:
        throw new NetrcSyntaxError(
          token,
          "a keyword was expected (a value with white space in it needs quotes)",
        );
    }
  }
  return { entries };
}

function valueOf(keyword: Token, value: Token | null): Token {
  // A keyword is no secret: which one it is has been checked.
  if (value === null) throw new NetrcSyntaxError(keyword, `'${keyword.text.toLowerCase()}' has no value`);
  return value;
}

function refuseNul(text: string): void {
  const offset = text.indexOf("\0");
  if (offset === -1) return;
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  throw new NetrcSyntaxError({ line, column: offset - before.lastIndexOf("\n") }, "there is a NUL character");
}
