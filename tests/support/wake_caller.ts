/** A listener for wake-ups, and callers that send it what they like. */
import assert from "node:assert/strict";
import type { Event } from "../../lib/report/event.ts";
import { systemClock } from "../../lib/time/system_clock.ts";
import { listenForWakes, type WakeOptions } from "../../lib/wake/listener.ts";

export const SECRET = "0123456789abcdef0123456789abcdef";
export const AUTHORIZED = `Host: h\r\nAuthorization: Bearer ${SECRET}\r\n`;

/** A listener on loopback that knows `web` and `api`. */
export async function listening(more: Partial<WakeOptions> = {}, secret = SECRET) {
  const secretFile = await Deno.makeTempFile({ prefix: "hail-wake-" });
  await Deno.writeTextFile(secretFile, `${secret}\n`);
  const events: Event[] = [];
  const woken: string[] = [];
  // The file is read at the start only.
  const listener = await listenForWakes({
    hostname: "127.0.0.1",
    port: 0,
    secretFile,
    wake: (service) => {
      if (service !== "web" && service !== "api") return "unknown";
      woken.push(service);
      return "woken";
    },
    clock: systemClock,
    report: (event) => events.push(event),
    ...more,
  }).finally(() => Deno.remove(secretFile));
  return {
    listener,
    events,
    woken,
    connect: () => Caller.connect(listener.address),
    /** Sends bytes as they are, and reads the answer. */
    ask: async (text: string) => {
      await using caller = await Caller.connect(listener.address);
      await caller.send(text);
      return await caller.answer();
    },
    /** The reasons of the refusals in the log. */
    refused: () =>
      events.filter(({ name }) => name === "wake-refused").map(({ fields }) => fields?.["reason"]),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

/** One answer. */
export interface Heard {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One connection to a listener. */
export class Caller implements AsyncDisposable {
  readonly #connection: Deno.TcpConn;
  readonly #heard: Promise<string>;
  #text = "";

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#heard = this.#hear();
  }

  static async connect(address: { hostname: string; port: number }) {
    return new Caller(await Deno.connect(address));
  }

  async send(text: string | Uint8Array): Promise<void> {
    const bytes = typeof text === "string" ? Uint8Array.from(text, (char) => char.charCodeAt(0)) : text;
    for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
  }

  /** What has come so far. */
  get text(): string {
    return this.#text;
  }

  endSending(): Promise<void> {
    return this.#connection.closeWrite();
  }

  /** All that comes until the listener closes the connection. */
  rest(): Promise<string> {
    return this.#heard;
  }

  /** The one answer. */
  async answer(): Promise<Heard> {
    const text = await this.#heard;
    const [head = "", body = "", ...more] = text.split("\r\n\r\n");
    assert.deepEqual(more, [], "one answer, and nothing after it");
    const [first = "", ...lines] = head.split("\r\n");
    const headers = Object.fromEntries(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    assert.equal(Number(headers["content-length"]), body.length, text);
    assert.equal(headers["connection"], "close");
    assert.equal(headers["content-type"], "application/json");
    return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]), headers, body };
  }

  async #hear(): Promise<string> {
    const buffer = new Uint8Array(4096);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) return this.#text;
        this.#text += new TextDecoder().decode(buffer.subarray(0, count));
      }
    } catch (error) {
      // The listener has closed before it had read everything, or the test has closed.
      const expected = error instanceof Deno.errors.ConnectionReset ||
        error instanceof Deno.errors.Interrupted ||
        error instanceof Deno.errors.BadResource;
      if (!expected) throw error;
      return this.#text;
    }
  }

  async [Symbol.asyncDispose]() {
    this.#connection.close();
    await this.#heard;
  }
}
