/** Where bytes come from: what is read here of a connection. */
export interface ByteSource {
  /** The number of bytes that were read, or null at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
}

/** A line was longer than the limit. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

/**
 * The lines of a connection, one by one, without their line feeds; what stands behind the last line feed is a line,
 * too.
 *
 * @param limit The greatest length of a line, in bytes; never more than that is kept.
 * @throws {LineTooLong}
 */
export async function* readLines(source: ByteSource, limit: number): AsyncGenerator<string, void, void> {
  const buffer = new Uint8Array(4096);
  let line = new Uint8Array(0);
  for (;;) {
    const count = await source.read(buffer);
    if (count === null) break;
    let chunk = buffer.subarray(0, count);
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10)) {
      yield decode(join(line, chunk.subarray(0, end), limit));
      line = new Uint8Array(0);
      chunk = chunk.subarray(end + 1);
    }
    line = join(line, chunk, limit);
  }
  if (line.length > 0) yield decode(line);
}

function join(start: Uint8Array, end: Uint8Array, limit: number): Uint8Array<ArrayBuffer> {
  if (start.length + end.length > limit) throw new LineTooLong(`a line of more than ${limit} bytes`);
  const both = new Uint8Array(start.length + end.length);
  both.set(start);
  both.set(end, start.length);
  return both;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
