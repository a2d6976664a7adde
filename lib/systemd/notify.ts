import type { Report } from "../report/event.ts";
import { noServiceManager, type ServiceManager } from "./service_manager.ts";

/** The longest status line, in bytes. systemd keeps more; `systemctl status` shows one line. */
export const STATUS_LIMIT = 512;

/** The parts of the environment that are read here. */
export interface Environment {
  get(name: string): string | undefined;
}

/** A datagram socket that can send: what this file needs of `Deno.listenDatagram`. */
export interface DatagramSocket {
  send(datagram: Uint8Array, to: string): Promise<unknown>;
  close(): void;
}

/** Opens a {@linkcode DatagramSocket}. */
export type OpenSocket = () => Promise<DatagramSocket>;

/** How long the host has been up, in whole seconds, a begun one included: what this file needs of `Deno.osUptime`. */
export type Uptime = () => number;

/**
 * Connects to the service manager that NOTIFY_SOCKET names, as sd_notify(3) has it: an absolute path, or `@` and
 * the name of an abstract socket. Without NOTIFY_SOCKET nobody wants to know, and nothing is ever sent.
 *
 * If a message cannot be sent, one warning is reported, once for all messages; later ones are still tried. If no
 * socket can be opened, or NOTIFY_SOCKET is neither, nothing is ever sent.
 */
export async function connectServiceManager(
  env: Environment,
  report: Report,
  open: OpenSocket = openSocket,
  uptime: Uptime = () => Deno.osUptime(),
): Promise<ServiceManager> {
  const address = env.get("NOTIFY_SOCKET");
  if (address === undefined || address === "") return noServiceManager;
  let warned = false;
  const warn = (error: unknown) => {
    if (warned) return;
    warned = true;
    report({
      name: "notify",
      level: "warning",
      message: `systemd cannot be told how hail is doing: ${reason(error)}. Hail goes on without.`,
      fields: { socket: address },
    });
  };
  if (!/^[/@]./.test(address)) {
    warn(new Error("NOTIFY_SOCKET names neither a path nor an abstract socket"));
    return noServiceManager;
  }
  try {
    return serviceManagerOn(await open(), address.replace(/^@/, "\0"), uptime, warn);
  } catch (error) {
    warn(error);
    return noServiceManager;
  }
}

function serviceManagerOn(
  socket: DatagramSocket,
  address: string,
  uptime: Uptime,
  warn: (error: unknown) => void,
): ServiceManager {
  let closed = false;
  const encoder = new TextEncoder();
  let last: Promise<void> = Promise.resolve();
  // One after the other: Deno refuses to send while it sends ("Socket already in use"), and the order matters.
  const send = (message: string) =>
    last = last.then(async () => {
      if (closed) return;
      try {
        await socket.send(encoder.encode(message), address);
      } catch (error) {
        if (!closed) warn(error);
      }
    });
  return {
    ready: () => send("READY=1"),
    reloading: () => send(reloadingMessage(uptime, warn)),
    status: (text) => send(`STATUS=${statusLine(text)}`),
    watchdog: () => send("WATCHDOG=1"),
    stopping: () => send("STOPPING=1"),
    extendTimeout: (duration) => send(`EXTEND_TIMEOUT_USEC=${Math.max(0, Math.ceil(duration)) * 1000}`),
    close() {
      if (closed) return;
      closed = true;
      socket.close();
    },
  };
}

/**
 * `RELOADING=1`, with the time that a unit of `Type=notify-reload` asks for: it takes the message for the answer to its
 * signal only if MONOTONIC_USEC is not before the signal (sd_notify(3)). Deno cannot read CLOCK_MONOTONIC. The uptime,
 * rounded up as Linux gives it, is never behind that clock, and how far it is ahead does not matter.
 */
function reloadingMessage(uptime: Uptime, warn: (error: unknown) => void): string {
  try {
    return `RELOADING=1\nMONOTONIC_USEC=${BigInt(Math.ceil(uptime())) * 1_000_000n}`;
  } catch (error) {
    // Other types of units need no time.
    warn(error);
    return "RELOADING=1";
  }
}

/**
 * `text` as one line of at most {@linkcode STATUS_LIMIT} bytes: a new line would start another message of the
 * protocol, so every control character becomes a space. A character that does not fit whole is left out.
 */
export function statusLine(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  const buffer = new Uint8Array(STATUS_LIMIT);
  const { written } = new TextEncoder().encodeInto(line, buffer);
  return new TextDecoder().decode(buffer.subarray(0, written));
}

function reason(error: unknown): string {
  if (error instanceof TypeError && error.message.includes("null bytes")) {
    return "this build of hail cannot send to an abstract socket";
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * Where to bind, in this order. Without READY=1 systemd would end hail at every start, so a temporary folder that is
 * missing, full, read-only or longer than a socket's path may be (108 bytes) is not the last word.
 */
const FOLDERS: readonly (string | undefined)[] = [undefined, "/run", "/dev/shm"];

/** Opens a socket in the first folder that takes one. What is thrown is the error of the first, the usual one. */
async function openSocket(): Promise<DatagramSocket> {
  const errors: unknown[] = [];
  for (const folder of FOLDERS) {
    try {
      return await openSocketBelow(folder);
    } catch (error) {
      errors.push(error);
    }
  }
  throw errors[0];
}

/**
 * Deno sends only from a socket that is bound to a path. The path is needed for nothing else, so it lies in a
 * folder that nobody else can enter and is gone before the first message.
 *
 * @param parent Where that folder is made; undefined for the default temporary folder.
 */
async function openSocketBelow(parent: string | undefined): Promise<DatagramSocket> {
  const folder = await Deno.makeTempDir({ prefix: "hail-notify-", ...(parent && { dir: parent }) });
  try {
    const socket = Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/socket` });
    return {
      send: (datagram, path) => socket.send(datagram, { transport: "unixpacket", path }),
      close: () => socket.close(),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
