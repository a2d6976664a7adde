/**
 * Replays what a real Hydra answered, byte for byte: status line, order of headers, body.
 */
import { type RawServer, startRawServer } from "./raw_server.ts";

const CAPTURES = new URL("../hydra/captures/", import.meta.url);

/** One hop of a capture. */
export interface Hop {
  /** The method that it answered, or `null` for an answer to GET that also serves HEAD. */
  readonly method: "HEAD" | null;
  readonly target: string;
  /** The status line and the headers, up to and with the empty line. */
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

/** A capture: line 1 is the curl command, then every hop as it was received. */
export async function readCapture(name: string): Promise<Hop[]> {
  const bytes = await Deno.readFile(new URL(`${name}.txt`, CAPTURES));
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\n") + 1;
  const command = text.slice(0, end);
  const uri = /(https?:\/\/\S+)\n$/.exec(command)?.[1];
  if (uri === undefined) throw new Error(`${name}: no URI in its first line`);
  const method = / -I /.test(command) ? "HEAD" : null;
  const hops: Hop[] = [];
  let target = targetOf(uri);
  for (let at = end; at < bytes.length;) {
    const cut = text.indexOf("\r\n\r\n", at) + 4;
    const head = text.slice(at, cut);
    const length = method === "HEAD" ? 0 : Number(/^Content-Length: (\d+)\r$/mi.exec(head)?.[1]);
    if (Number.isNaN(length)) throw new Error(`${name}: a hop without a length`);
    // What a capture lacks is filled with spaces: curl does not show the body of a redirect that it follows, and the
    // errors of the database were shortened. (JSON and HTML may end in spaces.)
    const shown = text.startsWith("HTTP/1.", cut) ? 0 : Math.min(length, bytes.length - cut);
    const body = new Uint8Array(length).fill(0x20);
    body.set(bytes.subarray(cut, cut + shown));
    hops.push({ method, target, head: bytes.slice(at, cut), body });
    const location = /^Location: (\S+)\r$/mi.exec(head)?.[1];
    if (location !== undefined) target = targetOf(location);
    at = cut + shown;
  }
  if (hops.length === 0) throw new Error(`${name}: no answer in it`);
  return hops;
}

/** The names of all captures. */
export function captureNames(): string[] {
  return Array.from(Deno.readDirSync(CAPTURES), (entry) => entry.name.replace(/\.txt$/, "")).toSorted();
}

/**
 * A server that answers the targets of the captures. Where several captures have the same target, they are played
 * one after the other, and the last one for good. What was not captured is answered with 599.
 *
 * @param names Names of captures, without `.txt`.
 */
export async function startReplay(...names: string[]): Promise<RawServer> {
  const queues = new Map<string, Hop[]>();
  for (const hop of (await Promise.all(names.map(readCapture))).flat()) {
    const key = `${hop.method ?? ""} ${hop.target}`;
    queues.set(key, [...queues.get(key) ?? [], hop]);
  }
  return startRawServer(async ({ method, target }, answer) => {
    const queue = queues.get(`${method} ${target}`) ?? queues.get(` ${target}`);
    const hop = queue !== undefined && queue.length > 1 ? queue.shift() : queue?.[0];
    if (hop === undefined) {
      return await answer.write("HTTP/1.1 599 Not Captured\r\nContent-Length: 0\r\n\r\n");
    }
    await answer.write(hop.head);
    if (method !== "HEAD") await answer.write(hop.body);
    if (/^Connection: close\r$/mi.test(new TextDecoder("latin1").decode(hop.head))) answer.close();
  });
}

function targetOf(uri: string): string {
  return uri.replace(/^https?:\/\/[^/]+/, "");
}
