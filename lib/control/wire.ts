import type { Clock } from "../time/clock.ts";
import { encodeReply, type Reply } from "./protocol.ts";

/** How long a caller may take to read a line, in milliseconds; then it is taken for gone. */
const WRITE_LIMIT = 10_000;
/** How much may wait to be read, in bytes, before progress is left out. */
const QUEUE_LIMIT = 256 * 1024;

/** A connection: what is used here of `Deno.Conn`. */
export interface Connection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Sends replies to one caller, in their order, however slowly it reads. It never throws. */
export class Wire {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #onGone: () => void;
  #queued = 0;
  #closed = false;
  #last: Promise<void> = Promise.resolve();

  /** @param onGone Called once if the caller has gone away or does not read. */
  constructor(connection: Connection, clock: Clock, onGone: () => void) {
    this.#connection = connection;
    this.#clock = clock;
    this.#onGone = onGone;
  }

  /** Sends a reply; progress is left out while too much waits to be read. */
  send(reply: Reply): void {
    const bytes = new TextEncoder().encode(encodeReply(reply));
    const droppable = "progress" in reply || "alive" in reply;
    if (this.#closed || (droppable && this.#queued + bytes.length > QUEUE_LIMIT)) return;
    this.#queued += bytes.length;
    this.#last = this.#last.then(() => this.#write(bytes));
  }

  /** Closes the connection when all was sent. */
  async end(): Promise<void> {
    await this.#last;
    this.close();
  }

  /** Closes the connection at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) return;
    const over = new AbortController();
    // Closing the connection ends the write.
    const limit = this.#clock.sleep(WRITE_LIMIT, over.signal).then(() => {
      if (!over.signal.aborted) this.close();
    });
    try {
      for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
      this.#queued -= bytes.length;
    } catch {
      this.close();
    } finally {
      over.abort();
      await limit;
    }
    if (this.#closed) this.#onGone();
  }
}
