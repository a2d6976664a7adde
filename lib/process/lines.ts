import { sanitise } from "../report/sanitise.ts";

/** The longest line that is passed on, in characters; the rest of a longer one is cut off. */
export const LINE_LIMIT = 4096;

/** How many lines of one stream are passed on. A program that says more is chattering, and would fill the log. */
export const LINES_LIMIT = 10_000;

// How much of the end of a chattering stream is kept, in characters: its last words may say why it failed.
const REST_LIMIT = 65_536;

/** Who takes the lines of a stream. */
export interface LineReaders {
  /** Takes each of the first {@linkcode LINES_LIMIT} lines, as soon as it is complete. */
  onLine(line: string): void;
  /** Takes the last lines of a stream that had more, at its end. */
  onRest(lines: readonly string[]): void;
}

/**
 * Cuts a stream of bytes into lines that can be logged: UTF-8 (what is not is replaced), without control
 * characters and terminal escapes, of at most {@linkcode LINE_LIMIT} characters. A carriage return also ends a
 * line, since progress displays use it. Empty lines are left out, and the last line needs no line feed.
 *
 * However much and however fast a program prints, memory stays bounded, and timers and signals get their turn.
 *
 * @param stream The output of a program. It is read to its end.
 * @throws What reading the stream throws.
 */
export async function readLines(stream: ReadableStream<Uint8Array>, { onLine, onRest }: LineReaders) {
  const decoder = new TextDecoder();
  const cutter = new LineCutter();
  let count = 0;
  let rest: string | null = null;
  const take = (text: string) => {
    if (rest !== null) {
      rest = (rest + text.slice(-REST_LIMIT)).slice(-REST_LIMIT);
      return;
    }
    for (const line of cutter.cut(text)) {
      count += 1;
      if (count > LINES_LIMIT) {
        rest = text.slice(-REST_LIMIT);
        return;
      }
      onLine(line);
    }
  };
  for await (const chunk of stream) {
    take(decoder.decode(chunk, { stream: true }));
    // A program that prints faster than it is read always has a chunk ready, and promises alone let no timer in.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  take(decoder.decode());
  take("\n");
  if (rest !== null) onRest([...new LineCutter().cut(`${rest}\n`)]);
}

/** Cuts text that comes in pieces into clean lines. */
class LineCutter {
  #pending = "";
  #isCut = false;

  *cut(text: string): Generator<string> {
    for (const [index, part] of text.split(/[\r\n]/).entries()) {
      if (index > 0) {
        const line = this.#finish();
        if (line !== "") yield line;
      }
      // A line without an end must not grow in memory: what lies behind the limit is dropped at once.
      if (this.#pending.length <= LINE_LIMIT) {
        this.#pending += part.slice(0, LINE_LIMIT + 1 - this.#pending.length);
      } else if (part !== "") this.#isCut = true;
    }
  }

  #finish(): string {
    const line = sanitise(this.#pending.slice(0, LINE_LIMIT)).trimEnd();
    const isCut = this.#isCut || this.#pending.length > LINE_LIMIT;
    this.#pending = "";
    this.#isCut = false;
    return line !== "" && isCut ? `${line}...` : line;
  }
}
