/** Health checks that a port can be connected to. */
import { sanitise } from "../report/sanitise.ts";
import { Mistake } from "../text/mistake.ts";
import type { Kind } from "./kind.ts";

/** A port. */
export interface TcpTarget {
  /** A name or an address; one of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Makes a connection: `Deno.connect`, or what stands in for it in a test. */
export type Connect = (
  options: { hostname: string; port: number; signal: AbortSignal },
) => Promise<{ close(): void }>;

const PORT_MAX = 65_535;
const NEXT = "Write it like 127.0.0.1:5432, [::1]:5432 or db.example.org:5432.";

/** `tcp HOST:PORT`: passes if a connection is made; nothing is sent, and it is closed at once. */
export const tcp: Kind<TcpTarget> = {
  synopsis: "tcp HOST:PORT",
  keys: [],
  read(text) {
    const [, bracketed, plain, port = ""] =
      /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})$/.exec(text) ?? [];
    const host = bracketed ?? plain;
    if (host === undefined) {
      const many = text.split(":").length > 2 && !text.includes("[");
      throw new Mistake(
        many ? "an address of IPv6 needs brackets" : "it is not HOST:PORT",
        many ? "Write it like [::1]:5432." : NEXT,
      );
    }
    if (bracketed !== undefined && !URL.canParse(`http://[${bracketed}]/`)) {
      throw new Mistake("it has no address of IPv6 in its brackets", NEXT);
    }
    if (Number(port) < 1 || Number(port) > PORT_MAX) {
      throw new Mistake("there is no such port", `Give a port from 1 to ${PORT_MAX}.`);
    }
    return { host, port: Number(port) };
  },
  nameOf: ({ host, port }) => `tcp ${host.includes(":") ? `[${host}]` : host}:${port}`,
  open: (check) => ({ look: (signal) => tryToConnect(check, signal) }),
};

/** Connects, and closes the connection; also one that is made only after it was given up. */
export async function tryToConnect(
  { host, port }: TcpTarget,
  signal: AbortSignal,
  connect: Connect = Deno.connect,
): Promise<string | null> {
  // It may take long to act on its signal, or be done already.
  const givenUp = new Promise<string>((resolve) => {
    if (signal.aborted) resolve("it was given up");
    signal.addEventListener("abort", () => resolve("it was given up"), { once: true });
  });
  const made = connect({ hostname: host, port, signal }).then(
    (connection) => {
      connection.close();
      return null;
    },
    (error: unknown) => whyNot(error),
  );
  return await Promise.race([made, givenUp]);
}

function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) return "the connection was refused";
  if (!(error instanceof Error)) return "no connection can be made";
  return `no connection can be made: ${sanitise(error.message.replace(/ \(os error \d+\)/, ""), 200)}`;
}
