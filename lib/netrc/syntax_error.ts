/**
 * A netrc that cannot be read. It says where and why and never holds a word of the file: any word of it may
 * be a password.
 */
export class NetrcSyntaxError extends Error {
  override readonly name = "NetrcSyntaxError";
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1, in UTF-16 code units. */
  readonly column: number;
  /** What is wrong there, in one clause. */
  readonly why: string;

  constructor(position: Position, why: string) {
    super(`line ${position.line}, column ${position.column}: ${why}`);
    this.line = position.line;
    this.column = position.column;
    this.why = why;
  }
}

/** A place in a text. */
export interface Position {
  readonly line: number;
  readonly column: number;
}
