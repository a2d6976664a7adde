/** How much is made ready at first, in bytes: most of what is gathered is shorter. */
const FIRST_SIZE = 4_096;

/**
 * Gathers pieces of bytes up to a limit. They are copied: a piece may be a small view of a large buffer, and even one that is
 * not takes a hundred times its size where it holds a single byte; so a limit on the bytes would be none on the memory.
 */
export class ByteBuffer {
  readonly #limit: number;
  #bytes = new Uint8Array(0);
  #size = 0;

  /** @param limit How many bytes to take at the most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many bytes are there. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes a piece.
   *
   * @returns False if it would be too much: then nothing of it is taken.
   */
  add(piece: Uint8Array): boolean {
    const end = this.#size + piece.length;
    if (end > this.#limit) return false;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#limit, Math.max(end, 2 * this.#bytes.length, FIRST_SIZE)));
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#size);
    this.#size = end;
    return true;
  }

  /** Hands over what is there, and begins anew. */
  empty(): Uint8Array<ArrayBuffer> {
    const whole = this.#bytes.subarray(0, this.#size);
    this.#bytes = new Uint8Array(0);
    this.#size = 0;
    return whole;
  }
}
