/** Takes a JSON array of objects apart while it comes in, so that only one object at a time need be kept. */
import { ByteBuffer } from "./byte_buffer.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** What may come next. */
type Expected = "array" | "first" | "rest-of-item" | "comma" | "item" | "nothing";

/**
 * Reads the bytes of an array whose items are all objects. Of what is inside of an item it only knows strings and
 * brackets: whether the item is JSON is for the reader of the items to find out.
 */
export class ArrayItems {
  readonly #limit: number;
  readonly #onItem: (item: Uint8Array) => boolean;
  #expected: Expected = "array";
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** What came of the present item in earlier pieces. */
  readonly #begun: ByteBuffer;
  #refused = false;

  /**
   * @param limit How long an item may be, in bytes.
   * @param onItem Takes an item; its bytes are not to be kept. False ends the reading.
   */
  constructor(limit: number, onItem: (item: Uint8Array) => boolean) {
    this.#begun = new ByteBuffer(limit);
    this.#limit = limit;
    this.#onItem = onItem;
  }

  /** Whether all that came so far is a whole array. */
  get complete(): boolean {
    return !this.#refused && this.#expected === "nothing";
  }

  /**
   * Takes the next piece.
   *
   * @returns False if it is no such array, an item is too long, or `onItem` said so: no more is needed then.
   */
  take(piece: Uint8Array): boolean {
    let start = 0;
    for (let at = 0; at < piece.length && !this.#refused; at++) {
      const byte = piece[at] ?? 0;
      if (this.#expected !== "rest-of-item") {
        if (byte === OPENING_BRACE) start = at;
        this.#between(byte);
      } else if (this.#endsItem(byte)) {
        this.#expected = "comma";
        if (!this.#give(piece.subarray(start, at + 1))) this.#refused = true;
      }
    }
    if (this.#expected === "rest-of-item" && !this.#refused && !this.#begun.add(piece.subarray(start))) {
      this.#refused = true;
    }
    return !this.#refused;
  }

  #between(byte: number) {
    if (WHITE_SPACE.has(byte)) return;
    const expected = this.#expected;
    if (byte === OPENING_BRACKET && expected === "array") this.#expected = "first";
    else if (byte === CLOSING_BRACKET && (expected === "first" || expected === "comma")) {
      this.#expected = "nothing";
    } else if (byte === COMMA && expected === "comma") this.#expected = "item";
    else if (byte === OPENING_BRACE && (expected === "first" || expected === "item")) {
      this.#expected = "rest-of-item";
      this.#depth = 1;
    } else this.#refused = true;
  }

  #endsItem(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
    } else if (byte === QUOTE) this.#inString = true;
    else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) this.#depth++;
    else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) return --this.#depth === 0;
    return false;
  }

  /** Hands an item over, put together from its pieces. */
  #give(last: Uint8Array): boolean {
    // Most items come in one piece, and need not be copied.
    if (this.#begun.size === 0) return last.length <= this.#limit && this.#onItem(last);
    return this.#begun.add(last) && this.#onItem(this.#begun.empty());
  }
}
