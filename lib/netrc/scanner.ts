import { NetrcSyntaxError, type Position } from "./syntax_error.ts";

/** A word of a netrc, its quotes and escapes undone. */
export interface Token extends Position {
  readonly text: string;
  /** A word in quotes is never a keyword. */
  readonly quoted: boolean;
}

const SPACE = /[ \t\r\n\v\f]/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/**
 * Takes a netrc apart into words. What a word means depends on its place, so the parser says what it expects.
 */
export class Scanner {
  readonly #text: string;
  #offset = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * The next word, `null` at the end of the file. A `#` at its start begins a comment up to the end of the
   * line.
   */
  keyword(): Token | null {
    while (this.#skipSpace() && this.#text[this.#offset] === "#") this.#skipLine();
    return this.#word();
  }

  /**
   * The next word as the value of a keyword, `null` at the end of the file. A `#` at its start belongs to it,
   * unless it is the first thing on its line.
   */
  value(): Token | null {
    const line = this.#line;
    while (this.#skipSpace() && this.#text[this.#offset] === "#" && this.#line !== line) this.#skipLine();
    return this.#word();
  }

  /** The next word on this line, `null` if there is none. */
  valueOnLine(): Token | null {
    while (/[ \t]/.test(this.#text.charAt(this.#offset))) this.#offset++;
    return SPACE.test(this.#text.charAt(this.#offset)) ? null : this.#word();
  }

  /**
   * Skips the rest of this line and all lines up to and including the next blank one, or up to the end of the
   * file.
   */
  skipToBlankLine(): void {
    do {
      this.#skipLine();
    } while (this.#offset < this.#text.length && !this.#isBlankLine());
  }

  /** Whether there is anything but white space up to the end of the line. */
  #isBlankLine(): boolean {
    const end = this.#text.indexOf("\n", this.#offset);
    return this.#text.slice(this.#offset, end === -1 ? undefined : end).trim() === "";
  }

  /** Returns whether anything is left. */
  #skipSpace(): boolean {
    while (SPACE.test(this.#text.charAt(this.#offset))) this.#step();
    return this.#offset < this.#text.length;
  }

  #skipLine(): void {
    const end = this.#text.indexOf("\n", this.#offset);
    this.#offset = end === -1 ? this.#text.length : end;
    if (end !== -1) this.#step();
  }

  #step(): void {
    if (this.#text[this.#offset++] !== "\n") return;
    this.#line++;
    this.#lineStart = this.#offset;
  }

  #word(): Token | null {
    const start = this.#offset;
    if (start >= this.#text.length) return null;
    const position = { line: this.#line, column: start - this.#lineStart + 1 };
    if (this.#text[start] === '"') return { ...position, text: this.#quoted(position), quoted: true };
    while (this.#offset < this.#text.length && !SPACE.test(this.#text.charAt(this.#offset))) this.#offset++;
    return { ...position, text: this.#text.slice(start, this.#offset), quoted: false };
  }

  #quoted(start: Position): string {
    let word = "";
    for (this.#offset++; this.#offset < this.#text.length; this.#offset++) {
      const character = this.#text.charAt(this.#offset);
      if (character === '"') {
        this.#offset++;
        return word;
      }
      if (character === "\n") break;
      if (character !== "\\") {
        word += character;
        continue;
      }
      const escaped = this.#text.charAt(++this.#offset);
      if (escaped === "\n") break;
      word += ESCAPES[escaped] ?? escaped;
    }
    throw new NetrcSyntaxError(start, "a quote is opened and not closed on the same line");
  }
}
