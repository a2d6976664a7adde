import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { Clock } from "../time/clock.ts";
import { encodeAnswer, type Outcome, wordsOf } from "./answer.ts";
import type { Door } from "./door.ts";
import type { RefusalLog } from "./refusal_log.ts";
import { HEAD_BYTES_MAX, parseHead } from "./request_head.ts";

/** How long the head of a request may take to arrive, in milliseconds. */
export const HEAD_LIMIT = 5_000;
/** How long its body may take after that, in milliseconds. */
export const BODY_LIMIT = 10_000;
/** How long a caller may take to receive the answer, in milliseconds. */
const ANSWER_LIMIT = 5_000;
/** How long, and how much, a caller is listened to that goes on talking after the answer. */
export const LINGER_LIMIT = 1_000;
const LINGER_BYTES = 256 * 1024;

/** A connection: what is used here of `Deno.TcpConn`. */
export interface Connection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** What an exchange needs. */
export interface ExchangeOptions {
  readonly connection: Connection;
  /** The address of the caller. */
  readonly from: string;
  readonly door: Door;
  readonly refusals: RefusalLog;
  readonly report: Report;
  readonly clock: Clock;
  /** Ends the exchange at once, without an answer. */
  readonly stop: AbortSignal;
}

/**
 * Reads one request, answers it, and closes the connection. A second request on the same connection is not read. It
 * never throws: whoever has gone gets no answer.
 */
export async function exchange(options: ExchangeOptions): Promise<void> {
  const { connection, from, refusals, report, clock, stop } = options;
  try {
    const outcome = await receive(options);
    if (outcome === "gone" || stop.aborted) return;
    if ("woken" in outcome) {
      report({
        name: "wake",
        level: "info",
        message: `${outcome.woken} is woken over HTTP, from ${from}`,
        fields: { service: outcome.woken, from },
      });
    } else refusals.add(outcome.reason, wordsOf(outcome.reason), from);
    const answered = await within(
      ANSWER_LIMIT,
      send(connection, encodeAnswer(outcome, clock.now())),
      options,
    );
    if (answered === "late") return;
    await connection.closeWrite();
    // If it were closed while something waits to be read, the caller could lose the answer.
    await within(LINGER_LIMIT, drain(connection), options);
  } catch {
    // The caller has gone.
  } finally {
    connection.close();
  }
}

async function receive(options: ExchangeOptions): Promise<Outcome | "gone"> {
  const { connection, from, door, report } = options;
  const read = await within(HEAD_LIMIT, readHead(connection), options);
  if (read === "late") return { reason: "too-slow" };
  if (read === "gone") return "gone";
  if (read === "too-long") return { reason: "head-too-long" };
  const head = parseHead(read.head);
  if (typeof head === "string") return { reason: head };
  const admitted = door.admit(head, from);
  if ("reason" in admitted) return admitted;
  const waits = head.expectsContinue && read.rest.length < head.bodyLength;
  const body = await within(BODY_LIMIT, readBody(connection, head.bodyLength, read.rest, waits), options);
  if (body === "late") return { reason: "too-slow" };
  if (body === "gone" || options.stop.aborted) return "gone";
  try {
    return door.decide(admitted, body, from);
  } catch (error) {
    report(failureEvent(error));
    return { reason: "fault" };
  }
}

/** The head as one character a byte, and what came with it of the body. */
async function readHead(
  connection: Connection,
): Promise<{ readonly head: string; readonly rest: Uint8Array } | "gone" | "too-long"> {
  const buffer = new Uint8Array(HEAD_BYTES_MAX);
  for (let filled = 0; filled < buffer.length;) {
    const count = await connection.read(buffer.subarray(filled));
    if (count === null) return "gone";
    const end = findEmptyLine(buffer.subarray(0, filled + count), Math.max(0, filled - 3));
    filled += count;
    if (end >= 0) {
      const head = String.fromCharCode(...buffer.subarray(0, end));
      return { head, rest: buffer.subarray(end + 4, filled) };
    }
  }
  return "too-long";
}

/** Where CR LF CR LF begins, looked for from an index on; -1 if it is not there. */
function findEmptyLine(bytes: Uint8Array, from: number): number {
  for (let index = from; index + 3 < bytes.length; index++) {
    if (
      bytes[index] === 13 && bytes[index + 1] === 10 && bytes[index + 2] === 13 && bytes[index + 3] === 10
    ) return index;
  }
  return -1;
}

async function readBody(
  connection: Connection,
  length: number,
  begun: Uint8Array,
  waits: boolean,
): Promise<Uint8Array | "gone"> {
  const body = new Uint8Array(length);
  body.set(begun.subarray(0, length));
  if (waits) await send(connection, new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"));
  for (let filled = Math.min(begun.length, length); filled < length;) {
    const count = await connection.read(body.subarray(filled));
    if (count === null) return "gone";
    filled += count;
  }
  return body;
}

async function send(connection: Connection, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

async function drain(connection: Connection): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let left = LINGER_BYTES; left > 0;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    left -= count;
  }
}

/** What comes of some work, or `late` if that takes too long or is to stop. The work itself ends with the connection. */
async function within<T>(
  limit: number,
  work: Promise<T>,
  { clock, stop }: Pick<ExchangeOptions, "clock" | "stop">,
): Promise<T | "late"> {
  const over = new AbortController();
  // Else its failure would be nobody's once it is late.
  work.catch(() => {});
  const late = clock.sleep(limit, AbortSignal.any([over.signal, stop])).then(() => "late" as const);
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}
