import { sanitise } from "../report/sanitise.ts";

/** The longest line that is passed on, in characters; the rest of a longer one is cut off. */
export const LINE_LIMIT = 4096;

/** How many lines of one run are passed on. A program that says more is chattering, and would fill the log. */
export const LINES_LIMIT = 10_000;

/**
 * Cuts a stream of bytes into lines that can be logged: UTF-8 (what is not is replaced), without control
 * characters and terminal escapes, of at most {@linkcode LINE_LIMIT} characters. A carriage return also ends a
 * line, since progress displays use it. Empty lines are left out.
 *
 * Lines are handed over as soon as they are complete, and the last one at the end of the stream even without a
 * line feed.
 *
 * @param stream The output of a program. It is read to its end.
 * @param onLine Called once a line.
 * @throws What reading the stream throws.
 */
export async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void) {
  const decoder = new TextDecoder();
  let pending = "";
  let cut = false;
  const flush = () => {
    const line = sanitise(pending.slice(0, LINE_LIMIT)).trimEnd();
    if (line !== "") onLine(cut || pending.length > LINE_LIMIT ? `${line}...` : line);
    pending = "";
    cut = false;
  };
  const take = (text: string) => {
    const parts = text.split(/[\r\n]/);
    for (const [index, part] of parts.entries()) {
      if (index > 0) flush();
      // A line without an end must not grow in memory: what lies behind the limit is dropped at once.
      if (pending.length <= LINE_LIMIT) pending += part.slice(0, LINE_LIMIT + 1 - pending.length);
      else if (part !== "") cut = true;
    }
  };
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
  take(decoder.decode());
  flush();
}
